"""``horarium beat``: a scheduler. Any number may run; each firing is enqueued once."""

from __future__ import annotations

from typing import Any

import click

from horarium import signals
from horarium.cli.assignments import assign
from horarium.cli.ground import ground_options, stand
from horarium.cli.leftovers import BEAT, leftovers
from horarium.cli.options import Command, log_level, option, seconds
from horarium.cli.session import Session
from horarium.version import __version__


@click.command("beat", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@option("-n", "--hostname", "--name", "name", metavar="NAME", help="Its name. [default: beat@host]")
@option(
    "-S", "--scheduler", metavar="NAME", help="Where schedules are defined: code, django. [default: beat_scheduler]"
)
@option("--max-interval", type=seconds, help="Sleep no longer than this.")
@click.argument("assignments", nargs=-1, metavar="[SETTING=VALUE]...")
@ground_options
@leftovers(BEAT)
@click.pass_obj
def command(
    session: Session,
    loglevel: str,
    name: str | None,
    scheduler: str | None,
    max_interval: float | None,
    assignments: tuple[str, ...],
    ground: dict[str, Any],
) -> int:
    """Fire schedules until told to stop (TERM or Ctrl-C). Settings may be given as `beat.max_loop_interval=5`."""
    from horarium.observe import logs
    from horarium.observe.lines import Lines
    from horarium.scheduler.beat import Scheduler
    from horarium.worker.options import expand_name

    whole = expand_name(name or "beat@%h")
    stand(session, whole, ground)
    app = session.app
    session.look_through()
    assign(app.conf, assignments, "beat")
    if scheduler is not None:
        app.conf.beat_scheduler = scheduler
    given = {"loglevel": loglevel, "name": name, "scheduler": scheduler, "max_interval": max_interval, **ground}
    signals.user_preload_options.send("beat", app=app, options=given)
    banner = f"celery beat v{__version__} (horarium)" if session.dropin else f"horarium beat v{__version__}"
    session.out.say(f"{banner} is starting.")  # words that Celery's users look for in the log
    logs.configure(loglevel, app.conf, ground.get("logfile"), color=session.out.color)
    observer = Lines()
    loop = Scheduler(app, name=whole, max_interval=max_interval, observer=observer, run_dir=ground["run_dir"] or "")
    if app.conf.alerts is None:
        return loop.run()
    from horarium.alerts.watch import watching  # it brings TLS and mail along, 3 MB that others need not have

    with watching(app, name=whole, observer=observer):
        return loop.run()
