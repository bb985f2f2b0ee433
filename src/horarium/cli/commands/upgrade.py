"""``horarium upgrade settings``: today's names for the settings of Celery 3, in a file."""

from __future__ import annotations

from pathlib import Path

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import Command, Group, option
from horarium.cli.session import Session
from horarium.moving.folder import Unreadable, read, replace
from horarium.moving.imports import need_libcst
from horarium.moving.report import Change


@click.group("upgrade", cls=Group)
def command() -> None:
    """Bring files written for an earlier Celery up to date. Needs horarium[migrate]."""


@command.command("settings", cls=Command)
@click.argument("filename", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--django", is_flag=True, help="Write the names as in Django's settings: CELERY_TASK_ACKS_LATE.")
@option("--compat", is_flag=True, help="The same as --django.")
@option("--no-backup", is_flag=True, help="Keep no copy of the file as FILENAME.orig.")
@click.pass_obj
def settings(session: Session, filename: Path, django: bool, compat: bool, no_backup: bool) -> int:
    """Give the settings in a file the names that they have since Celery 4.

    Horarium understands both; one file should keep to one of them.
    """
    need_libcst()
    from horarium.moving.upgrading import upgrade

    try:
        before = read(filename)
        after, renamed = upgrade(before, namespaced=django or compat)
        if renamed and not no_backup:
            Path(f"{filename}.orig").write_bytes(before)
        if renamed:
            replace(filename, Change(str(filename), before, after))
    except (Unreadable, OSError) as error:
        raise Stop(f"expected a file of Python that can be rewritten, got {filename}: {error}", Exit.FAILED) from error
    for old, new in renamed.items():
        session.out.data(f"{old} -> {new}")
    session.out.say(f"{filename}: {len(renamed)} renamed" if renamed else f"{filename}: nothing to rename")
    return Exit.OK
