"""Fire past instants: ``backfill``."""

from __future__ import annotations

from typing import get_args

import click

from horarium.app.past import BackfillPlan
from horarium.cli.commands.schedules.words import known, named, past_moment, require_store
from horarium.cli.options import JSON, Command, option
from horarium.cli.session import Session
from horarium.observe.moments import iso
from horarium.observe.schedule_words import shown
from horarium.schedules.backfill import Order, Which
from horarium.schedules.record import Schedule

SHOWN = 20  # instants that a dry run lists for people


@click.command("backfill", cls=Command)
@named
@option("--from", "start", required=True, metavar="WHEN", help="From here on: a moment, or 2h 1d 3w back from now.")
@option("--to", "end", metavar="WHEN", help="To before this moment. Default: now.")
@option(
    "--which",
    type=click.Choice(get_args(Which)),
    default="missing",
    show_default=True,
    help="Instants without a run, those whose run failed or expired, or all.",
)
@option("--order", type=click.Choice(get_args(Order)), default="oldest", show_default=True, help="Which one first.")
@option("--max-active", type=click.IntRange(1), default=1, show_default=True, help="At most so many run at a time.")
@option("--dry-run", is_flag=True, help="Only tell which instants it would fire.")
@option("--note", default="", help="Why, for whoever looks at it later.")
@JSON
@click.pass_obj
def backfill(
    session: Session,
    name: str,
    start: str,
    end: str | None,
    which: Which,
    order: Order,
    max_active: int,
    dry_run: bool,
    note: str,
    as_json: bool,
) -> None:
    """Fire past instants of the schedule NAME, and print the name of the backfill, a schedule of its own.

    `show` tells how far it is, `pause` and `resume` hold it, `delete` cancels what it has not sent yet.
    """
    schedule = known(session, name)
    if dry_run:
        require_store(session)
    now = session.app.engine.now()
    plan = session.app.schedules.backfill(
        name,
        past_moment(start, schedule.timezone, now, option="--from"),
        None if end is None else past_moment(end, schedule.timezone, now, option="--to"),
        which=which,
        order=order,
        max_active=max_active,
        dry_run=dry_run,
        note=note,
    )
    if as_json:
        session.out.document(_document(plan))
    elif plan.schedule is not None:
        session.out.row(plan.schedule.name)
        session.out.say(f"{plan.count} instants; how far it is: {session.command} schedules show {plan.schedule.name}")
    else:
        _list(session, schedule, plan)


def _list(session: Session, schedule: Schedule, plan: BackfillPlan) -> None:
    for instant in plan.instants[:SHOWN]:
        session.out.data(shown(schedule, instant))
    more = f", of which {SHOWN} are shown" if plan.count > SHOWN else ""
    session.out.say(f"{plan.count} instants to fire{more}" if plan.count else "nothing to fire in this range")


def _document(plan: BackfillPlan) -> dict[str, object]:
    return {
        "schedule": plan.of,
        "backfill": plan.schedule.name if plan.schedule is not None else None,
        "count": plan.count,
        "instants": [iso(instant) for instant in plan.instants],
    }
