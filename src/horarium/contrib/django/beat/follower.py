"""Keeps the store like the tables, in turns: what has been noted first, then a page of everything, then what to show.

One thread uses it, with Django's connections of that thread. It decides nothing about time: whoever calls it does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import Error as DatabaseError
from django.db import OperationalError, ProgrammingError
from msgspec import Struct

from horarium.app.rows import browse_all
from horarium.clock import Instant, Seconds
from horarium.contrib.django.beat import changes, migrating, tables
from horarium.contrib.django.beat.changes import Noted
from horarium.contrib.django.beat.mirror import expired, show
from horarium.contrib.django.beat.rows import PAGE, Rows
from horarium.contrib.django.beat.settings_rows import bring_in
from horarium.contrib.django.beat.storing import Stored, store
from horarium.contrib.django.beat.sweep import PAGES_WITHOUT_TRIGGERS, Sweep
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.errors import HorariumError, ImproperlyConfigured
from horarium.event import Event, RowUnreadable, ScheduleUnreadable, Silent, StoreWeak
from horarium.scheduler.sync import save_wanted

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

LOOK_EVERY: Seconds = 2.0  # whether the triggers are still there: a table that SQLite makes anew has lost them
ENSURE_EVERY: Seconds = 60.0  # whether they may be made by now
EXPIRED_EVERY: Seconds = 5.0
AHEAD = 5_000  # numbers of rows
REMEMBERED = 10_000  # names whose rows are behind; the others are found by a round
TOLD = 1_000  # bad rows that are known to have been told, where they cannot be noted


class Turn(Struct, frozen=True, kw_only=True):
    """What a turn did, and whether there is more to do at once."""

    stored: int = 0
    removed: int = 0
    events: tuple[Event, ...] = ()
    is_more: bool = False


class Follower:
    """Brings the rows of one database into the store of one app, and what was fired into the rows."""

    def __init__(self, app: Horarium, rows: Rows) -> None:
        self._app = app
        self._rows = rows
        self._sweep = Sweep(app, rows)
        self._is_ready = False  # the tables are there, and the settings' entries in them
        self._seen_at: Seconds | None = None  # a reading of the monotonic clock: since when the tables are there
        self._has_triggers = False
        self._has_told = False  # that there can be no triggers
        self._looked_at = self._ensured_at = self._expired_at = float("-inf")  # readings of the monotonic clock
        self._behind: set[str] = set()
        self._places: dict[Noted, _Place] = {}  # how far we are in rows that share what has changed
        self._asked: list[Noted] = []  # changes of everything, which the round under way deals with
        self._told: dict[str, str] = {}

    def note_fired(self, names: Iterable[str]) -> None:
        """Remember names whose rows are to show what was fired."""
        self._behind.update(names)
        if len(self._behind) > REMEMBERED:
            self._behind = set()
            self._sweep.begin()

    def turn(self, engine: Engine, *, now: Instant) -> Turn:
        """Do what is to be done next: a fraction of a second of it.

        Raises: ImproperlyConfigured when the tables are missing, naming the command that makes them; HorariumError when
        the database cannot be used; EngineError. It may be called again whatever it raised.
        """
        try:
            return self._turn(engine, now=now)
        except DatabaseError as error:
            self._is_ready = False
            raise self._explained(error) from error

    def _turn(self, engine: Engine, *, now: Instant) -> Turn:
        monotonic = self._app.clock.monotonic()
        events: list[Event] = []
        left = 0
        if not self._is_ready:
            self._require_tables(monotonic)
            self._look(monotonic, events)
            left = self._bring_in(engine, events, now=now)
            self._is_ready = True
        elif monotonic - self._looked_at >= LOOK_EVERY:
            self._look(monotonic, events)
        done = [*self._follow_changes(engine, now=now)] if self._has_triggers else []
        is_busy = sum(len(each.errors) for each in done) > PAGE // 2  # so many edits come first, or both would be late
        if not is_busy and self._sweep.is_due(monotonic, has_triggers=self._has_triggers):
            done += self._go_round(engine, now=now, monotonic=monotonic)
        done += self._show(engine, now=now, monotonic=monotonic)
        self._behind.update(name for each in done for name in each.unshown)
        events += self._bad_rows(done)
        stored, removed = sum(each.saved for each in done), left + sum(each.removed for each in done)
        if stored or removed:
            engine.notifier.notify([SCHEDULE_TOPIC])
        is_more = bool(
            is_busy or stored or removed or self._sweep.is_urgent or self._places or len(self._behind) > PAGE
        )
        return Turn(stored=stored, removed=removed, events=tuple(events), is_more=is_more)

    def _require_tables(self, monotonic: Seconds) -> None:
        using = self._rows.using
        if tables.missing(using).tasks:
            self._seen_at = None
            raise ImproperlyConfigured(_no_tables(using, "they are missing"))
        if self._seen_at is None:
            self._seen_at = monotonic
        if monotonic - self._seen_at < migrating.LONGEST and migrating.is_under_way(using):
            raise ImproperlyConfigured(_no_tables(using, "others are being made, or are missing"))

    def _look(self, monotonic: Seconds, events: list[Event]) -> None:
        """See to it that edits are noted, and say so once if they cannot be."""
        using = self._rows.using
        self._looked_at = monotonic
        if tables.triggers_are_there(using):
            self._has_triggers = True
            return
        if self._has_triggers or monotonic - self._ensured_at >= ENSURE_EVERY:
            self._ensured_at = monotonic
            reason = "it is of a kind that we write none for"
            try:
                tables.ensure(using)
            except DatabaseError as error:
                reason = str(error).strip()
            self._has_triggers = tables.triggers_are_there(using)
            self._rows.has_extras = not tables.missing(using).own
            if not self._has_triggers and not self._has_told:
                self._has_told = True
                events.append(StoreWeak(where="beat", weakness=_no_triggers(using, reason)))

    def _bring_in(self, engine: Engine, events: list[Event], *, now: Instant) -> int:
        """Make rows of the settings' entries, and remove what the code of this app stored when there was no table in
        charge; return how many schedules that were."""
        report = bring_in(self._app)
        save_wanted(engine, report.beside, now=now, observer=Silent())
        for outcome in report.outcomes:
            if outcome.what == "unreadable":
                events.append(ScheduleUnreadable(schedule=outcome.name, reason=outcome.reason))
        of_code = [each.name for each in browse_all(engine, owner="code") if each.app == self._app.main]
        left = 0
        for start in range(0, len(of_code), PAGE):
            names = set(of_code[start : start + PAGE]) - report.beside.keys()
            left += engine.schedules.delete(sorted(names - self._rows.named(names).keys()))
        return left

    def _follow_changes(self, engine: Engine, *, now: Instant) -> Iterable[Stored]:
        using = self._rows.using
        if not changes.are_there(using):
            self._places.clear()
            return
        noted = changes.of_tasks(using, PAGE)
        if noted:
            olds: dict[int, list[str]] = {}
            for each in noted:
                olds.setdefault(each.row_id, []).extend([each.name] if each.name else [])
            stored = store(self._app, engine, self._rows, list(olds), olds=olds, now=now)
            again = set(stored.again)
            changes.forget(using, [each for each in noted if each.row_id not in again])
            yield stored
        yield from self._follow_shared(engine, now=now)

    def _follow_shared(self, engine: Engine, *, now: Instant) -> Iterable[Stored]:
        """Follow changes of what tasks share: as many tasks as there is time for, the others in the next turns."""
        using, room = self._rows.using, PAGE
        others = changes.of_others(using, PAGE)
        self._places = {each: place for each, place in self._places.items() if each in others}
        asked = [each for each in others if each.kind == tables.ALL]
        if asked and asked != self._asked:
            self._asked = asked
            self._sweep.begin()
        for each in others:
            if each.kind == tables.ALL:
                continue
            if room <= 0:
                return
            place = self._places.setdefault(each, _Place())
            ids = place.take(self._rows, each)
            if ids:
                yield store(self._app, engine, self._rows, ids, now=now)
            room -= max(1, len(ids))
            if place.is_at_end:
                changes.forget(using, [each])
                del self._places[each]

    def _go_round(self, engine: Engine, *, now: Instant, monotonic: Seconds) -> list[Stored]:
        rounds = self._sweep.rounds
        pages = 1 if self._has_triggers else PAGES_WITHOUT_TRIGGERS
        done = []
        for _ in range(pages):
            done.append(self._sweep.turn(engine, now=now, monotonic=monotonic))
            if self._sweep.rounds > rounds:
                break
        if self._sweep.rounds > rounds and self._asked:
            changes.forget(self._rows.using, self._asked)
            self._asked = []
        return done

    def _show(self, engine: Engine, *, now: Instant, monotonic: Seconds) -> list[Stored]:
        if monotonic - self._expired_at >= EXPIRED_EVERY:
            self._expired_at = monotonic
            self._behind.update(expired(self._rows, PAGE, now=now))
        if not self._behind:
            return []
        names = sorted(self._behind)[:PAGE]
        shown = show(self._app, engine, self._rows, names, now=now)
        self._behind.difference_update(set(names).difference(shown.waiting))
        return [shown.stored]

    def _bad_rows(self, done: Iterable[Stored]) -> list[Event]:
        news = {name: reason for each in done for name, reason in each.news.items()}
        if not self._rows.has_extras:  # they are news each time
            news = {name: reason for name, reason in news.items() if self._told.get(name) != reason}
            self._told = dict([*self._told.items(), *news.items()][-TOLD:])
        return [RowUnreadable(schedule=name, reason=reason) for name, reason in news.items()]

    def _explained(self, error: DatabaseError) -> HorariumError:
        using = self._rows.using
        try:
            lacking = tables.missing(using)
        except DatabaseError:
            return HorariumError(f"expected Django's database {using!r} to answer, got: {_first_line(error)}")
        if lacking.tasks or (isinstance(error, ProgrammingError | OperationalError) and "column" in str(error)):
            return ImproperlyConfigured(_no_tables(using, _first_line(error)))
        return HorariumError(f"expected Django's database {using!r} to be usable, got: {_first_line(error)}")


class _Place:
    """How far we are in the rows that share what has changed. Some of their numbers are read ahead: where many rows
    share it a database may look at all of them to find the next few."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._after = 0
        self._has_more = True

    @property
    def is_at_end(self) -> bool:
        return not self._ids and not self._has_more

    def take(self, rows: Rows, noted: Noted) -> list[int]:
        """Return the numbers of the next few rows."""
        if not self._ids and self._has_more:
            self._ids = rows.page(self._after, limit=AHEAD, kind=noted.kind, row_id=noted.row_id)
            self._has_more = len(self._ids) == AHEAD
            self._after = self._ids[-1] if self._ids else self._after
        taken, self._ids = self._ids[:PAGE], self._ids[PAGE:]
        return taken


def _no_tables(using: str, got: str) -> str:
    option = "" if using == "default" else f" --database {using}"
    return (
        f"expected the tables of periodic tasks in Django's database {using!r}, got: {got}; "
        f"run: python manage.py migrate django_celery_beat{option}"
    )


def _no_triggers(using: str, reason: str) -> str:
    return (
        f"Django's database {using!r} has no triggers that note edits of periodic tasks ({reason}): all rows are read "
        "in turn instead, 1,000 at a time; have somebody who may make triggers run: python manage.py migrate"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
