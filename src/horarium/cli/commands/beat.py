"""``horarium beat``: a scheduler. Any number may run; each firing is enqueued once."""

from __future__ import annotations

import click

from horarium.cli.leftovers import BEAT, leftovers
from horarium.cli.logfile import append_to
from horarium.cli.options import Command, log_level, option, seconds
from horarium.cli.session import Session
from horarium.version import __version__


@click.command("beat", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@option("-n", "--hostname", "--name", "name", metavar="NAME", help="Its name. [default: beat@host]")
@option("--max-interval", type=seconds, help="Sleep no longer than this.")
@option("-f", "--logfile", type=click.Path(dir_okay=False), help="Append the log to this file.")
@leftovers(BEAT)
@click.pass_obj
def command(session: Session, loglevel: str, name: str | None, max_interval: float | None, logfile: str | None) -> int:
    """Fire schedules until told to stop (TERM or Ctrl-C)."""
    from horarium.observe import logs
    from horarium.observe.lines import Lines
    from horarium.scheduler.beat import Scheduler

    app = session.app
    if logfile:
        append_to(logfile)
    session.out.say(f"horarium beat v{__version__} is starting.")
    logs.configure(loglevel, app.conf, color=session.out.color)
    return Scheduler(app, name=name, max_interval=max_interval, observer=Lines()).run()
