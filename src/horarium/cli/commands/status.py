"""``horarium status``: who is alive and what waits, at a glance."""

from __future__ import annotations

from collections import Counter

import click

from horarium.cli.exits import Exit
from horarium.cli.fleet import Node, await_nodes
from horarium.cli.options import JSON, Command, names, option, seconds
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.engines.records import BRIDGE_POOL, Counts, MemberRecord
from horarium.observe.finding import plural
from horarium.observe.text import one_line

QUEUES = (
    Column("queue", "QUEUE"),
    Column("ready", "READY"),
    Column("scheduled", "LATER"),
    Column("running", "IN HAND"),
    Column("oldest", "OLDEST WAITS", "seconds"),
)


@click.command("status", cls=Command)
@option("-t", "--timeout", type=seconds, default=1.0, show_default=True, help="How long to wait for a live worker.")
@option("-d", "--destination", type=names, metavar="A,B", help="Only these workers.")
@JSON
@click.pass_obj
def command(session: Session, timeout: float, destination: tuple[str, ...] | None, as_json: bool) -> int:
    """Show live workers, schedulers and bridges, queues and counts. Exit code 69 if no worker is alive."""
    engine, out = session.engine, session.out
    nodes = await_nodes(engine, destination, timeout)
    now = engine.now()
    alive = [r for r in engine.inspector.workers(now=now) if r.alive]
    schedulers = [r for r in alive if r.member.kind == "scheduler"]
    bridges = sorted({r.member.name for r in alive if r.member.pool == BRIDGE_POOL})
    counts = engine.inspector.counts()
    code = Exit.OK if nodes else Exit.UNAVAILABLE
    if as_json:
        out.document(_document(nodes, schedulers, bridges, counts, now))
        return code
    for name in [*_names(nodes), *(r.member.name for r in schedulers), *bridges]:
        out.data(f"{one_line(name)}: {out.mark('OK', 'green')}")
    out.data(
        f"{plural(len(nodes), 'node')} online, {plural(len(schedulers), 'scheduler')}, "
        f"{plural(counts.schedules, 'schedule')}."
    )
    out.table(QUEUES, _queues(counts, now), empty="no messages")
    if counts.states:
        out.data("  ".join(f"{state} {number}" for state, number in sorted(counts.states.items()) if number))
    if not nodes:
        out.say(f"no worker is alive; start one: {session.command} worker")
    return code


def _names(nodes: list[Node]) -> list[str]:
    """Return what to call the workers; those of one name are told apart by their pids."""
    seen = Counter(node.name for node in nodes)
    return [f"{node.name} (pid {node.record.member.pid})" if seen[node.name] > 1 else node.name for node in nodes]


def _queues(counts: Counts, now: Instant) -> list[dict[str, object]]:
    return [
        {
            "queue": name,
            "ready": queue.ready,
            "scheduled": queue.scheduled,
            "running": queue.claimed,
            "oldest": (now - queue.oldest_due) / 1000 if queue.oldest_due is not None else None,
        }
        for name, queue in sorted(counts.queues.items())
    ]


def _document(
    nodes: list[Node], schedulers: list[MemberRecord], bridges: list[str], counts: Counts, now: Instant
) -> dict[str, object]:
    return {
        "workers": [{"name": node.name, "pid": node.record.member.pid, "queues": node.queues} for node in nodes],
        "schedulers": [{"name": r.member.name, "pid": r.member.pid, "host": r.member.host} for r in schedulers],
        "bridges": bridges,
        "queues": _queues(counts, now),
        "states": counts.states,
        "schedules": counts.schedules,
    }
