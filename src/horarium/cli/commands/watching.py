"""``horarium runs watch``: follow a run that was sent before."""

from __future__ import annotations

import click

from horarium.cli.commands.result import asked_for, show_ended
from horarium.cli.exits import Exit
from horarium.cli.following import follow
from horarium.cli.lookup import find_run
from horarium.cli.options import JSON, option, seconds
from horarium.cli.session import Session
from horarium.observe.document import run_document


@click.command("watch")
@click.argument("run_id", metavar="ID")
@option("--timeout", type=seconds, help="Follow it no longer. [default: to its end]")
@JSON
@click.pass_obj
def command(session: Session, run_id: str, timeout: float | None, as_json: bool) -> int:
    """Follow a run to its end: its state, its progress, what it logs; then print its result.

    The exit code is that of the run: 0 when it succeeded, 1 when it failed, 124 when it has not ended in time. Ctrl-C
    ends the watching only.
    """
    run = follow(session, find_run(session.engine, run_id).id, timeout=timeout)
    if as_json:
        session.out.document(run_document(asked_for(session, run)))
        return Exit.OK if run.state == "SUCCESS" else Exit.FAILED
    return show_ended(session, run)
