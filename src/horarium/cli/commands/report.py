"""``horarium report``: what to put into a bug report, without secrets."""

from __future__ import annotations

import click

from horarium.cli.options import Command
from horarium.cli.session import Session


@click.command("report", cls=Command)
@click.pass_obj
def command(session: Session) -> None:
    """Print versions, platform and the settings that were chosen; passwords, keys and tokens are hidden."""
    session.out.data(session.app.bugreport().rstrip("\n"))
