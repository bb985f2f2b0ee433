"""What all schedules would do in a range: ``simulate``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from horarium.cli.commands.schedules.listing import NEXT_COLUMNS, firing_row
from horarium.cli.commands.schedules.words import coming_moment, complete_name, everything, known
from horarium.cli.options import JSON, Command, option
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.observe.finding import plural
from horarium.observe.moments import iso, local
from horarium.schedules.preview import Expected, expected_of_all
from horarium.schedules.simulation import Load, grouped, load_of

ROWS = 60  # of the chart, at the most
SIZES = (1, 5, 15, 30, 60, 180, 720, 1440, 10_080, 40_320)  # minutes of a row
WIDTH = 50  # characters of the longest bar

LOAD_COLUMNS = (
    Column("from", "FROM", "instant"),
    Column("firings", "FIRINGS"),
    Column("peak", "PEAK/MIN"),
    Column("bar", ""),
)
COLLISION_COLUMNS = (
    Column("at", "AT ONE SECOND", "instant"),
    Column("count", "FIRINGS"),
    Column("schedules", "OF"),
)


@click.command("simulate", cls=Command)
@click.argument("names", metavar="[NAME...]", shell_complete=complete_name, nargs=-1)
@option("--from", "start", metavar="WHEN", help="Begin here: a moment, or 2h 1d from now. Default: now.")
@option("--to", "end", metavar="WHEN", help="End before this moment, or so long after the beginning. Default: 24h.")
@option("--firings", is_flag=True, help="List every firing too, in order of time.")
@option(
    "--limit",
    type=click.IntRange(1, 10_000_000),
    default=1_000_000,
    show_default=True,
    help="Stop after so many firings.",
)
@JSON
@click.pass_obj
def simulate(
    session: Session,
    names: tuple[str, ...],
    start: str | None,
    end: str | None,
    firings: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Tell what all schedules, or those named, would fire in a range: load, collisions, clock changes. Fires nothing.

    Both those in the store and those that only the code defines. What is paused, disabled or in error is left out.
    """
    zone, now = session.show_times_of_app(), session.app.now()
    begin = now if start is None else coming_moment(start, zone, now, option="--from")
    until = coming_moment(end or "24h", zone, begin, option="--to")
    if until <= begin:
        raise click.UsageError(f"expected --to to be after --from, got {iso(begin)} to {iso(until)}")
    schedules = [known(session, name) for name in names] if names else everything(session)
    found = expected_of_all(schedules, begin, until)
    if as_json:
        listed: list[dict[str, Any]] = []
        load = load_of(_kept(found, listed) if firings else found, most=limit)
        session.out.document(_document(begin, until, load) | ({"firings": listed} if firings else {}))
        return
    load = load_of(_told(session, found) if firings else found, most=limit)
    _show(session, load, begin, until)


def _told(session: Session, found: Iterator[Expected]) -> Iterator[Expected]:
    """Write each firing as it comes."""
    for each in found:
        row = firing_row(each)
        session.out.row(iso(each.at), each.schedule, str(row["local"]), each.remark)
        yield each


def _kept(found: Iterator[Expected], listed: list[dict[str, Any]]) -> Iterator[Expected]:
    for each in found:
        listed.append({"schedule": each.schedule, "at": iso(each.at), "remark": each.remark})
        yield each


def _show(session: Session, load: Load, begin: Instant, until: Instant) -> None:
    out = session.out
    out.table(LOAD_COLUMNS, _chart(load, begin, until), empty="nothing fires in this range")
    if load.collisions:
        rows = [{"at": each.at, "count": each.count, "schedules": list(each.schedules)} for each in load.collisions]
        out.say("")
        out.table(COLLISION_COLUMNS, rows)
    if load.marks:
        out.say("")
        out.table(NEXT_COLUMNS, [firing_row(each) for each in load.marks])
    if (busiest := load.busiest_minute) is not None:
        out.say(
            f"{plural(load.total, 'firing')} of {plural(len(load.schedules), 'schedule')}; busiest minute: "
            f"{busiest[1]} at {local(busiest[0], out.zone)}"
        )
    if load.is_cut:
        out.say(f"stopped after {load.total} firings: there are more; raise --limit or shorten the range")


def _chart(load: Load, begin: Instant, until: Instant) -> list[dict[str, Any]]:
    minutes = (until - begin) // 60_000
    size = next((size for size in SIZES if minutes / size <= ROWS), SIZES[-1])
    rows = grouped(load.minutes, size)
    longest = max((count for _, count, _ in rows), default=1)
    return [
        {"from": start, "firings": count, "peak": peak, "bar": "█" * -(-count * WIDTH // longest)}
        for start, count, peak in rows
    ]


def _document(begin: Instant, until: Instant, load: Load) -> dict[str, Any]:
    return {
        "from": iso(begin),
        "to": iso(until),
        "total": load.total,
        "is_cut": load.is_cut,
        "schedules": dict(load.schedules),
        "minutes": {iso(minute): count for minute, count in sorted(load.minutes.items())},
        "collisions": [
            {"at": iso(each.at), "count": each.count, "schedules": each.schedules} for each in load.collisions
        ],
        "clock_changes": [
            {"schedule": each.schedule, "at": iso(each.at), "remark": each.remark} for each in load.marks
        ],
    }
