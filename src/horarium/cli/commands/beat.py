"""``horarium beat``: a scheduler. Any number may run; each firing is enqueued once."""

from __future__ import annotations

import click

from horarium.cli.leftovers import BEAT, leftovers
from horarium.cli.logfile import append_to
from horarium.cli.options import Command, log_level, option, seconds
from horarium.cli.session import Session


@click.command("beat", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, help="In any case.")
@option("-n", "--hostname", "--name", "name", metavar="NAME", help="Its name. [default: beat@host]")
@option("--max-interval", type=seconds, help="Look at least so often.")
@option("-f", "--logfile", type=click.Path(dir_okay=False), help="Append the log to this file.")
@leftovers(BEAT)
@click.pass_obj
def command(session: Session, loglevel: str, name: str | None, max_interval: float | None, logfile: str | None) -> int:
    """Fire schedules until told to stop (TERM or Ctrl-C)."""
    from horarium.scheduler.beat import Scheduler

    app = session.app
    if max_interval is not None:
        app.conf.beat_max_loop_interval = max_interval
    if logfile:
        append_to(logfile)
    return Scheduler(app, name=name, loglevel=loglevel).run()
