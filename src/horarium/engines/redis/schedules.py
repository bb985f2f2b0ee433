"""Schedules, and the one script that makes a firing happen once.

``sch`` holds each schedule as it was saved; ``schx`` beside it what firings change, and wins over the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.protocol import Page, SchedulePage
from horarium.engines.redis.connection import Argument, Store
from horarium.engines.redis.rows import encode, put_arguments
from horarium.engines.redis.tokens import Tokens
from horarium.errors import ScheduleConflict
from horarium.schedules.record import Firing, Schedule

STRETCH = 500  # schedules read by one call

_decode = msgspec.json.Decoder(Schedule).decode


class RedisSchedules:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens = Tokens()

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        if not schedules:
            return []
        arguments: list[Argument] = [self._tokens.take()]
        saved = [replace(schedule, version=schedule.version + 1) for schedule in schedules]
        for schedule in saved:
            arguments += _save_arguments(schedule)
        how, *told = self._store.call("save_schedules", arguments)
        if how == b"conflict":
            name, wanted, found = told
            raise ScheduleConflict(name.decode(), wanted, found)
        return [_with_state(schedule, state) for schedule, state in zip(saved, told, strict=True)]

    def delete(self, names: Sequence[str]) -> int:
        return int(self._store.call("delete_schedules", names)) if names else 0

    def get(self, names: Sequence[str]) -> list[Schedule | None]:
        return list(self._read("named", *names)) if names else []

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        if page.limit < 1:
            return SchedulePage(schedules=())
        found: list[Schedule] = []
        for schedule in self._walk("code" if owner == "code" else "page", page.after or ""):
            if owner is None or schedule.owner == owner:
                found.append(schedule)
            if len(found) > page.limit:
                break
        shown = tuple(found[: page.limit])
        return SchedulePage(schedules=shown, next=shown[-1].name if len(found) > len(shown) else None)

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        read = [schedule for schedule in self._read("due", until, max(0, limit)) if schedule is not None]
        for schedule in read:
            if schedule.error is not None:  # or it would be due for ever, in front of all the others
                self._store.call("shelve_schedule", [schedule.name, schedule.version])
        return [schedule for schedule in read if schedule.error is None]

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[bool]:
        if not firings:
            return []
        arguments: list[Argument] = [now, self._tokens.take(), len(firings)]
        for firing in firings:
            arguments += (
                firing.schedule,
                firing.kind,
                firing.version,
                _blank(firing.expected),
                _blank(firing.nominal),
                _blank(firing.next_fire),
                firing.missed,
                len(firing.messages),
            )
        for firing in firings:
            for message in firing.messages:
                arguments += put_arguments(message)
        return [won == 1 for won in self._store.call("fire", arguments)]

    def _read(self, how: str, *arguments: Argument) -> Iterator[Schedule | None]:
        found = self._store.call("read_schedules", [how, *arguments])
        if found == [b"unindexed"]:
            self._store.call("index_schedules", [])
            found = self._store.call("read_schedules", [how, *arguments])
        for name, record, state in zip(found[::3], found[1::3], found[2::3], strict=True):
            yield None if record is None else to_schedule(name.decode(), record, state)

    def _walk(self, how: str, after: str) -> Iterator[Schedule]:
        """Yield schedules by name. Those of code are listed apart: every scheduler asks for them as it starts, and to
        look through everybody's took it 0.5 s of processor time for each 100,000."""
        while True:
            read = [schedule for schedule in self._read(how, after, STRETCH) if schedule is not None]
            yield from read
            if not read:
                return
            after = read[-1].name


def to_schedule(name: str, record: bytes, state: bytes) -> Schedule:
    """Return a stored schedule; one whose record cannot be read stands in for itself, with the error."""
    try:
        schedule = _decode(record)
    except msgspec.MsgspecError as error:
        reason = f"expected a stored schedule that can be read, got {error}; define it anew, or delete it"
        owner, id = state.decode().split(";", 7)[6:]
        schedule = Schedule(
            id=id,
            name=name,
            task="",
            spec={},
            owner="code" if owner == "code" else "person",
            anchor=0,
            created=0,
            changed=0,
            error=reason,
        )
    return _with_state(schedule, state)


def _with_state(schedule: Schedule, state: bytes) -> Schedule:
    version, _, next_fire, last_fire, total_runs, missed, _, _ = state.decode().split(";", 7)
    return replace(
        schedule,
        version=int(version),
        next_fire=int(next_fire) if next_fire else None,
        last_fire=int(last_fire) if last_fire else None,
        total_runs=int(total_runs),
        missed=int(missed),
    )


def _save_arguments(schedule: Schedule) -> tuple[Argument, ...]:
    return (
        schedule.name,
        schedule.version - 1,
        schedule.id,
        schedule.owner,
        int(schedule.is_active),
        _blank(schedule.next_fire),
        _blank(schedule.last_fire),
        schedule.total_runs,
        schedule.missed,
        encode(schedule),
    )


def _blank(instant: Instant | None) -> Argument:
    return "" if instant is None else instant
