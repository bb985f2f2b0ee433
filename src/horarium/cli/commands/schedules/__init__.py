"""``horarium schedules``: what fires when, and what people do about it. One file per group of verbs."""

from __future__ import annotations

import click

from horarium.cli.commands.schedules.acting import run_now
from horarium.cli.commands.schedules.backfilling import backfill
from horarium.cli.commands.schedules.defining import create, edit
from horarium.cli.commands.schedules.holding import delete, move, pause, resume, skip, unskip
from horarium.cli.commands.schedules.listing import show_history, show_next, show_schedules
from horarium.cli.commands.schedules.showing import show_schedule
from horarium.cli.commands.schedules.simulating import simulate
from horarium.cli.commands.schedules.syncing import sync
from horarium.cli.options import Group


@click.group("schedules", cls=Group)
def command() -> None:
    """What fires when. Schedules defined in code appear in the store when a scheduler first starts."""


for verb in (
    show_schedules,
    show_schedule,
    show_next,
    show_history,
    create,
    edit,
    delete,
    pause,
    resume,
    run_now,
    skip,
    unskip,
    move,
    backfill,
    simulate,
    sync,
):
    command.add_command(verb)
