"""``horarium dev``: a worker and a scheduler in one, started anew at every save."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from horarium.cli.options import Command, log_level, names, option, pool_name, seconds
from horarium.cli.session import Session


@click.command("dev", cls=Command)
@option("-l", "--loglevel", type=log_level, metavar="LEVEL", help="In any case. [default: worker_loglevel, INFO]")
@option("-c", "--concurrency", type=click.IntRange(1), default=2, show_default=True, help="So many tasks at once.")
@option("-P", "--pool", type=pool_name, metavar="process|thread|async", help="What runs the tasks. [default: process]")
@option("-Q", "--queues", type=names, metavar="A,B", help="Read these queues.")
@option("--grace", type=seconds, default=10.0, show_default=True, help="How long running tasks may go on.")
@option(
    "--watch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="Watch this folder too.",
)
@click.pass_obj
def command(
    session: Session,
    loglevel: str | None,
    concurrency: int,
    pool: str | None,
    queues: tuple[str, ...] | None,
    grace: float,
    watch: tuple[Path, ...],
) -> int:
    """Run worker and scheduler together, and start them anew when a Python file in the folder changes.

    Running tasks may finish first. An error in a file is shown; saving it again is enough.
    """
    from horarium.cli.reload import Reloader, snapshot

    session.enter_folder()
    folders = [Path.cwd(), *watch]
    say = session.out.say
    arguments = ["-c", str(concurrency), "--grace", f"{grace:g}"]
    if loglevel:
        arguments += ["-l", loglevel]
    if pool:
        arguments += ["-P", pool]
    if queues:
        arguments += ["-Q", ",".join(queues)]
    say(f"dev: watching {len(snapshot(folders))} Python files in {', '.join(map(str, folders))}; Ctrl-C stops")
    own = [sys.executable, "-m", "horarium", *session.given(), *(["--skip-checks"] if session.skip_checks else [])]
    return Reloader(
        [*own, "worker", "-B", *arguments], folders, grace=grace, say=lambda text: say(f"dev: {text}")
    ).run()
