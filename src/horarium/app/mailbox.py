"""Asks workers: leaves a command in the store, wakes them, and gathers what they answer.

Whoever asks knows by the heartbeats who lives, so the answer is complete when all of those have replied, and nobody
waits for the timeout but for the silent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from horarium.app.connection import Connection
from horarium.app.fleet import Node, live_nodes
from horarium.clock import Seconds
from horarium.command import COMMAND_TOPIC, REPLY_TOPIC, UNANSWERED, Command, Matcher, Reply, is_like
from horarium.engines.protocol import Engine
from horarium.engines.records import Note
from horarium.message import new_id

LOOK_EVERY: Seconds = 0.1  # a hint may be lost; and somebody who lives may only now have said so

_reply = msgspec.json.Decoder(Reply)


class Audience(Struct, frozen=True, kw_only=True):
    """Whom a command is for. Raises: ValueError from ``nodes`` for a pattern that cannot be read."""

    names: tuple[str, ...] | None = None
    pattern: str | None = None
    matcher: Matcher = "glob"

    @property
    def is_everybody(self) -> bool:
        return self.names is None and self.pattern is None

    def nodes(self, engine: Engine) -> list[Node]:
        """Return those of them that live."""
        return [node for node in live_nodes(engine, self.names) if is_like(self.pattern, self.matcher, node.name)]


class Mailbox:
    """Used by one thread at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(
        self, name: str, arguments: dict[str, Any], audience: Audience, *, timeout: Seconds | None = None
    ) -> Command:
        """Leave a command; workers learn of it at once. ``timeout``: how long the reply is waited for; None: nobody
        waits. Raises: EngineUnavailable."""
        engine = self._connection.engine
        now = engine.now()
        holds = UNANSWERED if timeout is None else timeout
        command = Command(
            id=new_id(now),
            name=name,
            arguments=arguments,
            destination=audience.names,
            pattern=audience.pattern,
            matcher=audience.matcher,
            issued=now,
            expires=now + max(1, round(holds * 1000)),
            wants_reply=timeout is not None,
        )
        note = Note(key=command.key, text=Raw(msgspec.json.encode(command)), expires=command.expires)
        engine.notes.post([note], now=now)
        engine.notifier.notify([COMMAND_TOPIC])
        return command

    def ask(
        self,
        name: str,
        arguments: dict[str, Any],
        audience: Audience,
        *,
        timeout: Seconds,
        limit: int | None = None,
    ) -> Iterator[Reply]:
        """Leave a command and yield the replies as they come: until all who live have answered, ``limit`` is reached,
        or the time is up. Raises: EngineUnavailable."""
        engine, clock = self._connection.engine, self._connection.clock
        until = clock.monotonic() + timeout
        listener = engine.notifier.listen([REPLY_TOPIC])
        answered: set[str] = set()
        try:
            command = self.send(name, arguments, audience, timeout=timeout)
            nodes, looked = audience.nodes(engine), clock.monotonic()
            while True:
                for reply in _read(engine, command, answered):
                    answered.add(reply.owner)
                    yield reply
                    if limit is not None and len(answered) >= limit:
                        return
                left = until - clock.monotonic()
                if _is_complete(audience, nodes, answered):
                    _tidy_up(engine, command, answered)
                    return
                if left <= 0:
                    return
                if clock.monotonic() - looked >= LOOK_EVERY:  # not at each reply: it is the dearer question
                    nodes, looked = audience.nodes(engine), clock.monotonic()
                listener.wait(min(left, LOOK_EVERY))
        finally:
            listener.close()


def _read(engine: Engine, command: Command, known: Collection[str]) -> list[Reply]:
    notes = engine.notes.read(command.replies, now=engine.now())
    replies = [_reply.decode(note.text) for note in notes]
    return [reply for reply in replies if reply.owner not in known]


def _tidy_up(engine: Engine, command: Command, answered: Collection[str]) -> None:
    """Remove what everybody has seen; it would expire by itself, but a fleet may be asked often."""
    engine.notes.erase([command.key, *(command.replies + owner for owner in answered)])


def _is_complete(audience: Audience, nodes: Collection[Node], answered: Collection[str]) -> bool:
    """Whether nobody is left who could answer: somebody lives (of each name), and all who live have answered."""
    return len(nodes) >= len(audience.names or ("any",)) and all(node.owner in answered for node in nodes)
