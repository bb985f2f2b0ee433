"""``horarium tasks``: what the app can run."""

from __future__ import annotations

import click

from horarium.cli.options import JSON, Group
from horarium.cli.output import Column
from horarium.cli.session import Session

COLUMNS = (
    Column("name", "TASK"),
    Column("queue", "QUEUE"),
    Column("max_retries", "RETRIES"),
    Column("time_limit", "LIMIT", "seconds"),
    Column("doc", "WHAT IT DOES"),
)


@click.group("tasks", cls=Group)
def command() -> None:
    """The app's tasks. No store is asked."""


@command.command("list")
@JSON
@click.pass_obj
def show_tasks(session: Session, as_json: bool) -> None:
    """List the tasks that the app knows; `inspect registered` lists those of the live workers."""
    app = session.app
    rows = [
        {
            "name": name,
            "queue": app.producer.plan(name).queue,
            "max_retries": task.max_retries,
            "time_limit": task.time_limit,
            "doc": ((task.__doc__ or "").strip().splitlines() or [""])[0],
        }
        for name, task in app.tasks.own.items()
    ]
    session.out.table(COLUMNS, rows, as_json=as_json, empty="the app has no tasks; declare one with @app.task")
