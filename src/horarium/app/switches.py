"""Switches: what operators turn off, or slow down, without a deploy. They are notes in the store.

A paused task or queue loses nothing: its messages are stored and wait, those of schedules too. What runs goes on.
Workers look at the switches about once a second, and at once when they are told (worker/flow.py); never per claim.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.app.connection import Connection
from horarium.app.person import named
from horarium.clock import Instant
from horarium.engines.protocol import Engine
from horarium.engines.records import CONTROL_TOPIC, QUEUE_TOPIC, Note
from horarium.errors import InvalidArguments
from horarium.rate import per_second

PREFIX = "switch:"
SwitchKind: TypeAlias = Literal["task", "queue", "rate"]


class Switch(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One of them: a ``task`` or a ``queue`` that is paused, or another ``rate`` of a task."""

    kind: SwitchKind
    name: str  # of the task or queue; for tasks also a pattern such as 'reports.*'
    at: Instant
    by: str = ""
    reason: str = ""
    rate: str | float | None = None  # of kind "rate": as it was written; 0: no limit


class Switched(Struct, frozen=True, kw_only=True):
    """All switches at one moment. A name goes before a pattern."""

    switches: tuple[Switch, ...] = ()

    def of_task(self, name: str) -> Switch | None:
        """Return what pauses a task, if something does."""
        return self._first("task", name)

    def of_queue(self, name: str) -> Switch | None:
        """Return what pauses a queue, if something does."""
        return self._first("queue", name)

    def rate_of(self, name: str) -> Switch | None:
        """Return what takes the place of a task's rate limit, if something does."""
        return self._first("rate", name)

    def of_kind(self, kind: SwitchKind) -> list[Switch]:
        return [switch for switch in self.switches if switch.kind == kind]

    def _first(self, kind: SwitchKind, name: str) -> Switch | None:
        if not self.switches:
            return None
        mine = [switch for switch in self.switches if switch.kind == kind]
        named = next((switch for switch in mine if switch.name == name), None)
        return named or next((switch for switch in mine if fnmatchcase(name, switch.name)), None)


def without_words(switched: Switched) -> Switched:
    """Return what children of workers need of the switches: not who and why."""
    return Switched(switches=tuple(replace(switch, by="", reason="") for switch in switched.switches))


class Switches:
    """The switches of an app's store. Each call is a round trip; the last writer of a name wins."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def pause_task(self, name: str, *, reason: str = "", by: str | None = None) -> Switch:
        """Let no worker start this task (a name, or a pattern such as 'reports.*') any more, until it is resumed.

        Its messages are stored and wait. Raises: InvalidArguments, EngineUnavailable.
        """
        return self._turn("task", name, reason=reason, by=by)

    def resume_task(self, name: str) -> bool:
        """Take back exactly this pause; False when there was none. A pattern is resumed by the same pattern."""
        return self._turn_back("task", name)

    def pause_queue(self, name: str, *, reason: str = "", by: str | None = None) -> Switch:
        """Let no worker take anything from this queue, until it is resumed. Raises: as pause_task."""
        return self._turn("queue", name, reason=reason, by=by)

    def resume_queue(self, name: str) -> bool:
        """Take back the pause of a queue; False when there was none."""
        return self._turn_back("queue", name)

    def set_rate(
        self, task: str, rate: str | float | None, *, reason: str = "", by: str | None = None
    ) -> Switch | None:
        """Let another rate take the place of the declared ``rate_limit`` of a task (a name or a pattern).

        ``0`` means no limit. ``None`` takes the override back, and returns None. Whether the rate holds for the fleet
        or for each worker, and its burst, stay as declared. Raises: InvalidArguments for what is no rate.
        """
        if rate is None:
            self._turn_back("rate", task)
            return None
        try:
            per_second(rate)
        except ValueError as error:
            raise InvalidArguments(f"rate_limit of {task}: {error}") from error
        return self._turn("rate", task, reason=reason, by=by, rate=rate)

    def read(self) -> Switched:
        """Return all switches as they stand now."""
        engine = self._connection.engine
        return read_switches(engine, now=engine.now())

    def _turn(
        self, kind: SwitchKind, name: str, *, reason: str, by: str | None, rate: str | float | None = None
    ) -> Switch:
        if not isinstance(name, str) or not name:
            raise InvalidArguments(f"expected the name of a {_WORDS[kind]}, got {name!r}; name one")
        engine = self._connection.engine
        now = engine.now()
        switch = Switch(kind=kind, name=name, at=now, by=named(by), reason=reason, rate=rate)
        engine.notes.post([Note(key=_key(kind, name), text=Raw(msgspec.json.encode(switch)))], now=now, durable=True)
        engine.notifier.notify([CONTROL_TOPIC])
        return switch

    def _turn_back(self, kind: SwitchKind, name: str) -> bool:
        engine = self._connection.engine
        was_there = engine.notes.erase([_key(kind, name)], durable=True) > 0
        # Children wait for their queues, and what was paused is waiting there.
        queues = [QUEUE_TOPIC + name] if kind == "queue" else []
        engine.notifier.notify([CONTROL_TOPIC, *queues])
        return was_there


def read_switches(engine: Engine, *, now: Instant) -> Switched:
    """Return the switches of a store. One that this version cannot read is left out: it was made by a newer one."""
    return Switched(switches=tuple(_readable(engine.notes.read(PREFIX, now=now))))


def _readable(notes: Iterable[Note]) -> Iterable[Switch]:
    for note in notes:
        try:
            yield msgspec.json.decode(note.text, type=Switch)
        except msgspec.DecodeError:
            continue


def _key(kind: SwitchKind, name: str) -> str:
    return f"{PREFIX}{kind}:{name}"


_WORDS = {"task": "task", "queue": "queue", "rate": "task"}
