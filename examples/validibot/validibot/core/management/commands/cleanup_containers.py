"""manage.py cleanup_containers"""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from validibot.core import cleanup
from validibot.core.engine import EngineTrouble
from validibot.core.management.batches import say


class Command(BaseCommand):
    help = "Remove containers of validations that have ended; with --all, those that run as well."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed")
        parser.add_argument("--all", action="store_true", help="every container that is ours")

    def handle(self, *, dry_run: bool, all: bool, **_: object) -> None:
        try:
            counts = cleanup.remove_containers(all_of_ours=all, dry_run=dry_run)
        except EngineTrouble as trouble:
            raise CommandError(str(trouble)) from trouble
        say(self, counts, dry_run)
