"""``horarium inspect``: asks the workers what they know."""

from __future__ import annotations

import click

from horarium.cli.exits import Exit
from horarium.cli.options import Command
from horarium.cli.replies import ask, asking, say_how_many
from horarium.cli.session import Session
from horarium.engines.records import Counts
from horarium.observe.finding import plural
from horarium.panel import known


@click.command("inspect", cls=Command)
@asking("inspect")
@click.pass_obj
def command(
    session: Session,
    command: str,
    arguments: tuple[str, ...],
    timeout: float,
    destination: tuple[str, ...] | None,
    as_json: bool,
) -> int:
    """Ask the live workers. Each answers itself; exit code 69 if nobody does (`inspect ping` is a health check).

    What the store knows too (scheduled reserved revoked query_task) is told even where no worker answers.

    \b
      ping          who answers
      active        what is running
      reserved      what is taken and not started
      scheduled     what waits for its eta or its retry
      registered    which tasks each worker knows
      active_queues which queues each worker reads
      stats         processes, memory, counts
      ...           all of them: --list
    """
    replies = ask(session, "inspect", command, arguments, timeout=timeout, destination=destination, as_json=as_json)
    if not as_json:
        say_how_many(session, replies)
        for hint in hints(session, known(command)):
            session.out.say(hint)
    return Exit.OK


def hints(session: Session, command: str | None) -> list[str]:
    """Return where to look for what people also expect of a command."""
    match command:
        case "scheduled" if session.app.raw_entries():
            return [f"periodic tasks are listed by: {session.command} schedules list"]
        case "reserved":
            counts: Counts = session.engine.inspector.counts()
            ready = sum(queue.ready for queue in counts.queues.values())
            listed = f"{session.command} runs list --state PENDING"
            return [f"{plural(ready, 'message')} more in the queues, in nobody's hands: {listed}"] if ready else []
        case _:
            return []
