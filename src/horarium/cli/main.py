"""The door: ``horarium`` and ``python -m horarium``.

Commands are imported when they run, so that ``--help`` answers at once. Whatever ends a command early becomes one
``error:`` line on stderr and an exit code (see exits.py); nobody is shown a traceback of ours.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from horarium.cli.exits import Exit, Stop, code_of
from horarium.cli.options import PREFIX, Entry, LazyGroup, global_options
from horarium.cli.session import Session
from horarium.errors import HorariumError, ImproperlyConfigured, RunNotFound, ScheduleNotFound
from horarium.observe.text import visible
from horarium.version import __version__

START, RUNS, LOOK, MEND = "Run", "Tasks and runs", "Look", "Check and mend"
ELSEWHERE = "Celery's that are not here"


def _entry(module: str, summary: str, section: str, attribute: str = "command") -> Entry:
    return Entry(f"horarium.cli.commands.{module}:{attribute}", summary, section)


COMMANDS = {
    "dev": _entry("dev", "Run everything in one, and start anew when a file changes.", START),
    "worker": _entry("worker", "Run tasks.", START),
    "beat": _entry("beat", "Fire schedules; any number of these may run.", START),
    "web": _entry("web", "Serve the dashboard.", START),
    "flower": _entry("flower", "Serve the dashboard, started as Flower is.", START),
    "bridge": _entry("bridge", "Carry messages to and from Celery's queues.", START),
    "call": _entry("call", "Send a task; print the run's id.", RUNS),
    "result": _entry("result", "Print what a run returned.", RUNS),
    "runs": _entry("runs", "List runs, show one, run one again.", RUNS),
    "shell": _entry("shell", "Start Python with the app and its tasks at hand.", RUNS),
    "tasks": _entry("tasks", "List the app's tasks; pause and resume them.", RUNS),
    "queues": _entry("queues", "List queues; pause and resume them.", RUNS),
    "schedules": _entry("schedules", "See what fires when; create, edit, pause, run, backfill, simulate.", RUNS),
    "purge": _entry("purge", "Cancel every waiting message of a queue, or of all.", RUNS),
    "status": _entry("status", "Show who is alive and what waits.", LOOK),
    "top": _entry("top", "Watch rates, queues, workers and runs on a full screen.", LOOK),
    "inspect": _entry("inspect", "Ask the workers: ping active registered scheduled reserved stats.", LOOK),
    "control": _entry("control", "Tell the workers: pool_grow rate_limit revoke add_consumer shutdown.", LOOK),
    "events": _entry("events", "Watch what happens: a screen, lines, or snapshots.", LOOK),
    "list": _entry("listing", "List queues (bindings) and tasks.", LOOK),
    "logtool": _entry("logtool", "Read a worker's log back: stats traces errors incomplete.", LOOK),
    "tokens": _entry("tokens", "Make, list and remove what lets programs into the dashboard.", LOOK),
    "audit": _entry("audit", "Show who changed what by the dashboard.", LOOK),
    "alerts": _entry("alerts", "What is wrong and who was told: list rules test silence log run.", LOOK),
    "doctor": _entry("doctor", "Find out why something does not run.", MEND),
    "health": _entry("health", "Tell whether this host's runners are at work; costs next to nothing.", LOOK),
    "report": _entry("report", "Print what belongs into a bug report, without secrets.", MEND),
    "migrate": _entry("migrate", "Move what waits from one store to another, live.", MEND),
    "check": _entry("check", "Check app, settings and schedules without touching a store.", MEND),
    "migrate-project": _entry("migrate_project", "Look through a project for Celery, and rewrite its imports.", MEND),
    "upgrade": _entry("upgrade", "Rename the settings of Celery 3 in a file.", MEND),
    "celery": _entry("celery", "Understand a command line of Celery's, in drop-in mode.", MEND),
    "completion": _entry("completion", "Print the shell's completion script.", MEND),
    "multi": _entry("elsewhere", "What to use instead: systemd, containers.", ELSEWHERE, "multi"),
    "graph": _entry("elsewhere", "What to use instead: status, inspect stats.", ELSEWHERE, "graph"),
    "amqp": _entry("elsewhere", "What to use instead: list, purge, call.", ELSEWHERE, "amqp"),
}

EPILOG = (
    "Every option has a form in the environment: HORARIUM_WORKER_CONCURRENCY=4 is `worker --concurrency 4`. "
    "Exit codes: 0 done, 1 failed, 3 not found, 4 refused, 64 wrong usage, 69 nobody answers, 73 the pidfile is held, "
    "124 timed out."
)


class ReaderGone(Exception):
    """Whoever read our output has seen enough."""


class Door(LazyGroup):
    """The root command. Its ``main`` answers every way a command can end, also under click's test runner."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error  # click would end us with code 1, as if we had failed

    def main(  # type: ignore[override]  # click overloads it on standalone_mode
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:  # Any: as click declares it
        session = Session()
        extra = {"auto_envvar_prefix": PREFIX, "obj": session, **extra}
        if not extra.pop("standalone_mode", True):
            return super().main(args, "horarium", standalone_mode=False, **extra)
        sys.exit(_guard(session, lambda: super(Door, self).main(args, "horarium", standalone_mode=False, **extra)))


@click.command(
    "horarium", cls=Door, entries=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", prog_name="horarium", message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Background and periodic tasks for Python."""
    ctx.ensure_object(Session)


root.params[:0] = global_options(repeated=False)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    root.main(None if args is None else list(args))
    raise AssertionError("root.main exits")


def _guard(session: Session, run: Callable[[], object]) -> int:
    """Run a command; return its exit code, having said on stderr what went wrong."""
    try:
        ended = run()
        sys.stdout.flush()
    except click.UsageError as error:
        if error.ctx and error.format_message() == error.ctx.get_help():  # no command was named: the help is the answer
            click.echo(error.format_message(), err=True)
            return Exit.USAGE
        _complain(error.format_message(), [f"see `{error.ctx.command_path} --help`"] if error.ctx else [])
        return Exit.USAGE
    except Stop as stop:
        _complain(stop.format_message(), stop.hints)
        return stop.code
    except click.ClickException as error:
        _complain(error.format_message())
        return error.exit_code
    except HorariumError as error:
        return _complain_of(session, error)
    except (click.Abort, KeyboardInterrupt):
        click.echo(err=True)
        return Exit.INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        # The interpreter must not complain either, when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  # a bug of ours, or of a client library: still one line
        return _confess(error)
    return ended if isinstance(ended, int) else Exit.OK


def _complain(message: str, hints: Sequence[str] = ()) -> None:
    click.echo(f"error: {visible(message, None)}", err=True)
    for hint in hints:
        click.echo(f"  {visible(hint, None)}", err=True)


def _complain_of(session: Session, error: HorariumError) -> int:
    if trace := getattr(error, "trace", None):  # AppImportFailed: the user's own traceback comes first
        click.echo(trace, err=True)
    text, hints = _said_of(session, error)
    _complain(session.advised(text), hints)
    if type(error).__name__ == "AppNotFound" and isinstance(error, ImproperlyConfigured):
        return Exit.USAGE
    return code_of(error)


def _said_of(session: Session, error: HorariumError) -> tuple[str, list[str]]:
    """Return what an error says, and below it what may help."""
    match error:
        case RunNotFound():
            return str(error), [f"the runs it holds: {session.command} runs list"]
        case ScheduleNotFound(nearest=str(near)):
            return str(ScheduleNotFound(error.name)), [f"did you mean: {near}"]
        case _:
            return str(error), []


def _confess(error: Exception) -> int:
    import traceback

    if os.environ.get("HORARIUM_TRACEBACK"):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    _complain(
        f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})",
        ["this is a bug; please report it. HORARIUM_TRACEBACK=1 shows the whole traceback"],
    )
    return Exit.FAILED


if __name__ == "__main__":
    main()
