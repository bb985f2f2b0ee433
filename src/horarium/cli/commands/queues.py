"""``horarium queues``: what waits where, and the switches that stop a queue without a deploy."""

from __future__ import annotations

import click

from horarium.app.switches import Switches
from horarium.cli.commands.tasks import BY, REASON, resumed, switches_of, tell, told
from horarium.cli.exits import Exit
from horarium.cli.options import JSON, Command, Group
from horarium.cli.output import Column
from horarium.cli.session import Session

COLUMNS = (
    Column("queue", "QUEUE"),
    Column("ready", "READY"),
    Column("scheduled", "LATER"),
    Column("blocked", "BLOCKED"),
    Column("running", "IN HAND"),
    Column("read_by", "READ BY"),
    Column("paused", "PAUSED"),
)


@click.group("queues", cls=Group)
def command() -> None:
    """The queues, and their switches."""


@command.command("list")
@JSON
@click.pass_obj
def show_queues(session: Session, as_json: bool) -> None:
    """List the queues that hold something, are read, or are paused."""
    engine, switched = session.engine, switches_of(session)
    counts = engine.inspector.counts(most=0).queues
    alive = [m.member for m in engine.inspector.workers(now=engine.now()) if m.alive and m.member.kind == "worker"]
    read = {queue for member in alive for queue in member.queues}
    rows = []
    for name in sorted({*counts, *read, *(switch.name for switch in switched.of_kind("queue"))}):
        held = counts.get(name)
        rows.append(
            {
                "queue": name,
                "ready": held.ready if held else 0,
                "scheduled": held.scheduled if held else 0,
                "blocked": held.blocked if held else 0,
                "running": held.claimed if held else 0,
                "read_by": sum(name in member.queues for member in alive),
                "paused": told(switched.of_queue(name)),
            }
        )
    session.out.table(COLUMNS, rows, as_json=as_json, empty="no queue holds anything, and no worker reads one")


@command.command("pause", cls=Command)
@click.argument("names", metavar="QUEUE...", nargs=-1, required=True)
@REASON
@BY
@JSON
@click.pass_obj
def pause(session: Session, names: tuple[str, ...], reason: str, by: str | None, as_json: bool) -> None:
    """Let no worker take anything from these queues, until `resume`.

    What is sent waits, and what runs goes on. Workers follow within about a second.
    """
    switches = Switches(session.app.connection)
    for name in names:
        switch = switches.pause_queue(name, reason=reason, by=by)
        tell(session, name, f"queue {name} is paused", as_json=as_json, paused=told(switch))


@command.command("resume", cls=Command)
@click.argument("names", metavar="QUEUE...", nargs=-1, required=True)
@JSON
@click.pass_obj
def resume(session: Session, names: tuple[str, ...], as_json: bool) -> int:
    """Let workers take from these queues again."""
    switches = Switches(session.app.connection)
    ended = [resumed(session, name, switches.resume_queue(name), "queue", as_json=as_json) for name in names]
    return Exit.OK if all(ended) else Exit.NOT_FOUND
