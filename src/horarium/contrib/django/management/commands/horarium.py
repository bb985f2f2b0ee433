"""``manage.py horarium ...``: every command of ``horarium``, for the project's app, which need not be named.

Options, help, exit codes and output are those of the command line itself: nothing is repeated here. It is found by its
path, as fixups are: doors do not import each other.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from horarium.contrib.django.project import app_path
from horarium.errors import ImproperlyConfigured

COMMAND_LINE = "horarium.cli.main"
OF_APP = ("-A", "--app")
OF_DJANGO = ("--settings", "--pythonpath")  # obeyed by manage.py already
WITHOUT_APP = ("-h", "--help", "-V", "--version", "completion", "upgrade", "migrate-project", "logtool")


class Command(BaseCommand):
    """Passes its arguments on."""

    help = "Run a command of Horarium for this project: worker, beat, status, schedules, call, doctor ..."
    requires_system_checks: Any = ()  # a worker or scheduler runs them itself, and can be told not to

    def run_from_argv(self, argv: list[str]) -> None:
        """Run a command line such as ``manage.py horarium worker -c 4``, and exit with its code."""
        try:
            self._run(_without_djangos(argv[2:]))
        except ImproperlyConfigured as error:
            self.stderr.write(f"error: {error}")
            sys.exit(64)
        finally:
            connections.close_all()

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print what ``manage.py help horarium`` asks for."""
        self._run(["--help"])

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("arguments", nargs=REMAINDER, help="a command and its arguments")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it from code: ``call_command("horarium", "schedules", "list")``. Raises: CommandError with its code."""
        try:
            self._run([*args, *options["arguments"]])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        except SystemExit as ended:
            if ended.code:
                message = f"horarium ended with code {ended.code}"
                raise CommandError(message, returncode=int(ended.code)) from None

    def _run(self, arguments: list[str]) -> None:
        names_app = any(word in OF_APP or word.startswith(("-A", "--app=")) for word in arguments)
        if not names_app and arguments and arguments[0] not in WITHOUT_APP:
            arguments = ["-A", app_path(), *arguments]
        import_module(COMMAND_LINE).main(arguments)


def _without_djangos(arguments: list[str]) -> list[str]:
    kept: list[str] = []
    words = iter(arguments)
    for word in words:
        if word in OF_DJANGO:
            next(words, None)
        elif not word.startswith(tuple(f"{name}=" for name in OF_DJANGO)):
            kept.append(word)
    return kept
