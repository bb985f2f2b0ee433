"""An app in a Django project: found, set up, checked, told by manage.py."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import checks, mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from site_process import Site
from site_project.celery import app

from horarium import Horarium, crontab
from horarium.app.task import Task
from horarium.cli.main import main as command_line
from horarium.contrib.django import checks as ours
from horarium.contrib.django import fixup, project
from horarium.contrib.django.management.commands.horarium import Command
from horarium.contrib.django.task import DjangoTask
from horarium.errors import FixupWarning, UnknownSetting


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_tasks_of_all_installed_apps_are_found_also_by_the_path_of_a_config_row_11() -> None:
    assert {"shop.tasks.add", "depot.tasks.order"} <= set(app.tasks)
    assert isinstance(app.tasks["shop.tasks.add"], DjangoTask)


@pytest.mark.once
def test_a_program_that_does_not_set_django_up_can_send_rows_11_and_61(site: Site) -> None:
    sent = site.run("-c", "from site_project.celery import app; print(app.tasks['depot.tasks.order'].delay('a').id)")
    assert sent.strip() in site.manage("horarium", "runs", "list")


@pytest.mark.once
def test_a_worker_sets_django_up_runs_tasks_with_the_orm_and_lists_them_rows_11_and_61(site: Site) -> None:
    site.manage("migrate", "-v0", "--run-syncdb")
    with site.start("-m", "horarium", "-A", "site_project", "worker", "-c", "1") as worker:
        worker.says("depot.tasks.order")
        worker.says("ready")
        answer = site.manage("horarium", "call", "depot.tasks.order", "--args", '["a"]', "--wait")
    assert answer.splitlines()[-1] == "1"


@pytest.mark.once
def test_an_error_of_a_check_stops_a_worker_with_its_text_unless_checks_are_skipped(tmp_path: Path) -> None:
    site = Site(tmp_path, SITE_BROKEN="1")
    for command in ("worker", "beat"):
        said = site.run("-m", "horarium", "-A", "site_project", command, expect=1)
        assert "the depot is on fire" in said and "--skip-checks" in said
    skipping = Site(tmp_path, SITE_BROKEN="1", CELERY_SKIP_CHECKS="true")
    with skipping.start("-m", "horarium", "-A", "site_project", "worker", "-c", "1") as worker:
        worker.says("ready")


@pytest.mark.once
def test_outside_of_a_django_project_an_app_stays_as_it_is(tmp_path: Path) -> None:
    site = Site(tmp_path)
    del site.environment["DJANGO_SETTINGS_MODULE"]
    program = (
        "import sys; from horarium import Horarium; from horarium.app.task import Task; app = Horarium('x')\n"
        "app.autodiscover_tasks(); app.finalize(); print(app.task_cls is Task, 'django' in sys.modules)"
    )
    assert site.run("-c", program) == "True False\n"


def test_a_project_without_django_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixup, "find_spec", lambda name: None)
    with pytest.warns(FixupWarning, match="Django is not installed"):
        made = Horarium("no django", set_as_current=False)
    assert made.task_cls is Task


SEEDS: dict[str, dict[str, Any]] = {
    "000": {
        "CELERY_BROKER_URL": "redis://redis:6379/0",
        "CELERY_RESULT_BACKEND": "redis://redis:6379/0",
        "CELERY_RESULT_EXPIRES": 3600,
        "CELERY_BEAT_SCHEDULE": {"a": {"task": "shop.tasks.add", "schedule": crontab(minute=0, hour=2)}},
    },
    "001": {
        "CELERY_BROKER_URL": "redis://localhost:6379/0",
        "CELERY_RESULT_BACKEND": None,
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_TIMEZONE": "UTC",
        "CELERY_TASK_TRACK_STARTED": True,
        "CELERY_TASK_TIME_LIMIT": 30 * 60,
        "CELERY_TASK_SOFT_TIME_LIMIT": 25 * 60,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        "CELERY_WORKER_CONCURRENCY": 1,
        "CELERY_BEAT_SCHEDULER": "django_celery_beat.schedulers:DatabaseScheduler",
    },
    "004": {"CELERY_BROKER_URL": "redis://localhost:6379/0", "CELERY_WORKER_LOGLEVEL": "DEBUG"},
}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_settings_of_the_guides_are_taken_from_djangos_row_11(seed: str) -> None:
    with override_settings(**SEEDS[seed]):
        made = Horarium("seed", set_as_current=False)
        made.config_from_object("django.conf:settings", namespace="CELERY")
        assert made.conf.store == SEEDS[seed]["CELERY_BROKER_URL"]
        for name, value in SEEDS[seed].items():
            if name not in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
                assert made.conf[name.removeprefix("CELERY_").lower()] == value
        assert ours._unknown_settings(made) == []


def test_settings_that_a_test_overrides_are_those_of_the_app_row_137() -> None:
    assert app.conf.task_time_limit is None
    with override_settings(CELERY_TASK_TIME_LIMIT=5):
        assert app.conf.task_time_limit == 5
        with pytest.raises(UnknownSetting), override_settings(CELERY_BROKER_ULR="redis://localhost"):
            raise AssertionError("a slip was taken for a setting")
    assert app.conf.task_time_limit is None


def test_an_all_utc_project_has_an_app_in_utc_row_36() -> None:
    assert django_settings.TIME_ZONE == app.conf.timezone == "UTC"


# manage.py horarium


@pytest.mark.once
def test_manage_py_passes_options_output_and_exit_codes_on(site: Site) -> None:
    assert "depot.tasks.order" in site.manage("horarium", "--settings=site_project.settings", "tasks", "list")
    assert "no command 'wrker'" in site.manage("horarium", "wrker", expect=64)
    site.manage("horarium", "status", expect=3)  # there is no store yet


@pytest.mark.parametrize(
    "arguments", [["--help"], ["worker", "--help"], ["schedules", "list", "--help"], ["--version"]]
)
def test_every_command_of_the_command_line_is_one_of_manage_py(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command_line(arguments)
    expected = capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "horarium", *arguments])
    assert ended.value.code == 0
    assert capsys.readouterr().out == expected
    if arguments == ["--help"]:
        with pytest.raises(SystemExit):
            Command().print_help("manage.py", "horarium")
        assert capsys.readouterr().out == expected


def test_it_can_be_called_from_code(capfd: pytest.CaptureFixture[str]) -> None:
    call_command("horarium", "tasks", "list")
    assert "depot.tasks.order" in capfd.readouterr().out
    with pytest.raises(CommandError) as caught:
        call_command("horarium", "tasks", "--no-such-option")
    assert caught.value.returncode == 64


# checks


NAIVE = datetime.datetime(2030, 1, 1)


def problems() -> list[str]:
    found = ours.check_app()
    assert all(each.msg.count("; ") or each.msg.count(": ") for each in found)  # each says what to do
    return [each.id for each in found]


def test_a_project_that_is_well_has_no_complaints() -> None:
    assert problems() == []
    assert checks.run_checks(tags=["horarium"]) == []


@pytest.mark.parametrize(
    ("settings", "id"),
    [
        ({"HORARIUM_APP": "site_project.nothing:app"}, "horarium.W001"),
        ({"HORARIUM_APP": "site_project.settings"}, "horarium.W001"),
        ({"CELERY_BROKER_URL": "sqlite:///somewhere.db"}, "horarium.W003"),
        ({"CELERY_WARP_FACTOR": 9}, "horarium.W004"),
        (
            {"CELERY_BEAT_SCHEDULE": {"a": {"task": "t", "schedule": 5, "options": {"expires": NAIVE}}}},
            "horarium.W005",
        ),
    ],
)  # fmt: skip
def test_what_would_not_work_is_told_by_a_check(settings: dict[str, Any], id: str) -> None:
    with override_settings(**settings):
        assert problems() == [id]


def test_a_slip_in_a_setting_is_an_error_of_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Horarium("slip", set_as_current=False)
    made.config_from_object({"CELERY_BROKER_ULR": "redis://localhost"}, namespace="CELERY")
    monkeypatch.setattr(ours, "project_app", lambda: made)
    assert problems() == ["horarium.E001"]


def test_a_store_in_memory_is_told_of_outside_of_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mail, "outbox")
    with override_settings(CELERY_BROKER_URL="memory://"):
        assert problems() == ["horarium.W002"]
        with override_settings(DEBUG=True):
            assert problems() == []


@pytest.mark.django_db(transaction=True)
def test_a_missing_outbox_is_told_of_with_the_command_that_makes_it() -> None:
    with override_settings(HORARIUM_OUTBOX=True):
        assert ours.check_outboxes(databases=["default"]) == []
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE horarium_outbox RENAME TO away")
        try:
            [found] = ours.check_outboxes(databases=["default"])
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE away RENAME TO horarium_outbox")
    assert found.id == "horarium.W006"
    assert "manage.py migrate horarium" in found.msg
    assert ours.check_outboxes(databases=["default"]) == []


def test_the_app_is_found_where_the_settings_are_or_where_they_say() -> None:
    assert project.app_path() == "site_project.celery:app"
    assert project.project_app() is app
    with override_settings(HORARIUM_APP="site_project:celery_app"):
        assert project.app_path() == "site_project:celery_app"
        assert project.project_app() is app
