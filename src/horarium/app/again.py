"""A run that has ended, asked for once more: as a new message, which names the one that it repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from horarium.app.redacting import REDACTED
from horarium.clock import Instant
from horarium.engines.records import QUEUE_TOPIC, Placed
from horarium.message import Message, new_id
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

RETRY_OF = "retry_of"  # the header that names the run a message repeats


def refusal(run: Run) -> str | None:
    """Say why a run cannot be asked for again; None: it can be."""
    if not run.has_ended:
        return f"it has not ended: it is {run.state}"
    if run.message.gate is not None:
        return "it never got the values of those that it waited for; send the whole again"
    if REDACTED in run.message.headers:
        return "it succeeded, and what its task keeps from view (redact=) is stored no more; make the call anew"
    return None


def send_again(engine: Engine, runs: Sequence[Run]) -> list[tuple[Message, Placed]]:
    """Send the calls of ended runs again and wake their queues; return each message, and what the store made of it.

    Ask ``refusal`` first. Where another message holds the unique key of one, that one's id is answered, and nothing
    was sent for it. Raises: EngineUnavailable; calling again would send them twice, since their ids are new.
    """
    return send_repeated(engine, [repeated(run, engine.now()) for run in runs])


def send_repeated(engine: Engine, messages: Sequence[Message]) -> list[tuple[Message, Placed]]:
    """Send what ``repeated`` has made, and wake the queues; return each, and what the store made of it.

    Raises: EngineUnavailable; calling again with the same messages is safe.
    """
    placed = engine.queue.put(messages, now=engine.now())
    stored = [message for message, answer in zip(messages, placed, strict=True) if answer is True]
    engine.notifier.notify({QUEUE_TOPIC + message.queue for message in stored})
    return list(zip(messages, placed, strict=True))


def repeated(run: Run, now: Instant, *, id: str | None = None, eta: Instant | None = None) -> Message:
    """Return a message that asks for the same call again, at once (or at ``eta``) and with all its retries. Nobody
    waits for it: what followed the old one has ended with it."""
    old = run.message
    return msgspec.structs.replace(
        old,
        id=id or new_id(now),
        created=now,
        eta=eta,
        expires=None,
        retries=0,
        joins=(),
        headers={**old.headers, RETRY_OF: old.id},
    )
