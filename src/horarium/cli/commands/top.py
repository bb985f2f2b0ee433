"""``horarium top``: how things go, on a full screen; without a terminal, once and as text."""

from __future__ import annotations

import sys

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.fullscreen import watch_of
from horarium.cli.options import Command
from horarium.cli.session import Session


@click.command("top", cls=Command)
@click.pass_obj
def command(session: Session) -> int:
    """Watch rates, queues, workers and runs live; pause a queue, run a task again, cancel one, stop a worker.

    Every change asks first. Needs a terminal and the extra `tui`.
    """
    _ = session.engine  # whoever only watches makes no store
    screen = watch_of("horarium.cli.top", instead="or look once: horarium status")
    if not session.out.on_terminal or not sys.stdin.isatty():
        look = f"{session.command} status, or --json with it"
        raise Stop("expected a terminal to draw on, got none", Exit.REFUSED, hints=[f"for programs: {look}"])
    return screen(session.app, session.show_times_of_app())
