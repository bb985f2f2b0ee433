"""Schedules as they are kept.

``sch`` holds each schedule as it was saved; ``schx`` beside it what firings and runs change, and wins over the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.records import Page, SchedulePage
from horarium.engines.redis.connection import Argument, Store
from horarium.engines.redis.fire import blank, fire
from horarium.engines.redis.rows import encode
from horarium.engines.redis.tokens import Tokens
from horarium.errors import ScheduleConflict
from horarium.schedules.record import Fate, Firing, Owner, Schedule

STRETCH = 500  # schedules read by one call
# See lua/parts/schedules.lua. What stands in the middle is not in states that an older version wrote.
STATE = re.compile(
    rb"(?P<version>\d+);(?P<active>\d);(?P<next>-?\d*);(?P<last>-?\d*);(?P<total>\d+);(?P<missed>\d+);"
    rb"(?:(?P<skipped>\d+);(?P<held>\d?);(?P<succeeded>-?\d*);(?P<failures>\d+);(?P<ended>-?\d*);)?"
    rb"(?P<owner>[a-z]*);(?P<id>.*)",
    re.DOTALL,
)
KEPT = ("version", "next", "last", "total", "missed", "skipped", "held", "succeeded", "failures", "ended")

_OWNERS: dict[bytes, Owner] = {b"code": "code", b"table": "table"}

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
        return [_as_saved(schedule, state) for schedule, state in zip(saved, told, strict=True)]

    def delete(self, names: Sequence[str]) -> int:
        return int(self._store.call("delete_schedules", names)) if names else 0

    def get(self, names: Sequence[str]) -> list[Schedule | None]:
        return list(self._read("named", *names)) if names else []

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        if page.limit < 1:
            return SchedulePage(schedules=())
        found: list[Schedule] = []
        for schedule in self._walk(owner if owner in ("code", "table") else "page", page.after or ""):
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

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[Fate]:
        return fire(self._store, self._tokens, firings, now)

    def _read(self, how: str, *arguments: Argument) -> Iterator[Schedule | None]:
        found = self._store.call("read_schedules", [how, *arguments])
        if found == [b"unindexed"]:
            self._store.call("index_schedules", [])
            found = self._store.call("read_schedules", [how, *arguments])
        for name, record, state in zip(found[::3], found[1::3], found[2::3], strict=True):
            yield None if record is None else to_schedule(name.decode(), record, state)

    def _walk(self, how: str, after: str) -> Iterator[Schedule]:
        """Yield schedules by name. Those of code and of tables are listed apart: every scheduler asks for them as it
        starts, and to look through everybody's took it 0.5 s of processor time for each 100,000."""
        while True:
            read = [schedule for schedule in self._read(how, after, STRETCH) if schedule is not None]
            yield from read
            if not read:
                return
            after = read[-1].name


def to_schedule(name: str, record: bytes, state: bytes | None) -> Schedule:
    """Return a stored schedule; one whose record cannot be read stands in for itself, with the error."""
    found = STATE.fullmatch(state or b"")
    try:
        schedule = _decode(record)
        reason = "" if found else "a state of its own that says otherwise"
    except msgspec.MsgspecError as error:
        reason = str(error)
    if reason:
        schedule = _stand_in(name, found, reason)
    return _with_state(schedule, found) if found else schedule


def _as_saved(schedule: Schedule, state: bytes) -> Schedule:
    found = STATE.fullmatch(state)
    assert found is not None, state  # the script has just written it
    return _with_state(schedule, found)


def _stand_in(name: str, found: re.Match[bytes] | None, reason: str) -> Schedule:
    return Schedule(
        id=found["id"].decode() if found else "",
        name=name,
        task="",
        spec={},
        owner=_OWNERS.get(found["owner"], "person") if found else "person",
        anchor=0,
        created=0,
        changed=0,
        error=f"expected a stored schedule that can be read, got {reason}; define it anew, or delete it",
    )


def _with_state(schedule: Schedule, found: re.Match[bytes]) -> Schedule:
    version, next_fire, last_fire, total, missed, skipped, held, succeeded, failures, ended = found.group(*KEPT)
    return replace(
        schedule,
        version=int(version),
        next_fire=_instant(next_fire),
        last_fire=_instant(last_fire),
        total_runs=int(total),
        missed=int(missed),
        skipped=int(skipped or 0),
        held=held == b"1",
        succeeded=_instant(succeeded),
        failures=int(failures or 0),
        ended=_instant(ended),
    )


def _save_arguments(schedule: Schedule) -> tuple[Argument, ...]:
    return (
        schedule.name,
        schedule.version - 1,
        schedule.id,
        schedule.owner,
        int(schedule.is_active),
        blank(schedule.next_fire),
        blank(schedule.last_fire),
        schedule.total_runs,
        schedule.missed,
        schedule.skipped,
        blank(schedule.succeeded),
        schedule.failures,
        blank(schedule.ended),
        encode(schedule),
    )


def _instant(text: bytes | None) -> Instant | None:
    return int(text) if text else None
