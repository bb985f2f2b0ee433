"""``horarium top``: how things go, on a full screen; without a terminal, once and as text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import Command
from horarium.cli.session import Session

if TYPE_CHECKING:
    from horarium.app.app import Horarium


@click.command("top", cls=Command)
@click.pass_obj
def command(session: Session) -> int:
    """Watch rates, queues, workers and runs live; pause a queue, run a task again, cancel one, stop a worker.

    Every change asks first. Needs a terminal and the extra `tui`.
    """
    _ = session.engine  # whoever only watches makes no store
    screen = _screen()
    if not session.out.on_terminal or not sys.stdin.isatty():
        look = f"{session.command} status, or --json with it"
        raise Stop("expected a terminal to draw on, got none", Exit.REFUSED, hints=[f"for programs: {look}"])
    return screen(session.app, session.show_times_of_app())


def _screen() -> Callable[[Horarium, str], int]:
    try:
        from horarium.cli.top import watch
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("textual"):
            raise
        raise Stop(
            "expected the package textual for the screen, it is not installed",
            Exit.FAILED,
            hints=["install it: pip install 'horarium[tui]'", "or look once: horarium status"],
        ) from error
    return watch
