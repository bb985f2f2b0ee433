"""What the tests of moving share: messages that wait, and engines that die between two verbs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Raw

from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.message import Message


class Dead(BaseException):
    """The process was killed: nothing that it would have done is done any more."""


class Fate:
    """Kills at the n-th verb, before or after it was carried out, and lets no verb pass from then on."""

    def __init__(self, at: int | None, *, after: bool) -> None:
        self.left = at
        self.after = after
        self.is_dead = False

    def carry_out(self, verb: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.is_dead:
            raise Dead
        if self.left is None or self.left > 0:
            self.left = None if self.left is None else self.left - 1
            return verb(*args, **options)
        self.is_dead = True
        if self.after:
            verb(*args, **options)
        raise Dead


class Mortal:
    """An engine whose user dies by fate."""

    def __init__(self, engine: Engine, fate: Fate) -> None:
        self.url, self.capabilities, self.now = engine.url, engine.capabilities, engine.now
        self.notifier = engine.notifier
        for name in ("queue", "results", "schedules", "inspector"):
            setattr(self, name, _Verbs(getattr(engine, name), fate))


class _Verbs:
    def __init__(self, protocol: Any, fate: Fate) -> None:
        self._protocol, self._fate = protocol, fate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb = getattr(self._protocol, name)
        return lambda *args, **options: self._fate.carry_out(verb, *args, **options)


def message(engine: Engine, number: int, **fields: Any) -> Message:
    chosen = {"task": "shop.charge", "args": Raw(b"[%d]" % number), "created": engine.now(), **fields}
    return Message(id=f"m{number:05}", **chosen)


def put(engine: Engine, numbers: Sequence[int], **fields: Any) -> set[str]:
    messages = [message(engine, number, **fields) for number in numbers]
    engine.queue.put(messages, now=engine.now())
    return {each.id for each in messages}


def waiting(engine: Engine) -> dict[str, Message]:
    """Return what waits, by id."""
    found: dict[str, Message] = {}
    after: str | None = None
    while True:
        page = engine.inspector.find(RunFilter(), Page(limit=500, after=after))
        found |= {held.message.id: held.message for held in page.held if held.owner is None}
        after = page.next
        if after is None:
            return found
