"""The rows of schedules as an app edits them: read by name, checked, saved under the version that was read.

What only the code defines so far counts as a row of version 0; saving it stores it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from horarium.app.registry import nearest
from horarium.clock import Instant
from horarium.engines.records import SCHEDULE_TOPIC, Page
from horarium.errors import InvalidSchedule, NotRegistered, ScheduleConflict, ScheduleNotFound
from horarium.message import new_id
from horarium.schedules import editing, policy
from horarium.schedules.entries import KEYS, read_entry
from horarium.schedules.record import Schedule
from horarium.schedules.specs import from_record
from horarium.schedules.words import describe

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

R = TypeVar("R")

PAGE = 500
NEAR = 2000  # names among which the one that was meant is looked for
TRIES = 5  # somebody else's edit between our reading and our writing is rare, twice in a row rarer

# Keys of an entry whose field in the record has another name.
_FIELDS = {"schedule": "spec"}


def browse_all(engine: Engine, owner: str | None = None) -> Iterator[Schedule]:
    """Yield the stored schedules by name, read page by page."""
    page = engine.schedules.browse(Page(limit=PAGE), owner=owner)
    while True:
        yield from page.schedules
        if page.next is None:
            return
        page = engine.schedules.browse(Page(limit=PAGE, after=page.next), owner=owner)


def tried(once: Callable[[], R]) -> R:
    """Do something that reads what it saves, anew after a conflict, a few times. Raises: ScheduleConflict."""
    for _ in range(TRIES - 1):
        try:
            return once()
        except ScheduleConflict:  # read again what somebody else has just saved
            continue
    return once()


class Rows:
    """The schedules in the store of one app, and those that its code defines."""

    def __init__(self, app: Horarium) -> None:
        self._app = app

    def get(self, name: str) -> Schedule:
        """Return the stored schedule, else the one of the code. Raises: ScheduleNotFound, InvalidSchedule."""
        engine = self._app.engine
        [stored] = engine.schedules.get([name])
        if stored is not None:
            return stored
        declared = self._declared(name, now=engine.now())
        if declared is None:
            raise self.not_found(name)
        return declared

    def stored(self, name: str) -> Schedule:
        """Return a schedule that is stored; what only the code defines is stored now."""

        def once() -> Schedule:
            schedule = self.get(name)
            return schedule if schedule.version else self.save([schedule])[0]

        return tried(once)

    def all(self, owner: str | None = None) -> Iterator[Schedule]:
        """Yield the stored schedules by name, read page by page."""
        return browse_all(self._app.engine, owner)

    def edit(self, name: str, edit: Callable[[Schedule, Instant], Schedule]) -> Schedule:
        """Save an edit that fits any version: anew when a scheduler or a person changed the schedule meanwhile."""

        def once() -> Schedule:
            schedule, now = self.get(name), self._app.engine.now()
            after = edit(schedule, now)
            return schedule if after is schedule and schedule.version else self.replace(schedule, after, now=now)

        return tried(once)

    def replace(self, before: Schedule, after: Schedule, *, now: Instant) -> Schedule:
        """Save an edit of the version that was read, and what it writes off. Raises: ScheduleConflict."""
        missed = editing.written_off(before, after, now=now) if before.version else None
        if missed is not None:
            self._app.engine.schedules.fire([missed], now=now)
        return self.save([after])[0]

    def save(self, schedules: Sequence[Schedule]) -> Sequence[Schedule]:
        """Save schedules, all or none, and tell the schedulers. Raises: ScheduleConflict."""
        engine = self._app.engine
        saved = engine.schedules.save(schedules, now=engine.now())
        engine.notifier.notify([SCHEDULE_TOPIC])
        return saved

    def read(self, name: str, entry: Mapping[str, Any], *, now: Instant) -> Schedule:
        """Return the schedule that an entry asks for. Raises: InvalidSchedule, EncodingError."""
        return read_entry(name, entry, timezone=self._app.conf.timezone, now=now)

    def fresh(self, name: str, entry: Mapping[str, Any], *, now: Instant) -> Schedule:
        """Return the schedule that a person's new entry makes, with its first firing. Raises: as ``read``;
        InvalidSchedule for one without firings to come."""
        wanted = replace(self.read(name, entry, now=now), id=new_id(now), owner="person")
        made = policy.create(wanted, now=now)
        if made.next_fire is None or made.next_fire <= now:
            raise InvalidSchedule(
                f"schedule {name[:100]!r}: expected one that has firings to come, got "
                f"{describe(from_record(made.spec))}, which has none later than now; correct its moment, start or end"
            )
        return made

    def amended(self, stored: Schedule, keys: Mapping[str, Any], *, now: Instant) -> Schedule:
        """Return a stored schedule with the given keys of an entry read into it. Raises: as ``read``."""
        spec = keys["schedule"] if "schedule" in keys else from_record(stored.spec)
        read = self.read(stored.name, {"task": stored.task, **keys, "schedule": spec}, now=now)
        fields = {_FIELDS.get(key, key) for key in keys if key in KEYS and hasattr(read, _FIELDS.get(key, key))}
        return replace(stored, **{field: getattr(read, field) for field in fields})

    def require_sendable(self, schedule: Schedule, *, now: Instant) -> None:
        """Refuse what could not be sent at any firing. Raises: NotRegistered, InvalidArguments, CodecError."""
        app = self._app
        app.producer.checked(schedule.task, schedule.options)
        task = app.tasks.get(schedule.task)
        if task is not None:
            task.check_stored(schedule.args, schedule.kwargs)
            return
        members = app.engine.inspector.workers(now=now)
        elsewhere = {name for each in members if each.alive for name in each.member.tasks}
        if schedule.task not in elsewhere:
            raise NotRegistered(schedule.task, nearest(schedule.task, [*app.tasks, *elsewhere]))

    def not_found(self, name: str) -> ScheduleNotFound:
        """Return the error that there is no such schedule, with the name that was likely meant."""
        names = [each.name for each in islice(self.all(), NEAR)]
        return ScheduleNotFound(name, nearest(name, [*self._app.raw_entries(), *names]))

    def _declared(self, name: str, *, now: Instant) -> Schedule | None:
        """Return what the code defines under a name, ready to be stored for the first time."""
        entry = self._app.raw_entries().get(name)
        if entry is None:
            return None
        return policy.create(replace(self._app.schedule_entry(name, entry), app=self._app.main), now=now)
