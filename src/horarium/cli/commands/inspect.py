"""``horarium inspect``: what Celery's users ask their workers, answered from the heartbeats in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from horarium import codec
from horarium.app.registry import STANDARD
from horarium.cli.exits import Exit, Stop
from horarium.cli.fleet import Node, await_nodes
from horarium.cli.lookup import call_text
from horarium.cli.moments import iso
from horarium.cli.options import JSON, Command, names, option, seconds
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.engines.records import Held, Page, RunFilter

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

Answer: TypeAlias = tuple[tuple[Column, ...], list[dict[str, Any]], Any]  # columns, rows, JSON document
HELD_READ = 1000

WORKER, ID, TASK, CALL = Column("worker", "WORKER"), Column("id", "ID"), Column("task", "TASK"), Column("call", "CALL")


@click.command("inspect", cls=Command)
@click.argument("action", metavar="ACTION")
@option("-t", "--timeout", type=seconds, default=1.0, show_default=True, help="How long to wait for a live worker.")
@option("-d", "--destination", type=names, metavar="A,B", help="Only these workers.")
@JSON
@click.pass_obj
def command(session: Session, action: str, timeout: float, destination: tuple[str, ...] | None, as_json: bool) -> int:
    """Ask the live workers. ACTION is one of:

    \b
      ping          who is alive (exit code 69 if nobody is: a health check)
      active        what is running
      reserved      what is taken and not started, and what is ready in the queues
      scheduled     what waits for its eta or its retry
      registered    which tasks each worker knows
      active_queues which queues each worker reads
      stats         processes, memory, counts
    """
    ask = ACTIONS.get(action.removeprefix("dump_"))
    if ask is None:
        raise click.UsageError(f"expected ACTION to be one of {', '.join(ACTIONS)}, got {action!r}")
    engine = session.engine
    session.show_times_of_app()
    nodes = await_nodes(engine, destination, timeout)
    if not nodes:
        who = f"worker {', '.join(destination)}" if destination else "worker"
        raise Stop(
            f"no live {who} within {timeout:g} s",
            Exit.UNAVAILABLE,
            hints=[f"start one: {session.command} worker", f"what is wrong: {session.command} doctor"],
        )
    columns, rows, document = ask(engine, nodes)
    if as_json:
        session.out.document(document)
        return Exit.OK
    session.out.table(columns, rows, empty=f"{action}: nothing")
    if action == "scheduled" and session.app.raw_entries():
        session.out.say(f"periodic tasks are listed by: {session.command} schedules list")
    return Exit.OK


def _ping(engine: Engine, nodes: list[Node]) -> Answer:
    rows = [{"worker": node.key, "answer": "pong"} for node in nodes]
    return (WORKER, Column("answer", "ANSWER")), rows, {node.key: {"ok": "pong"} for node in nodes}


def _active(engine: Engine, nodes: list[Node]) -> Answer:
    rows: list[dict[str, Any]] = []
    document: dict[str, list[Any]] = {}
    for node in nodes:
        running = [(member, now) for member in node.members for now in member.running]
        found = {run.id: run for run in engine.results.read([now.id for _, now in running]) if run is not None}
        document[node.key] = []
        for member, now in running:
            message = found[now.id].message if now.id in found else None
            call = call_text(message.args, message.kwargs) if message else ""
            rows.append({"worker": node.key, "id": now.id, "task": now.task, "call": call, "since": now.started})
            document[node.key].append(
                {
                    "id": now.id,
                    "name": now.task,
                    "type": now.task,
                    "args": codec.decode(message.args) if message else [],
                    "kwargs": codec.decode(message.kwargs) if message else {},
                    "hostname": node.name,
                    "time_start": now.started / 1000,
                    "acknowledged": False,
                    "delivery_info": {"routing_key": message.queue, "priority": message.priority} if message else {},
                    "worker_pid": member.pid,
                }
            )
    return (WORKER, ID, TASK, CALL, Column("since", "SINCE", "instant")), rows, document


def _reserved(engine: Engine, nodes: list[Node]) -> Answer:
    owners = {member.owner: node.key for node in nodes for member in node.members}
    running = {now.id for node in nodes for member in node.members for now in member.running}
    now = engine.now()
    waiting = [held for held in _held(engine) if held.message.id not in running and held.due <= now]
    rows = [{"worker": owners.get(held.owner or "", ""), **_held_row(held)} for held in waiting]
    document: dict[str, list[Any]] = {node.key: [] for node in nodes}
    for held in waiting:
        if held.owner in owners:
            document[owners[held.owner]].append(_request(held))
    columns = (WORKER, ID, TASK, Column("queue", "QUEUE"), Column("state", "STATE"), CALL)
    return columns, rows, {**document, "waiting in queues": [_request(h) for h in waiting if h.owner is None]}


def _scheduled(engine: Engine, nodes: list[Node]) -> Answer:
    now = engine.now()
    later = [held for held in _held(engine) if held.owner is None and held.due > now]
    columns = (Column("eta", "ETA", "instant"), ID, TASK, Column("queue", "QUEUE"), Column("state", "STATE"), CALL)
    document = [{"eta": iso(held.due), "priority": held.message.priority, "request": _request(held)} for held in later]
    return columns, [_held_row(held) for held in later], document


def _registered(engine: Engine, nodes: list[Node]) -> Answer:
    known = {node.key: [task for task in node.tasks if not task.startswith(STANDARD)] for node in nodes}
    rows = [{"worker": node, "task": task} for node, tasks in known.items() for task in tasks]
    return (WORKER, TASK), rows, known


def _active_queues(engine: Engine, nodes: list[Node]) -> Answer:
    rows = [{"worker": node.key, "queue": queue} for node in nodes for queue in node.queues]
    document = {node.key: [{"name": queue, "routing_key": queue} for queue in node.queues] for node in nodes}
    return (WORKER, Column("queue", "QUEUE")), rows, document


def _stats(engine: Engine, nodes: list[Node]) -> Answer:
    now = engine.now()
    rows = [_stats_of(node, now) for node in nodes]
    columns = (
        WORKER,
        Column("pid", "PID"),
        Column("pool", "POOL"),
        Column("slots", "SLOTS"),
        Column("running", "RUNNING"),
        Column("processed", "DONE"),
        Column("rss_bytes", "MEMORY"),
        Column("uptime", "UP", "seconds"),
        Column("seen_ago", "SEEN", "seconds"),
        Column("queues", "QUEUES"),
    )
    return columns, rows, {row["worker"]: row for row in rows}


def _stats_of(node: Node, now: Instant) -> dict[str, Any]:
    member, children = node.record.member, [child.member for child in node.children]
    return {
        "worker": node.key,
        "host": member.host,
        "pid": member.pid,
        "processes": [child.pid for child in children],
        "pool": member.pool,
        "slots": sum(child.slots for child in children) or member.slots,
        "running": sum(len(m.running) for m in node.members),
        "held": node.record.held + sum(child.held for child in node.children),
        "processed": sum(m.processed for m in node.members),
        "rss_bytes": sum(m.rss_bytes for m in node.members),
        "uptime": (now - member.started) / 1000,
        "seen_ago": (now - node.record.seen) / 1000,
        "clock_ahead": member.skew,
        "queues": node.queues,
        "version": member.version,
        "app": member.app,
    }


def _held(engine: Engine) -> Iterator[Held]:
    """Yield messages that have not ended, in the order in which they would be claimed, up to a bound."""
    page = engine.inspector.find(RunFilter(), Page(limit=HELD_READ))
    yield from page.held


def _held_row(held: Held) -> dict[str, Any]:
    message = held.message
    return {
        "id": message.id,
        "task": message.task,
        "queue": message.queue,
        "state": held.state,
        "eta": held.due,
        "call": call_text(message.args, message.kwargs),
    }


def _request(held: Held) -> dict[str, Any]:
    """Return a message under the keys that Celery's users know."""
    message = held.message
    return {
        "id": message.id,
        "name": message.task,
        "type": message.task,
        "args": codec.decode(message.args),
        "kwargs": codec.decode(message.kwargs),
        "delivery_info": {"routing_key": message.queue, "priority": message.priority},
        "retries": message.retries,
        "state": held.state,
    }


ACTIONS: dict[str, Callable[[Any, list[Node]], Answer]] = {
    "ping": _ping,
    "active": _active,
    "reserved": _reserved,
    "scheduled": _scheduled,
    "registered": _registered,
    "active_queues": _active_queues,
    "stats": _stats,
}
ACTIONS |= {"schedule": _scheduled, "tasks": _registered}  # Celery's dump_schedule and dump_tasks
