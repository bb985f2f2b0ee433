"""``horarium bridge``: carries messages between Celery's queues and the store, while both sides are at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.logfile import append_to
from horarium.cli.options import Command, Group, log_level, names, option, seconds
from horarium.cli.session import Session

if TYPE_CHECKING:
    from horarium.bridge.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])
URL = "redis://..|amqp://.."
LINKED = "A,B=C"


def queues(value: object) -> dict[str, str]:
    """Read names of queues with commas between them; ``FROM=TO`` where the other side has another name for it."""
    if isinstance(value, dict):
        return value
    linked = {}
    for part in names(value):
        first, equals, second = (text.strip() for text in part.partition("="))
        if not first or (equals and not second):
            raise click.BadParameter(f"expected names of queues such as celery,heavy=big, got {value!r}")
        linked[first] = second or first
    if not linked:
        raise click.BadParameter("expected at least one name of a queue")
    return linked


def common(function: F) -> F:
    """The options of every direction."""
    for declare in (
        option("-f", "--logfile", type=click.Path(dir_okay=False), help="Append the log to this file."),
        option("-n", "--name", metavar="NAME", help="Its name. [default: bridge@host]"),
        option(
            "-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case."
        ),
        option("--once", is_flag=True, help="Carry what is there now, and end."),
        option(
            "--results",
            "celery_results",
            metavar="redis://..",
            help="Where Celery keeps results: ends are told across.",
        ),
    ):
        function = declare(function)
    return function


def outwards(function: F) -> F:
    """The options of the way out."""
    for declare in (
        option("--patience", type=seconds, help="Fail a run of which Celery tells no end for so long. [default: 1d]"),
        option("--tasks", type=names, metavar="'A.*,B'", help="Give Celery only these tasks (globs)."),
    ):
        function = declare(function)
    return function


@click.group("bridge", cls=Group)
def command() -> None:
    """Carry messages between Celery's queues and the store, both ways, and results back.

    So old producers and new workers work side by side, and new producers and old workers. Messages in JSON of protocol
    2 cross under their own ids; what cannot cross is moved to QUEUE.refused with the reason. Stopped or killed at any
    moment, it loses nothing, and goes on when it is started again. TERM or Ctrl-C stops it.
    """


@command.command("in", cls=Command)
@option("--from", "source", required=True, metavar=URL, help="Celery's broker.")
@option("--queues", type=queues, required=True, metavar=LINKED, help="Its queues; A=B puts those of A into ours B.")
@common
@click.pass_obj
def inwards(
    session: Session, /, source: str, queues: dict[str, str], celery_results: str | None, **running: Any
) -> int:
    """From Celery's producers to our workers."""
    from horarium.bridge.plan import Plan

    return _run(session, Plan(source=source, inwards=queues, results=celery_results), **running)


@command.command("out", cls=Command)
@option("--to", "target", required=True, metavar=URL, help="Celery's broker.")
@option("--queues", type=queues, required=True, metavar=LINKED, help="Our queues; A=B puts those of A into Celery's B.")
@outwards
@common
@click.pass_obj
def out(
    session: Session,
    /,
    target: str,
    queues: dict[str, str],
    tasks: tuple[str, ...] | None,
    patience: float | None,
    celery_results: str | None,
    **running: Any,
) -> int:
    """From our producers to Celery's workers. Without --results a run ends as IGNORED once Celery has it."""
    from horarium.bridge.plan import PATIENCE, Plan

    plan = Plan(
        target=target, outwards=queues, tasks=tasks or (), patience=patience or PATIENCE, results=celery_results
    )
    return _run(session, plan, **running)


@command.command("both", cls=Command)
@option("--celery", "broker", required=True, metavar=URL, help="Celery's broker.")
@option("--in", "taken", type=queues, required=True, metavar=LINKED, help="Its queues that our workers work on.")
@option("--out", "given", type=queues, required=True, metavar=LINKED, help="Our queues that its workers work on.")
@outwards
@common
@click.pass_obj
def both(
    session: Session,
    /,
    broker: str,
    taken: dict[str, str],
    given: dict[str, str],
    tasks: tuple[str, ...] | None,
    patience: float | None,
    celery_results: str | None,
    **running: Any,
) -> int:
    """Both directions in one process, on one broker."""
    from horarium.bridge.plan import PATIENCE, Plan

    plan = Plan(
        source=broker,
        inwards=taken,
        target=broker,
        outwards=given,
        tasks=tasks or (),
        patience=patience or PATIENCE,
        results=celery_results,
    )
    return _run(session, plan, **running)


def _run(session: Session, plan: Plan, *, once: bool, loglevel: str, name: str | None, logfile: str | None) -> int:
    from horarium.bridge.carrier import BrokerAway
    from horarium.bridge.plan import bridge_of
    from horarium.observe import logs
    from horarium.observe.lines import Lines

    app = session.app
    plan.check()
    if logfile:
        append_to(logfile)
    logs.configure(loglevel, app.conf)
    bridge = bridge_of(app, plan, name=name, observer=Lines())
    if not once:
        return bridge.run()
    try:
        return bridge.run_once()
    except BrokerAway as error:
        raise Stop(str(error), Exit.UNAVAILABLE) from error
