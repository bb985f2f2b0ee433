"""``horarium web``: the dashboard."""

from __future__ import annotations

import click

from horarium.cli.options import Command, log_level, option
from horarium.cli.session import Session


@click.command("web", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@option("--host", "--address", "host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@option("-p", "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Listen on this port.")
@option("--prefix", default="", metavar="/PATH", help="Where a proxy serves it, such as /horarium.")
@click.pass_obj
def command(session: Session, loglevel: str, host: str, port: int, prefix: str) -> int:
    """Serve the dashboard until told to stop (TERM or Ctrl-C)."""
    from horarium.dashboard import web
    from horarium.dashboard.serving import listening, serve
    from horarium.observe import logs

    app = session.app
    logs.configure(loglevel, app.conf, None, color=session.out.color)
    application, place = web(app), listening(host, port)
    session.out.say(f"dashboard: http://{host}:{place.getsockname()[1]}{prefix}/")
    return serve(application, place, prefix=prefix.rstrip("/"))
