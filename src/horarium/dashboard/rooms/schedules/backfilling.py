"""``/schedules/NAME/backfill``: fire past instants again; first what that would be, then for good."""

from __future__ import annotations

from typing import cast, get_args

from horarium.app.past import BackfillPlan
from horarium.clock import Instant
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, asked_by
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules.acting import reason
from horarium.dashboard.rooms.schedules.place import address, found, room
from horarium.errors import ScheduleRefused
from horarium.observe.moments import local, parse_past, zone_or_utc
from horarium.schedules.backfill import MOST_INSTANTS, Order, Which
from horarium.schedules.record import Schedule

LISTED = 50  # instants that a look tells one by one
MOST_ACTIVE = 1000
REASONABLE = 500  # characters of a field
WORDS = {
    "missing": "those without a run",
    "failed": "those whose run failed or expired",
    "all": "all, be there a run or not",
}
FIELDS = ("from", "to", "which", "order", "max_active", "reason")


@room.page("/schedules/{name}/backfill", role=Role.EDITOR, live=False)
def backfill_form(ask: Ask) -> Shown:
    """Ask for a range; tell which instants of it a backfill would fire, if the address says one. Changes nothing."""
    schedule = found(ask)
    if "from" in ask.query:
        given = {name: ask.query.get(name, "")[:REASONABLE] for name in FIELDS}
        plan, wrong = _tried(ask, schedule, given, dry_run=True)
        return _form(ask, schedule, given, plan=plan, wrong=wrong)
    return _form(ask, schedule, {"from": "1d", "to": "", "which": "missing", "order": "oldest", "max_active": "1"})


@room.act("/schedules/{name}/backfill/look", role=Role.EDITOR, trial=True)
def look_first(ask: Ask) -> Done:
    """Lead to what it would fire, which has an address of its own."""
    given = _given(ask)
    given["from"] = given["from"] or " "  # said, if to be nothing: without it nobody has looked
    return Done(text="", to=address(found(ask).name, "backfill") + asked_by(**given))


@room.act("/schedules/{name}/backfill", role=Role.EDITOR)
def backfill(ask: Ask) -> Done | Shown:
    schedule, given = found(ask), _given(ask)
    plan, wrong = _tried(ask, schedule, given, dry_run=False)
    if plan is None or plan.schedule is None:
        return _form(ask, schedule, given, plan=plan, wrong=wrong or "There is nothing to fire in this range.")
    return Done(
        text=f"{plan.count} instants of {schedule.name} are being fired again",
        to=address(plan.schedule.name),
        about=schedule.name,
        after={"backfill": plan.schedule.name, "count": plan.count, **given},
    )


def _given(ask: Ask) -> dict[str, str]:
    return {name: ask.given(name)[:REASONABLE] for name in FIELDS}


def _tried(ask: Ask, schedule: Schedule, given: dict[str, str], *, dry_run: bool) -> tuple[BackfillPlan | None, str]:
    """Return the plan, or what is wrong with what was asked for."""
    try:
        return _plan(ask, schedule, given, dry_run=dry_run), ""
    except ScheduleRefused as error:
        return None, error.text
    except ValueError as error:
        return None, str(error)


def _plan(ask: Ask, schedule: Schedule, given: dict[str, str], *, dry_run: bool) -> BackfillPlan:
    """Raises: ValueError, ScheduleRefused."""
    which, order, most = given["which"], given["order"], given["max_active"]
    if which not in get_args(Which) or order not in get_args(Order):
        raise ValueError(f"expected which and order to be of those that can be chosen, got {which!r} and {order!r}")
    if not most.isdecimal() or not 1 <= int(most) <= MOST_ACTIVE:
        raise ValueError(f"expected the number that may be active to be from 1 to {MOST_ACTIVE}, got {most!r}")
    return ask.app.schedules.backfill(
        schedule.name,
        _moment(given["from"], schedule, ask.now, "from"),
        _moment(given["to"], schedule, ask.now, "to") if given["to"].strip() else None,
        which=cast(Which, which),
        order=cast(Order, order),
        max_active=int(most),
        dry_run=dry_run,
        note=reason(ask),
        by=ask.person.name,
    )


def _moment(text: str, schedule: Schedule, now: Instant, name: str) -> Instant:
    try:
        return parse_past(text.strip(), zone_or_utc(schedule.timezone), now=now)
    except ValueError as error:
        raise ValueError(
            f"expected {name!r} to be a span back from now such as 2h or 1d, or a moment such as 2027-03-28T02:30, "
            f"got {text[:60]!r} ({error})"
        ) from error


def _form(
    ask: Ask,
    schedule: Schedule,
    given: dict[str, str],
    *,
    plan: BackfillPlan | None = None,
    wrong: str = "",
) -> Shown:
    if schedule.backfill is not None:
        raise Unanswerable("refused", "This is a backfill itself", hint=f"Backfill {schedule.backfill.of}.")
    zone = zone_or_utc(schedule.timezone)
    return Shown(
        template="schedules/backfill.html",
        title=f"Backfill {schedule.name}",
        status=422 if wrong else 200,
        context={
            "schedule": schedule,
            "path": address(schedule.name),
            "given": dict.fromkeys(FIELDS, "") | given,
            "words": WORDS,
            "wrong": wrong,
            "plan": plan,
            "listed": [] if plan is None else [(at, local(at, zone)) for at in plan.instants[:LISTED]],
            "most": MOST_INSTANTS,
            "there": zone,
        },
    )
