"""``horarium dev``: a worker, a scheduler and the dashboard in one, started anew at every save."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
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
@option("-p", "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Of the dashboard.")
@option("--no-web", is_flag=True, help="Without the dashboard.")
@click.pass_obj
def command(
    session: Session,
    loglevel: str | None,
    concurrency: int,
    pool: str | None,
    queues: tuple[str, ...] | None,
    grace: float,
    watch: tuple[Path, ...],
    port: int,
    no_web: bool,
) -> int:
    """Run worker, scheduler and dashboard together, and start them anew when a Python file in the folder changes.

    Running tasks may finish first. An error in a file is shown; saving it again is enough. The dashboard prints a link
    that logs in; who is logged in stays so.
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
    if not no_web and not all(map(find_spec, WEB)):
        say("dev: without the dashboard; for it: pip install 'horarium[web]'")
        no_web = True
    return Reloader(
        [*own, "worker", "-B", *arguments],
        folders,
        grace=grace,
        say=lambda text: say(f"dev: {text}"),
        beside=None if no_web else _dashboard(own, port),
    ).run()


WEB = ("uvicorn", "fastapi", "jinja2", "sse_starlette", "python_multipart")


def _dashboard(own: Sequence[str], wanted: int) -> Callable[[], Sequence[str]]:
    """Return what makes the command of the dashboard: on one port for all its lives, with a link in the first one."""
    port = str(_free_port(wanted))
    links = iter(["--link"])
    return lambda: [*own, "web", "-l", "WARNING", "--port", port, next(links, "--no-link")]


def _free_port(wanted: int) -> int:
    """Return this port or, if somebody has it, one that is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    return wanted
