"""Bring the code's schedules into the store, or see what that would change: ``sync``."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from horarium.cli.exits import Exit
from horarium.cli.options import JSON, Command, option
from horarium.cli.session import Session
from horarium.event import Silent
from horarium.scheduler.sync import Difference, difference
from horarium.scheduler.sync import sync as sync_now


@click.command("sync", cls=Command)
@option("--dry-run", is_flag=True, help="Only show what differs.")
@JSON
@click.pass_obj
def sync(session: Session, dry_run: bool, as_json: bool) -> int:
    """Store what the code defines, as a scheduler does when it starts: add, change, remove. A person's stay."""
    app = session.app
    if dry_run and session.absent_store() is not None:
        found = difference(app, None, now=app.now())
    else:
        engine = app.engine
        found = difference(app, engine, now=engine.now())
        if not dry_run:
            sync_now(app, engine, now=engine.now(), observer=Silent())
    if as_json:
        session.out.document(msgspec.to_builtins(found) | {"dry_run": dry_run})
    else:
        _show(session, found)
    return Exit.FAILED if found.wrong else Exit.OK


def _show(session: Session, found: Difference) -> None:
    for name in found.added:
        session.out.row(f"+ {name}")
    for name, fields in found.changed.items():
        session.out.data(
            f"~ {name}  " + "; ".join(f"{key}: {_text(a)} -> {_text(b)}" for key, (a, b) in fields.items())
        )
    for name in found.removed:
        session.out.row(f"- {name}")
    for name in found.kept:
        session.out.row(f"= {name}  a person's: the code's definition of it is not used")
    for name, reason in found.wrong.items():
        session.out.row(f"! {name}  {reason}")
    if found.is_empty:
        session.out.say("the store has what the code defines")


def _text(value: Any) -> str:  # Any: JSON
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
