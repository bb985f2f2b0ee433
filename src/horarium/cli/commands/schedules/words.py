"""What the verbs of ``horarium schedules`` share: finding schedules, reading moments, a line for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from horarium.cli.lookup import call_text
from horarium.cli.options import nearest, seconds
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.errors import HorariumError, ScheduleNotFound
from horarium.observe.facts import read_declared
from horarium.observe.moments import parse_moment, parse_past, zone_or_utc
from horarium.observe.schedule_words import next_instant, spec_text, status
from horarium.schedules.record import Schedule

COMPLETED = 200  # names that a shell is offered


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names, in the store and in the code, that begin so: for the shell."""
    try:
        names = [each.name for each in everything(ctx.ensure_object(Session))]
    except (HorariumError, click.ClickException):  # no app, no store: there is nobody to tell it to within a line
        return []
    return [name for name in names if name.startswith(incomplete)][:COMPLETED]


def named(function: Any) -> Any:  # Any: a click decorator, as click types them
    """Declare the argument NAME."""
    return click.argument("name", shell_complete=complete_name)(function)


def all_named(function: Any) -> Any:
    """Declare the argument NAME..."""
    return click.argument("names", metavar="NAME...", shell_complete=complete_name, nargs=-1, required=True)(function)


def known(session: Session, name: str) -> Schedule:
    """Return a schedule by name, stored or only declared. Raises: ScheduleNotFound."""
    if session.absent_store() is None:
        return session.app.schedules.get(name)
    declared = {schedule.name: schedule for schedule in _declared(session)}
    if name in declared:
        return declared[name]
    raise ScheduleNotFound(name, nearest(name, list(declared)))


def require_known(session: Session, names: tuple[str, ...]) -> None:
    """See that there are schedules of all these names, before anything is done to one. Raises: ScheduleNotFound."""
    for name in names:
        known(session, name)


def require_store(session: Session) -> None:
    """See that there is a store already, for whoever only looks into it. Raises: Stop."""
    session.engine.now()


def everything(session: Session) -> list[Schedule]:
    """Return the stored schedules, and those of the code that no scheduler has stored yet, by name."""
    stored = {schedule.name: schedule for schedule in _stored(session)}
    declared = {schedule.name: schedule for schedule in _declared(session)}
    return sorted((declared | stored).values(), key=lambda schedule: schedule.name)


def moment(text: str, zone: str, *, option: str) -> Instant:
    """Read a moment; one without an offset is meant in the zone."""
    try:
        return parse_moment(text, zone_or_utc(zone))
    except ValueError as error:
        raise click.UsageError(
            f"expected {option} to be a moment such as 2027-03-28T02:30 or 2027-03-28T02:30+01:00, got {text!r} "
            f"({error})"
        ) from error


def past_moment(text: str, zone: str, now: Instant, *, option: str) -> Instant:
    """Read a moment, or a span back from now such as 2h."""
    try:
        return parse_past(text, zone_or_utc(zone), now=now)
    except ValueError as error:
        raise click.UsageError(
            f"expected {option} to be a span back from now such as 2h, or a moment, got {text!r} ({error})"
        ) from error


def coming_moment(text: str, zone: str, now: Instant, *, option: str) -> Instant:
    """Read a moment, or a span from now such as 2h."""
    try:
        return now + round(seconds(text) * 1000)
    except click.BadParameter:
        return moment(text, zone, option=option)


def row(schedule: Schedule, now: Instant) -> dict[str, object]:
    """Return a schedule as a line of a listing."""
    return {
        "name": schedule.name,
        "task": schedule.task,
        "spec": spec_text(schedule),
        "timezone": schedule.timezone,
        "status": status(schedule, now),
        "next_fire": next_instant(schedule),
        "last_fire": schedule.last_fire,
        "total_runs": schedule.total_runs,
        "missed": schedule.missed,
        "call": call_text(schedule.args, schedule.kwargs),
        "owner": schedule.owner,
    }


def _stored(session: Session) -> Iterator[Schedule]:
    if session.absent_store() is None:  # what the code defines can be shown without one
        yield from session.app.schedules.find()


def _declared(session: Session) -> tuple[Schedule, ...]:
    """Return the schedules that the code defines, as a scheduler would store them; a wrong one is told about."""
    good, wrong = read_declared(session.app, session.app.now())
    for name, reason in wrong.items():
        session.out.say(f"warning: schedule {name!r} is wrong and will not fire: {reason}")
    return good
