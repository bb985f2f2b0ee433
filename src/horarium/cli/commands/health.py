"""``horarium health`` behind global options, and its place in ``--help``; the probe itself is horarium/health.py."""

from __future__ import annotations

import click

from horarium.cli.options import Command, option
from horarium.cli.session import Session
from horarium.health import KINDS, MAX_AGE, Asked, probe


@click.command("health", cls=Command)
@click.argument("kind", type=click.Choice(KINDS), required=False)
@option("-n", "--name", "--hostname", "name", metavar="NAME", help="Only those of this name.")
@option(
    "--max-age",
    type=click.FloatRange(0, min_open=True),
    default=MAX_AGE,
    show_default=True,
    metavar="SECONDS",
    help="How long ago the last look may be.",
)
@option("--run-dir", envvar="HORARIUM_RUN_DIR", metavar="FOLDER", help="Where their pulses lie.")
@click.pass_obj
def command(session: Session, kind: str | None, name: str | None, max_age: float, run_dir: str | None) -> int:
    """Tell whether the workers and schedulers of this host and user are at work.

    Exit code 69 if one is not, or if there is none.

    Neither the app nor the store is asked: it reads what they write, and costs some 20 ms of processor time.
    """
    asked = Asked()
    asked.kind, asked.name, asked.max_age, asked.quiet = kind, name, max_age, session.quiet
    asked.run_dir = run_dir
    return probe(asked)
