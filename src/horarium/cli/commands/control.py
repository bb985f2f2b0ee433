"""``horarium control``: tells the workers to change something."""

from __future__ import annotations

import click

from horarium.cli.exits import Exit
from horarium.cli.options import Command
from horarium.cli.replies import ask, asking
from horarium.cli.session import Session


@click.command("control", cls=Command)
@asking("control")
@click.pass_obj
def command(
    session: Session,
    command: str,
    arguments: tuple[str, ...],
    timeout: float,
    destination: tuple[str, ...] | None,
    as_json: bool,
) -> int:
    """Tell the live workers to change something. Exit code 69 if nobody replies, 1 if one answers with an error.

    \b
      pool_grow N          pool_shrink N        pool_restart
      autoscale MAX MIN    add_consumer QUEUE   cancel_consumer QUEUE
      rate_limit TASK RATE time_limit TASK SOFT HARD
      revoke ID            terminate SIGNAL ID  shutdown
      enable_events        disable_events       heartbeat
      ...                  all of them: --list
    """
    replies = ask(session, "control", command, arguments, timeout=timeout, destination=destination, as_json=as_json)
    is_wrong = any(isinstance(answer, dict) and "error" in answer for answer in replies.values())
    return Exit.FAILED if is_wrong else Exit.OK
