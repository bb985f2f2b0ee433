"""``horarium audit``: who changed what by the dashboard, its API and its tokens."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from horarium.cli.commands.web import web_extra
from horarium.cli.options import JSON, Command, option
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import to_datetime, to_instant

COLUMNS = (
    Column("at", "WHEN", "instant"),
    Column("who", "WHO"),
    Column("via", "BY"),
    Column("address", "FROM"),
    Column("action", "ACTION"),
    Column("about", "ABOUT"),
    Column("text", "BECAME"),
    Column("reason", "REASON"),
)
MORE = ("request", "was_done", "before", "after")  # with --json


@click.command("audit", cls=Command)
@option("--day", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Of this day (UTC). [default: today]")
@JSON
@click.pass_obj
def command(session: Session, day: datetime | None, as_json: bool) -> None:
    """List what people and programs have changed on a day, the newest first."""
    with web_extra():
        from horarium.dashboard.audit import read_day
    engine = session.engine
    session.show_times_of_app()
    now = engine.now()
    at = to_instant((day or to_datetime(now)).replace(tzinfo=UTC))
    wanted = [*(column.key for column in COLUMNS), *(MORE if as_json else ())]
    entries, has_more = read_day(engine, at, now=now)
    rows = [{name: getattr(entry, name) for name in wanted} for entry in entries]
    session.out.table(COLUMNS, rows, as_json=as_json, empty="nothing was changed on that day")
    if has_more:
        session.out.say(f"these are the newest {len(rows):,} of that day; there are more")
