"""``/schedules``: all of them by name, how each fares, and what can be done to several at once."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from horarium.app.past import rate_of
from horarium.clock import Instant, Seconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules.looking import STATES, Wanted, declared_only, has_scheduler, look
from horarium.dashboard.rooms.schedules.place import address, room
from horarium.errors import HorariumError
from horarium.observe.bars import BARS, bars_of, in_words
from horarium.observe.moments import day_and_time, zone_or_utc
from horarium.observe.schedule_words import explained, next_instant, spec_text
from horarium.outcome import RunBrief
from horarium.schedules.editing import is_paused
from horarium.schedules.health import Condition, Health, health
from horarium.schedules.record import Schedule

# The runs of a row take some 0.1 ms in SQLite and 3 ms in Redis. A page takes no longer for all of them; rows behind
# that show none.
RUNS_TIME: Seconds = 0.25
AT_ONCE = 10  # rows whose runs are asked for together
MOST_AT_ONCE = 100

TONES = {
    Condition.OK: ("✔", "good"),
    Condition.LATE: ("⚠", "bad"),
    Condition.FAILING: ("✖", "bad"),
    Condition.IN_ERROR: ("✖", "bad"),
    Condition.NEVER_RAN: ("○", "idle"),
    Condition.PAUSED: ("❚❚", "warn"),
    Condition.DISABLED: ("⊘", "off"),
    Condition.ENDED: ("■", "off"),
}


class Row(Struct, frozen=True, kw_only=True):
    """One schedule as a line. ``bars`` is None where its runs were not looked up."""

    schedule: Schedule
    path: str
    health: Health
    sign: str
    tone: str
    spec: str
    words: str
    next: Instant | None
    next_there: str  # in its own zone, where that is another one than the viewer's
    bars: dict[str, str] | None
    bars_text: str
    rate: str


@room.page("/schedules")
def listing(ask: Ask) -> Shown:
    wanted = Wanted.of(ask)
    after = ask.query.get("after") or None
    found = look(ask, wanted, after)
    rows = rows_of(ask, found.schedules)
    is_first = wanted.is_everything and after is None
    return Shown(
        template="schedules/list.html",
        title="Schedules",
        context={
            "rows": rows,
            "declared": rows_of(ask, declared_only(ask)) if is_first else [],
            "wanted": wanted,
            "states": STATES,
            "searched": found.searched,
            "further": ask.url("/schedules", q=wanted.text, owner=wanted.owner, state=wanted.state, after=found.next)
            if found.next
            else "",
            "first": ask.url("/schedules", q=wanted.text, owner=wanted.owner, state=wanted.state) if after else "",
            "has_scheduler": has_scheduler(ask),
        },
    )


def rows_of(ask: Ask, schedules: list[Schedule] | tuple[Schedule, ...]) -> list[Row]:
    """Return schedules as lines, with their last runs as far as there is time to look them up."""
    until = ask.app.clock.monotonic() + RUNS_TIME
    stored = [schedule.name for schedule in schedules if schedule.version]
    found: dict[str, tuple[RunBrief, ...]] = {}
    for start in range(0, len(stored), AT_ONCE):
        if start and ask.app.clock.monotonic() > until:
            break
        some = stored[start : start + AT_ONCE]
        found |= zip(some, ask.engine.results.briefs(some, BARS), strict=True)
    return [_row(ask, each, found.get(each.name) if each.version else ()) for each in schedules]


def health_of(schedule: Schedule, now: Instant, zone: str) -> Health:
    """Judge a schedule; what only the code has is judged when a scheduler has stored it."""
    if not schedule.version:
        return Health(condition=Condition.NEVER_RAN, text="not stored yet: no scheduler has run since it was defined")
    return health(schedule, now, zone)


def _row(ask: Ask, schedule: Schedule, runs: tuple[RunBrief, ...] | None) -> Row:
    judged = health_of(schedule, ask.now, ask.zone)
    sign, tone = TONES[judged.condition]
    is_stopped = is_paused(schedule, ask.now) and schedule.paused_until is None
    coming = None if is_stopped or not schedule.enabled else next_instant(schedule)
    zone = zone_or_utc(schedule.timezone)
    rate = None if runs is None else rate_of(runs)
    return Row(
        schedule=schedule,
        path=address(schedule.name),
        health=judged,
        sign=sign,
        tone=tone,
        spec=spec_text(schedule),
        words=explained(schedule),
        next=coming,
        next_there=day_and_time(coming, zone, now=ask.now) if coming is not None and zone != ask.zone else "",
        bars=None if runs is None else bars_of(runs),
        bars_text=in_words(runs) if runs else "",
        rate="" if rate is None else f"{rate:.0%}",
    )


class Fate(Struct, frozen=True, kw_only=True):
    """What became of one of several."""

    name: str
    trouble: str = ""


@room.act("/schedules/bulk", role=Role.OPERATOR)
def bulk(ask: Ask) -> Done:
    """Do the same to several schedules, each for itself: what one refuses does not keep the others from it."""
    verb, names = ask.given("verb"), list(dict.fromkeys(ask.form.get("name", ())))
    if verb not in _VERBS:
        raise Unanswerable("wrong", f"expected {', '.join(_VERBS)}, got {verb[:40] or 'nothing'}")
    if not names:
        raise Unanswerable("wrong", "No schedule was selected", hint="Tick those that you mean, then try again.")
    if len(names) > MOST_AT_ONCE:
        raise Unanswerable("too much", f"expected at most {MOST_AT_ONCE} schedules at once, got {len(names)}")
    fates = [_fate(ask, verb, name) for name in names]
    refused = [each for each in fates if each.trouble]
    return Done(
        text=_told(_VERBS[verb], len(fates) - len(refused), refused),
        to="/schedules",
        is_good=not refused,
        about=", ".join(names)[:500],
        after=[{"name": each.name, "trouble": each.trouble} for each in fates],
    )


def _fate(ask: Ask, verb: str, name: str) -> Fate:
    by, note, schedules = ask.person.name, ask.given("reason")[:500], ask.app.schedules
    try:
        match verb:
            case "run":
                schedules.run_now(name, by=by)
            case "pause":
                schedules.pause(name, by=by, note=note)
            case "resume":
                schedules.resume(name, by=by, note=note)
    except HorariumError as error:
        return Fate(name=name, trouble=str(error))
    return Fate(name=name)


def _told(word: str, number: int, refused: list[Fate]) -> str:
    said = f"{number} {'schedule' if number == 1 else 'schedules'} {word}"
    if not refused:
        return said
    first: Any = refused[0]
    more = f", and {len(refused) - 1} others" if len(refused) > 1 else ""
    return f"{said}; {len(refused)} not: {first.name}: {first.trouble}{more}"


_VERBS = {"run": "run now", "pause": "paused", "resume": "resumed"}
