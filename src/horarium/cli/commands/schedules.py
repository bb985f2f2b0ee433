"""``horarium schedules``: what fires when, and by hand: pause, resume, run now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from horarium.cli.exits import Exit, Stop
from horarium.cli.lookup import call_text
from horarium.cli.options import JSON, Group, nearest, option
from horarium.cli.output import Column
from horarium.cli.preview import next_firings
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.engines.protocol import QUEUE_TOPIC, SCHEDULE_TOPIC, Page
from horarium.errors import InvalidSchedule, ScheduleConflict, ScheduleNotFound
from horarium.message import Message, derived_id
from horarium.observe.facts import read_declared
from horarium.schedules import policy
from horarium.schedules.record import Firing, Schedule
from horarium.schedules.specs import from_record
from horarium.schedules.words import describe

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PAGE = 500
SAVE_TRIES = 5  # somebody else's edit between our reading and our writing is rare, twice in a row rarer

COLUMNS = (
    Column("name", "SCHEDULE"),
    Column("task", "TASK"),
    Column("spec", "FIRES"),
    Column("timezone", "ZONE"),
    Column("status", "STATUS"),
    Column("next_fire", "NEXT", "instant"),
    Column("last_fire", "LAST", "instant"),
    Column("total_runs", "RUNS"),
    Column("missed", "MISSED"),
)
NEXT_COLUMNS = (
    Column("name", "SCHEDULE"),
    Column("local", "LOCAL TIME"),
    Column("utc", "UTC", "instant"),
    Column("remark", "REMARK"),
)


@click.group("schedules", cls=Group)
def command() -> None:
    """What fires when. Schedules defined in code appear in the store when a scheduler first starts."""


@command.command("list")
@JSON
@click.pass_obj
def show_schedules(session: Session, as_json: bool) -> None:
    """List all schedules, with their next firing."""
    session.show_times_of_app()
    rows = [_row(schedule) for schedule in _everything(session)]
    session.out.table(COLUMNS, rows, as_json=as_json, empty="no schedules; add one to app.conf.beat_schedule")


@command.command("next")
@click.argument("name", required=False)
@option("-n", "--number", type=click.IntRange(1, 10_000), default=10, show_default=True, help="So many firings.")
@JSON
@click.pass_obj
def show_next(session: Session, name: str | None, number: int, as_json: bool) -> None:
    """Show the next firings of the schedule NAME, or of all of them, in their zone and in UTC."""
    now = session.app.now()
    schedules = [_known(session, name)] if name is not None else [s for s in _everything(session) if _fires(s)]
    firings = [
        {"name": schedule.name, **firing.document()}
        for schedule in schedules
        for firing in next_firings(schedule, now, number)
    ]
    firings.sort(key=lambda row: (row["utc"], row["name"]))
    session.out.table(NEXT_COLUMNS, firings[:number], as_json=as_json, empty="nothing more to come")
    for schedule in schedules:
        if schedule.paused_by is not None:
            session.out.say(f"note: {schedule.name} is paused by {schedule.paused_by}, so none of these will happen")


@command.command("pause")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@option("--note", default="", help="Why, for whoever finds it paused.")
@JSON
@click.pass_obj
def pause(session: Session, names: tuple[str, ...], note: str, as_json: bool) -> None:
    """Stop schedules from firing, until `resume`. A pause survives restarts and deployments."""
    who, now = _who(), session.app.engine.now()
    _change(session, names, lambda s: policy.pause(s, by=who, note=note, now=now), "paused", as_json=as_json)


@command.command("resume")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@JSON
@click.pass_obj
def resume(session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Let schedules fire again. What was due in the meantime is skipped."""
    now = session.app.engine.now()
    _change(session, names, lambda s: _resumed(s, now), "resumed", as_json=as_json)


@command.command("run-now")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@JSON
@click.pass_obj
def run_now(session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Fire schedules once, at once, and print the ids of the runs. Their next firing stays where it is."""
    engine = session.app.engine
    schedules = [_stored(session, name) for name in names]
    now = engine.now()
    messages = [_message(session.app, schedule, now) for schedule in schedules]
    engine.schedules.fire(
        [_by_hand(schedule, message, now) for schedule, message in zip(schedules, messages, strict=True)], now=now
    )
    engine.notifier.notify({QUEUE_TOPIC + message.queue for message in messages})
    if as_json:
        session.out.document([{"schedule": m.schedule, "id": m.id, "task": m.task} for m in messages])
        return
    for message in messages:
        session.out.data(message.id)


def _everything(session: Session) -> list[Schedule]:
    """Return the stored schedules, and those of the code that no scheduler has stored yet, by name."""
    stored = {schedule.name: schedule for schedule in _stored_ones(session)}
    declared = {schedule.name: schedule for schedule in _declared(session)}
    return sorted((declared | stored).values(), key=lambda schedule: schedule.name)


def _stored_ones(session: Session) -> Iterator[Schedule]:
    if session.absent_store():
        return  # what the code defines can be shown without one
    engine = session.engine
    after: str | None = None
    while True:
        page = engine.schedules.browse(Page(limit=PAGE, after=after))
        yield from page.schedules
        if page.next is None:
            return
        after = page.next


def _declared(session: Session) -> tuple[Schedule, ...]:
    """Return the schedules that the code defines, as a scheduler would store them; a wrong one is told about."""
    good, wrong = read_declared(session.app, session.app.now())
    for name, reason in wrong.items():
        session.out.say(f"warning: schedule {name!r} is wrong and will not fire: {reason}")
    return good


def _known(session: Session, name: str) -> Schedule:
    """Return a schedule by name, stored or only declared. Raises: Stop when there is none."""
    if not session.absent_store():
        [stored] = session.engine.schedules.get([name])
        if stored is not None:
            return stored
    declared = {schedule.name: schedule for schedule in _declared(session)}
    if name not in declared:
        everything = [schedule.name for schedule in _everything(session)]
        near = nearest(name, everything)
        raise Stop(
            session.advised(str(ScheduleNotFound(name))),
            Exit.NOT_FOUND,
            hints=[f"did you mean: {near}"] if near else [],
        )
    return declared[name]


def _stored(session: Session, name: str) -> Schedule:
    """Return a schedule by name, storing it first if so far only the code knows it."""
    schedule = _known(session, name)
    if schedule.version:
        return schedule
    engine = session.engine
    try:
        [saved] = engine.schedules.save([schedule], now=engine.now())
    except ScheduleConflict:  # a scheduler has just stored it
        return _known(session, name)
    engine.notifier.notify([SCHEDULE_TOPIC])
    return saved


def _change(
    session: Session, names: tuple[str, ...], edit: Callable[[Schedule], Schedule], word: str, *, as_json: bool
) -> None:
    engine = session.engine
    changed = [_edited(session, name, edit) for name in names]
    engine.notifier.notify([SCHEDULE_TOPIC])
    if as_json:
        session.out.document([_row(schedule) for schedule in changed])
        return
    for schedule in changed:
        session.out.data(f"{schedule.name} {word}")


def _edited(session: Session, name: str, edit: Callable[[Schedule], Schedule]) -> Schedule:
    """Save an edit, anew when a scheduler or a person changed the schedule since we read it."""
    engine = session.engine
    for _ in range(SAVE_TRIES - 1):
        try:
            [saved] = engine.schedules.save([edit(_known(session, name))], now=engine.now())
            return saved
        except ScheduleConflict:
            continue
    [saved] = engine.schedules.save([edit(_known(session, name))], now=engine.now())
    return saved


def _resumed(schedule: Schedule, now: Instant) -> Schedule:
    """Return the schedule fit to fire. Raises: Stop when it is code that says it must not."""
    if not schedule.enabled and schedule.owner == "code":
        raise Stop(
            f"schedule {schedule.name!r} is disabled where it is defined (enabled=False)",
            Exit.REFUSED,
            hints=["remove that from the code and start the scheduler anew"],
        )
    if schedule.enabled:
        return policy.resume(schedule, now=now)
    enabled = replace(schedule, enabled=True)
    return replace(policy.resume(enabled, now=now), next_fire=policy.first_fire(enabled, now=now))


def _message(app: Horarium, schedule: Schedule, now: Instant) -> Message:
    return app.producer.message_for(
        schedule.task,
        schedule.args,
        schedule.kwargs,
        schedule.options,
        now=now,
        id=derived_id(schedule.id, now, "manual"),
        schedule=schedule.name,
        nominal=now,
    )


def _by_hand(schedule: Schedule, message: Message, now: Instant) -> Firing:
    return Firing(
        schedule=schedule.name,
        version=schedule.version,
        expected=schedule.next_fire,
        kind="manual",
        messages=(message,),
    )


def _fires(schedule: Schedule) -> bool:
    return schedule.enabled and schedule.paused_by is None and schedule.error is None


def _status(schedule: Schedule) -> str:
    match schedule:
        case Schedule(error=str(error)):
            return f"error: {error}"
        case Schedule(paused_by=str(who)):
            return f"paused by {who}" + (f" ({schedule.pause_note})" if schedule.pause_note else "")
        case Schedule(enabled=False):
            return "disabled"
        case Schedule(version=0):
            return "not stored yet: no scheduler has run"
        case Schedule(next_fire=None):
            return "ended"
        case _:
            return "active"


def _row(schedule: Schedule) -> dict[str, object]:
    return {
        "name": schedule.name,
        "task": schedule.task,
        "spec": _spec_text(schedule),
        "timezone": schedule.timezone,
        "status": _status(schedule),
        "next_fire": schedule.next_fire if schedule.error is None else None,  # it will not fire then: see the status
        "last_fire": schedule.last_fire,
        "total_runs": schedule.total_runs,
        "missed": schedule.missed,
        "call": call_text(schedule.args, schedule.kwargs),
        "owner": schedule.owner,
    }


def _spec_text(schedule: Schedule) -> str:
    try:
        return describe(from_record(schedule.spec))
    except InvalidSchedule:
        return "?"


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in a container
        return "somebody"
