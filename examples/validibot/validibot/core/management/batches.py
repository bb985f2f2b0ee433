"""What the commands over one job each have in common."""

from __future__ import annotations

from collections.abc import Callable

from django.core.management.base import BaseCommand, CommandError, CommandParser

from validibot.core.cleanup import BATCH, StillThere
from validibot.core.engine import EngineTrouble


class BatchCommand(BaseCommand):
    """Does its job, and says what it came to. Exit code 1 where the engine failed."""

    job: Callable[..., dict[str, int]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
        parser.add_argument("--batch-size", type=int, default=BATCH, help="rows at a time (%(default)s)")

    def handle(self, *, dry_run: bool, batch_size: int, **_: object) -> None:
        try:
            counts = self.job(dry_run=dry_run, batch_size=batch_size)
        except (EngineTrouble, StillThere) as trouble:
            raise CommandError(str(trouble)) from trouble
        say(self, counts, dry_run)


def say(command: BaseCommand, counts: dict[str, int], dry_run: bool) -> None:
    told = ", ".join(f"{what} {count}" for what, count in counts.items())
    command.stdout.write(f"dry run, nothing changed: {told}" if dry_run else told)
