"""``manage.py setup_periodic_tasks``: make the rows of the tables what the settings' schedule asks for.

A project's own command of that name runs in its place, wherever its app stands in INSTALLED_APPS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from django.apps import apps
from django.core.management import find_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, router

from horarium.app.app import Horarium, current_app
from horarium.contrib.django.beat import tables
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.beat.settings_rows import CHANGES, Effect, What, make_rows
from horarium.errors import ImproperlyConfigured

NAME = "setup_periodic_tasks"
_SAID: dict[What, str] = {
    "created": "created",
    "updated": "updated",
    "adopted": "adopted: it is as the settings ask; from now on it is theirs",
    "unchanged": "unchanged",
    "edited": "kept: people have changed it (--overwrite for what the settings ask)",
    "left": "left: people have made a row of this name; rename one of the two",
    "removed": "removed: the settings have no such entry any more",
    "beside": "needs no row: none can say its times, the scheduler stores it as it is",
    "unreadable": "cannot be read",
}


class Command(BaseCommand):
    """Create, update and remove the rows that come from the settings; leave those of people alone.

    Exit code 0: done. 1: an entry cannot be read, or with --check: there are differences.
    """

    help = "Make periodic tasks in the database what beat_schedule in the settings asks for."

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        app = _other_app() if cls is Command else None
        if app is not None:
            other: Self = load_command_class(app, NAME)  # not one of ours, so Python does not call __init__
            return other
        return super().__new__(cls)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Show what would be done, and do nothing.")
        parser.add_argument(
            "--check", action="store_true", help="As --dry-run; exit with 1 if there is anything to do."
        )
        parser.add_argument(
            "--no-remove", "--keep", action="store_true", help="Keep rows whose entry the settings have no more."
        )
        parser.add_argument("--overwrite", action="store_true", help="Undo what people have changed in such rows.")

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"] or options["check"]
        remove, overwrite = not options["no_remove"], options["overwrite"]
        app = _app()
        try:
            _need_tables()
            report = make_rows(app, dry_run=is_dry, remove=remove, overwrite=overwrite)
        except DatabaseError as error:
            raise CommandError(f"{error}; nothing was written: run it again when the database answers") from error
        for effect in report.effects:
            self._tell(effect, verbosity=options["verbosity"])
        counted = ", ".join(f"{len(names)} {what}" for what in _SAID if (names := report.names(what)))
        self.stdout.write(f"{'would be: ' if is_dry and report.changed else ''}{counted or 'no entries'}")
        if unreadable := report.names("unreadable"):
            raise CommandError(f"entries that cannot be read: {', '.join(unreadable)}; correct them and run it again")
        if options["check"] and report.changed:
            raise CommandError(f"rows that are not as the settings ask: {report.changed}; run {NAME}")

    def _tell(self, effect: Effect, *, verbosity: int) -> None:
        if effect.what == "unchanged" and verbosity < 2:
            return
        said = f"{_SAID[effect.what]}{f': {effect.reason}' if effect.reason else ''}"
        style = self.style.SUCCESS if effect.what in CHANGES else self.style.WARNING
        self.stdout.write(f"{effect.name}: {style(said) if effect.what != 'unchanged' else said}")
        for column, (before, after) in sorted(effect.changes.items()):
            self.stdout.write(f"    {column}: {before!r} -> {after!r}")


def _app() -> Horarium:
    """Return the project's app with its tasks. Raises: CommandError if the project makes none."""
    try:
        app = current_app()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    app.import_includes()
    return app


def _need_tables() -> None:
    missing = tables.missing(router.db_for_write(PeriodicTask))
    if missing.tasks or missing.own:
        raise CommandError("tables of schedules are missing; make them: python manage.py migrate")


def _other_app() -> str | None:
    """Return the name of the first other app that has a command of this name."""
    for config in apps.get_app_configs():
        is_ours = config.name.startswith("horarium.contrib.")
        if not is_ours and NAME in find_commands(str(Path(config.path) / "management")):
            name: str = config.name
            return name
    return None
