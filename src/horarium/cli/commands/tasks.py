"""``horarium tasks``: what the app can run, and the switches that stop a task without a deploy."""

from __future__ import annotations

import click

from horarium.app.switches import Switch, Switched, Switches
from horarium.cli.exits import Exit
from horarium.cli.options import JSON, Command, Group, option
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.errors import EngineError

COLUMNS = (
    Column("name", "TASK"),
    Column("queue", "QUEUE"),
    Column("max_retries", "RETRIES"),
    Column("time_limit", "LIMIT", "seconds"),
    Column("rate_limit", "RATE"),
    Column("paused", "PAUSED"),
    Column("doc", "WHAT IT DOES"),
)
REASON = option("--reason", default="", help="Why, for whoever looks at it later.")
BY = option("--by", default=None, metavar="WHO", help="Who. [default: this user]")


@click.group("tasks", cls=Group)
def command() -> None:
    """The app's tasks, and their switches."""


@command.command("list")
@JSON
@click.pass_obj
def show_tasks(session: Session, as_json: bool) -> None:
    """List the tasks that the app knows; `inspect registered` lists those of the live workers."""
    app, switched = session.app, switches_of(session)
    rows = [
        {
            "name": name,
            "queue": app.producer.plan(name).queue,
            "max_retries": task.max_retries,
            "time_limit": task.time_limit,
            "rate_limit": rate.rate if (rate := switched.rate_of(name)) else task.rate_limit,
            "paused": told(switched.of_task(name)),
            "doc": ((task.__doc__ or "").strip().splitlines() or [""])[0],
        }
        for name, task in app.tasks.own.items()
    ]
    session.out.table(COLUMNS, rows, as_json=as_json, empty="the app has no tasks; declare one with @app.task")


@command.command("pause", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@REASON
@BY
@JSON
@click.pass_obj
def pause(session: Session, names: tuple[str, ...], reason: str, by: str | None, as_json: bool) -> None:
    """Let no worker start these tasks, until `resume`: names, or patterns such as 'reports.*'.

    What is sent waits, and what runs goes on. Workers follow within about a second.
    """
    switches = Switches(session.app.connection)
    for name in names:
        switch = switches.pause_task(name, reason=reason, by=by)
        tell(session, name, f"task {name} is paused", as_json=as_json, paused=told(switch))


@command.command("resume", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@JSON
@click.pass_obj
def resume(session: Session, names: tuple[str, ...], as_json: bool) -> int:
    """Let workers start these tasks again. What was paused by a pattern is resumed by the same pattern."""
    switches = Switches(session.app.connection)
    ended = [resumed(session, name, switches.resume_task(name), "task", as_json=as_json) for name in names]
    return Exit.OK if all(ended) else Exit.NOT_FOUND


def switches_of(session: Session) -> Switched:
    """Return how the switches stand; nothing is switched where there is no store, or none that answers."""
    if session.absent_store():
        return Switched()
    try:
        return Switches(session.app.connection).read()
    except EngineError as error:
        session.out.say(f"note: what is paused is not known: {error}")
        return Switched()


def told(switch: Switch | None) -> str | None:
    """Return in words who paused something and why."""
    if switch is None:
        return None
    return f"by {switch.by}" + (f": {switch.reason}" if switch.reason else "")


def resumed(session: Session, name: str, was_paused: bool, kind: str, *, as_json: bool) -> bool:
    """Say that something was resumed, or that there was nothing to resume."""
    if was_paused:
        tell(session, name, f"{kind} {name} goes on", as_json=as_json, paused=None)
    else:
        session.out.say(f"no {kind} was paused as {name!r}; see `{session.command} {kind}s list`")
    return was_paused


def tell(session: Session, name: str, text: str, *, as_json: bool, paused: str | None) -> None:
    if as_json:
        session.out.document({"name": name, "paused": paused})
    else:
        session.out.row(text)
