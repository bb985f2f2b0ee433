"""A run that has ended, asked for once more."""

from __future__ import annotations

import pytest

from horarium import Horarium
from horarium.app.again import RETRY_OF, refusal, send_again
from horarium.engines.memory import MemoryEngine
from horarium.message import Message, Unique
from horarium.outcome import Run, State


@pytest.fixture
def engine() -> MemoryEngine:
    engine: MemoryEngine = Horarium("again", engine=MemoryEngine(), set_as_current=False).engine  # type: ignore[assignment]
    return engine


def _run(message: Message, state: State) -> Run:
    return Run(message=message, state=state, changed=message.created)


def test_what_is_sent_again_is_a_new_run_that_names_the_old_one(engine: MemoryEngine) -> None:
    old = Message(id="old", task="t", created=1, eta=2, expires=3, retries=2, headers={"tenant": "acme"})
    [(message, placed)] = send_again(engine, [_run(old, State.FAILURE)])
    assert placed is True and message.id != "old"
    assert message.headers == {"tenant": "acme", RETRY_OF: "old"}
    assert (message.eta, message.expires, message.retries) == (None, None, 0)
    assert engine.results.read([message.id])[0] is not None


def test_a_call_whose_unique_key_is_held_is_not_sent_again(engine: MemoryEngine) -> None:
    holder = Message(id="holder", task="t", created=1, unique=Unique(key="k"))
    engine.queue.put([holder], now=1)
    old = Message(id="old", task="t", created=1, unique=Unique(key="k"))
    [(message, placed)] = send_again(engine, [_run(old, State.FAILURE)])
    assert placed == "holder"
    assert engine.results.read([message.id]) == [None]


def test_what_has_not_ended_is_not_sent_again() -> None:
    message = Message(id="m", task="t", created=1)
    assert refusal(_run(message, State.PENDING)) == "it has not ended: it is PENDING"
    assert refusal(_run(message, State.REVOKED)) is None
