"""``horarium result``: what a run returned, on stdout; why there is nothing, on stderr."""

from __future__ import annotations

import click
from msgspec.structs import replace

from horarium.cli.exits import Exit, Stop
from horarium.cli.lookup import find_run, value_text
from horarium.cli.options import JSON, Command, option, seconds
from horarium.cli.session import Session
from horarium.observe.document import run_document
from horarium.observe.redacted import shown_run
from horarium.outcome import Run, State


@click.command("result", cls=Command)
@click.argument("run_id", metavar="ID")
@option("-t", "--task", metavar="NAME", help="The task's name, to be sure that it is one of its runs.")
@option("--timeout", type=seconds, help="Wait so long for the end; without it, look once.")
@option("--traceback", is_flag=True, help="Print the traceback of a failed run.")
@JSON
@click.pass_obj
def command(
    session: Session, run_id: str, task: str | None, timeout: float | None, traceback: bool, as_json: bool
) -> int:
    """Print the result of the run ID (or the beginning of its id).

    Exit code 1 if it failed, 3 if it is not known or has not ended, 124 if it did not end within --timeout.
    """
    run = find_run(session.engine, run_id)
    if task is not None and run.message.task != task:
        raise Stop(f"expected run {run.id} to be one of {task}, it is one of {run.message.task}", Exit.NOT_FOUND)
    if not run.has_ended and timeout:
        session.app.AsyncResult(run.id).get(timeout=timeout, propagate=False)
        run = find_run(session.engine, run.id)
    if as_json:
        session.out.document(run_document(replace(shown_run(run, session.app, limit=None), result=run.result)))
        return _code_of(run)
    if not run.has_ended:
        raise Stop(
            f"run {run.id} has not ended: it is {run.state}",
            Exit.NOT_FOUND,
            hints=["wait for it: add --timeout 30", f"why it waits: {session.command} runs show {run.id}"],
        )
    return show_ended(session, run, traceback=traceback)


def show_ended(session: Session, run: Run, *, traceback: bool = False) -> int:
    """Print what an ended run returned, or say how else it ended; return the exit code."""
    out = session.out
    if run.state == State.SUCCESS:
        if run.result is None:
            out.say(f"run {run.id} succeeded; its result was not wanted (ignore_result)")
        else:
            out.data(value_text(run.result))
        return Exit.OK
    if run.state == State.IGNORED:
        out.say(f"run {run.id} ended without a result (the task raised Ignore)")
        return Exit.OK
    if traceback and run.error is not None and run.error.traceback:
        out.data(run.error.traceback.rstrip("\n"))
        return Exit.FAILED
    hints = (
        [f"the traceback: {session.command} result {run.id} --traceback"]
        if run.error is not None and run.error.traceback
        else []
    )
    raise Stop(f"run {run.id} ended as {run.state}{_reason(run)}", Exit.FAILED, hints=hints)


def _reason(run: Run) -> str:
    if run.error is None:
        return ""
    return f": {run.error.class_path}: {run.error.text}" if run.error.text else f": {run.error.class_path}"


def _code_of(run: Run) -> int:
    if not run.has_ended:
        return Exit.NOT_FOUND
    return Exit.OK if run.state in (State.SUCCESS, State.IGNORED) else Exit.FAILED
