"""``horarium list``: by Celery's name, which queues there are, who reads them, and which tasks."""

from __future__ import annotations

from typing import Any

import click

from horarium.cli.commands.tasks import show_tasks
from horarium.cli.fleet import live_nodes
from horarium.cli.options import JSON, Group
from horarium.cli.output import Column
from horarium.cli.session import Session

QUEUES = (
    Column("queue", "QUEUE"),
    Column("routing_key", "ROUTING KEY"),
    Column("ready", "READY"),
    Column("scheduled", "LATER"),
    Column("claimed", "IN HAND"),
    Column("workers", "READ BY"),
)


@click.group("list", cls=Group)
def command() -> None:
    """What there is: queues (Celery: bindings) and tasks."""


@command.command("bindings")
@JSON
@click.pass_obj
def bindings(session: Session, as_json: bool) -> None:
    """List the queues that hold messages, are read by a live worker, or are a task's own.

    There are no exchanges here: the routing key of a queue is its name.
    """
    app, engine = session.app, session.engine
    counts = engine.inspector.counts(most=0).queues
    readers: dict[str, list[str]] = {}
    for node in live_nodes(engine):
        for queue in node.queues:
            readers.setdefault(queue, []).append(node.name)
    own = {app.producer.plan(name).queue for name in app.tasks} | {app.conf.task_default_queue}
    rows: list[dict[str, Any]] = [
        {
            "queue": name,
            "routing_key": name,
            "ready": counts[name].ready if name in counts else 0,
            "scheduled": counts[name].scheduled if name in counts else 0,
            "claimed": counts[name].claimed if name in counts else 0,
            "workers": sorted(set(readers.get(name, ()))),
        }
        for name in sorted({*counts, *readers, *own})
    ]
    session.out.table(QUEUES, rows, as_json=as_json)


command.add_command(bindings, "queues")
command.add_command(show_tasks, "tasks")
