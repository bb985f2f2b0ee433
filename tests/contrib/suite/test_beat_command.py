"""``manage.py setup_periodic_tasks``."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import management
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import connection
from django.test import override_settings
from site_project.celery import app

from horarium.app import current
from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db
NAME = "setup_periodic_tasks"
HOURLY = {"task": "shop.tasks.add", "schedule": 3600}


@pytest.fixture(autouse=True)
def its_app() -> Iterator[None]:
    with current.chosen(app):
        yield
    del app.conf.beat_schedule  # what Django's settings say holds again


def ask(entries: dict[str, Any]) -> None:
    """Let the settings ask for this."""
    app.conf.beat_schedule = entries


def run(*options: str) -> str:
    out = StringIO()
    call_command(NAME, *options, stdout=out, no_color=True)
    return out.getvalue()


def test_it_says_what_it_does_with_each_row_rows_88_and_89() -> None:
    every = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="mine", task="t", interval=every)
    ask({"a": HOURLY, "mine": HOURLY})
    said = run()
    assert "a: created\n" in said
    assert "mine: left: people have made a row of this name" in said
    assert said.endswith("1 created, 1 left\n")
    ask({"a": {**HOURLY, "schedule": 60}, "mine": HOURLY})
    assert "a: updated\n    schedule: 'every hour' -> 'every minute'\n" in run()
    ask({"mine": HOURLY})
    assert "a: removed" not in run("--keep")
    assert "a: removed" in run()
    assert list(PeriodicTask.objects.values_list("name", flat=True)) == ["mine"]


def test_a_dry_run_shows_the_same_and_does_nothing() -> None:
    ask({"a": HOURLY})
    assert run("--dry-run") == "a: created\nwould be: 1 created\n"
    with pytest.raises(CommandError, match="not as the settings ask: 1"):
        run("--check")
    assert not PeriodicTask.objects.exists()
    run()
    assert run("--check") == "1 unchanged\n"


def test_an_entry_that_cannot_be_read_is_an_error_after_the_others_are_done() -> None:
    ask({"bad": {"task": "t"}, "good": HOURLY})
    with pytest.raises(CommandError, match="entries that cannot be read: bad"):
        run()
    assert PeriodicTask.objects.get().name == "good"


def test_what_people_have_changed_is_kept_unless_it_is_to_be_overwritten() -> None:
    ask({"a": HOURLY})
    run()
    PeriodicTask.objects.update(enabled=False, queue="fast")
    assert "a: kept: people have changed it" in run()
    said = run("--overwrite")
    assert "    enabled: False -> True\n    queue: 'fast' -> None\n" in said
    assert PeriodicTask.objects.get().enabled


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_missing_tables_are_told_with_the_command_that_makes_them() -> None:
    ask({"a": HOURLY})
    with connection.schema_editor() as editor:
        editor.alter_db_table(PeriodicTask, "django_celery_beat_periodictask", "elsewhere")
    try:
        with pytest.raises(CommandError, match=r"make them: python manage\.py migrate"):
            run()
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(PeriodicTask, "elsewhere", "django_celery_beat_periodictask")


@pytest.mark.parametrize("first", [True, False])
def test_a_projects_own_command_of_that_name_wins_wherever_its_app_stands_row_88(
    first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    package = f"schedules_of_project_{first}".lower()
    commands = tmp_path / package / "management" / "commands"
    commands.mkdir(parents=True)
    for folder in (commands, commands.parent, commands.parent.parent):
        (folder / "__init__.py").touch()
    (commands / f"{NAME}.py").write_text(
        "from django.core.management.base import BaseCommand\n"
        "class Command(BaseCommand):\n"
        "    def add_arguments(self, parser):\n        parser.add_argument('--mine')\n"
        "    def handle(self, mine, **options):\n        self.stdout.write(f'theirs: {mine}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    installed = [package, *settings.INSTALLED_APPS] if first else [*settings.INSTALLED_APPS, package]
    with override_settings(INSTALLED_APPS=installed):
        get_commands.cache_clear()
        assert run("--mine=1") == "theirs: 1\n"
        found = load_command_class(management.get_commands()[NAME], NAME)
        assert type(found).__module__.startswith(package)
    get_commands.cache_clear()
    assert run() == "no entries\n"


def test_a_project_may_build_its_command_on_ours() -> None:
    from horarium.contrib.django.beat.management.commands.setup_periodic_tasks import Command

    class Ours(Command):
        help = "Something more"

    assert Ours().help == "Something more"
