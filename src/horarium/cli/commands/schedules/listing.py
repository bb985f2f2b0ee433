"""Many schedules, or many firings of one, a line each: ``list next history``."""

from __future__ import annotations

from itertools import islice

import click

from horarium.app.past import PastRun
from horarium.cli.commands.schedules.words import complete_name, everything, known, named, require_store, row
from horarium.cli.options import JSON, Command, option
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.observe.moments import local, utc, zone_or_utc
from horarium.observe.redacted import shown_schedule
from horarium.schedules.editing import is_paused
from horarium.schedules.preview import Expected, ahead, would_fire
from horarium.schedules.record import Schedule

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
HISTORY_COLUMNS = (
    Column("id", "ID"),
    Column("nominal", "DUE", "instant"),
    Column("kind", "KIND"),
    Column("state", "STATE"),
    Column("lateness", "LATE", "seconds"),
    Column("seconds", "TOOK", "seconds"),
    Column("by", "BY"),
    Column("error", "ERROR"),
)


@click.command("list", cls=Command)
@JSON
@click.pass_obj
def show_schedules(session: Session, as_json: bool) -> None:
    """List all schedules, with their next firing."""
    session.show_times_of_app()
    now = session.app.now()
    rows = [row(shown_schedule(schedule, session.app), now) for schedule in everything(session)]
    session.out.table(
        COLUMNS, rows, as_json=as_json, empty="no schedules; add one to app.conf.beat_schedule, or `schedules create`"
    )


@click.command("next", cls=Command)
@click.argument("name", shell_complete=complete_name, required=False)
@option("-n", "--number", type=click.IntRange(1, 10_000), default=10, show_default=True, help="So many firings.")
@JSON
@click.pass_obj
def show_next(session: Session, name: str | None, number: int, as_json: bool) -> None:
    """Show the next firings of the schedule NAME, or of all of them, in their zone and in UTC.

    What a clock change does to a firing is remarked.
    """
    now = session.app.now()
    schedules = [known(session, name)] if name is not None else [s for s in everything(session) if would_fire(s, now)]
    firings = [each for schedule in schedules for each in islice(ahead(schedule, now=now), number)]
    firings.sort(key=lambda each: (each.at, each.schedule))
    session.out.table(
        NEXT_COLUMNS, [firing_row(each) for each in firings[:number]], as_json=as_json, empty="nothing more to come"
    )
    for schedule in schedules:
        if is_paused(schedule, now):
            session.out.say(_about_pause(schedule))


@click.command("history", cls=Command)
@named
@option("-n", "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@JSON
@click.pass_obj
def show_history(session: Session, name: str, limit: int, as_json: bool) -> None:
    """List what the schedule NAME has sent, newest first: by itself, for its backfills, and by hand."""
    session.show_times_of_app()
    require_store(session)
    history = session.app.schedules.history(name, limit)
    session.out.table(
        HISTORY_COLUMNS, [run_row(each) for each in history.runs], as_json=as_json, empty=f"nothing is kept of {name}"
    )
    if history.success_rate is not None and not as_json:
        ended = history.succeeded + history.failed
        session.out.say(f"{history.succeeded} of {ended} succeeded ({history.success_rate:.0%})")


def firing_row(firing: Expected) -> dict[str, object]:
    """Return a firing to come as a line of a listing."""
    zone = str(firing.local.tzinfo)
    return {
        "name": firing.schedule,
        "local": local(firing.at, zone_or_utc(zone)),
        "utc": firing.at,
        "remark": firing.remark,
    }


def run_row(past: PastRun) -> dict[str, object]:
    """Return a run of the past as a line of a listing."""
    run, cause = past.run, past.run.message.cause
    return {
        "id": run.id,
        "schedule": run.message.schedule,
        "nominal": past.nominal,
        "kind": past.kind,
        "state": past.state,
        "lateness": past.lateness,
        "seconds": run.took,
        "by": cause.by if cause is not None else "",
        "error": f"{run.error.class_path}: {run.error.text}" if run.error is not None else "",
    }


def _about_pause(schedule: Schedule) -> str:
    until: Instant | None = schedule.paused_until
    if until is not None:
        return (
            f"note: {schedule.name} is paused by {schedule.paused_by} until {utc(until)}, and skips what is due before"
        )
    return f"note: {schedule.name} is paused by {schedule.paused_by}, so none of these will happen"
