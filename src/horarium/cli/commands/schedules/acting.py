"""Fire by hand: ``run``."""

from __future__ import annotations

import click

from horarium.cli.commands.schedules.words import all_named, require_known
from horarium.cli.options import JSON, Command
from horarium.cli.session import Session


@click.command("run", cls=Command)
@all_named
@JSON
@click.pass_obj
def run_now(session: Session, names: tuple[str, ...], as_json: bool) -> None:
    """Fire schedules once, at once, and print the ids of the runs. Their next firings stay where they are.

    The runs are those of a firing: same arguments, queue, priority. They say who asked for them.
    """
    require_known(session, names)
    handles = session.app.schedules.run_now(*names)
    if as_json:
        rows = [
            {"schedule": name, "id": handle.id, "task": handle.name}
            for name, handle in zip(names, handles, strict=True)
        ]
        session.out.document(rows)
        return
    for handle in handles:
        session.out.data(handle.id)
