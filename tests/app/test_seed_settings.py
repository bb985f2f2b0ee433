"""The settings of real adopters (surface.md, rows 21 to 49), as they wrote them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from horarium import Horarium, crontab
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.errors import InvalidSetting, ResultsNotKept
from horarium.testing import drain
from horarium.worker.options import options_from

REDIS_URL = "redis://redis:6379/0"


def configured(**names: Any) -> Horarium:
    app = Horarium("seed")
    app.config_from_object(SimpleNamespace(**names), namespace="CELERY")
    return app


def test_a_django_projects_settings_are_all_taken_rows_29_to_41() -> None:
    app = configured(
        TIME_ZONE="America/New_York",
        CELERY_BROKER_URL=REDIS_URL,
        CELERY_RESULT_BACKEND=None,
        CELERY_TASK_SERIALIZER="json",
        CELERY_ACCEPT_CONTENT=["json"],
        CELERY_TIMEZONE="America/New_York",
        CELERY_TASK_TRACK_STARTED=True,
        CELERY_TASK_TIME_LIMIT=30 * 60,
        CELERY_TASK_SOFT_TIME_LIMIT=25 * 60,
        CELERY_WORKER_PREFETCH_MULTIPLIER=1,
        CELERY_WORKER_CONCURRENCY=1,
        CELERY_BEAT_SCHEDULER="django_celery_beat.schedulers:DatabaseScheduler",
    )
    conf = app.conf
    assert (conf.store, conf.result_backend, conf.timezone) == (REDIS_URL, None, "America/New_York")
    assert (conf.task_time_limit, conf.task_soft_time_limit, conf.task_track_started) == (1800, 1500, True)
    options = options_from(conf)
    assert (options.concurrency, options.time_limit, options.soft_time_limit) == (1, 1800, 1500)
    assert {notice.key for notice in conf.explain()} == {
        "worker_prefetch_multiplier",
        "result_backend",
    }


def test_without_a_result_backend_a_call_works_and_get_says_why_not_row_30() -> None:
    clock = ManualClock()
    with Horarium("seed", engine=MemoryEngine(clock=clock), clock=clock) as app:
        app.config_from_object(SimpleNamespace(CELERY_RESULT_BACKEND=None), namespace="CELERY")
        result = app.task(name="a")(lambda: 1).delay()
        drain(app)
        with pytest.raises(ResultsNotKept):
            result.get(timeout=1)


def test_results_expire_after_an_hour_row_31() -> None:
    assert options_from(configured(CELERY_RESULT_EXPIRES=3600).conf).keep == 3600
    assert options_from(Horarium("seed", result_expires=3600).conf).keep == 3600
    assert options_from(Horarium("seed").conf).keep == 86_400


@pytest.mark.parametrize("name", ["CELERY_TASK_SERIALIZER", "CELERY_RESULT_SERIALIZER", "CELERY_ACCEPT_CONTENT"])
def test_other_content_is_refused_rows_33_and_34(name: str) -> None:
    assert configured(**{name: "json"}).conf.explain() == []
    with pytest.raises(InvalidSetting, match="strict JSON"):
        configured(**{name: "pickle"}).conf.finalize()


def test_a_project_in_utc_reads_its_schedules_in_utc_row_36() -> None:
    assert configured(TIME_ZONE="UTC", USE_TZ=True).conf.timezone == "UTC"


def test_a_schedule_in_djangos_settings_is_the_apps_row_42() -> None:
    app = configured(
        CELERY_BEAT_SCHEDULE={
            "daily-wikidata-ingestion": {
                "task": "ingestion.tasks.run_daily_wikidata_ingestion",
                "schedule": crontab(hour=2, minute=0),
            },
        }
    )
    assert [entry.name for entry in app.schedule_entries()] == ["daily-wikidata-ingestion"]


def test_an_app_module_updates_its_settings_rows_33_35_39_40_43_44_45() -> None:
    app = Horarium("seed", broker=REDIS_URL, backend=REDIS_URL)
    app.conf.beat_schedule = {"tick": {"task": "a", "schedule": 60.0}}
    app.conf.update(
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        timezone="America/New_York",
        enable_utc=True,
        result_expires=3600,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_concurrency=2,
    )
    assert (app.conf.timezone, app.conf.worker_concurrency, app.conf.task_acks_late) == ("America/New_York", 2, True)
    assert [entry.timezone for entry in app.schedule_entries()] == ["America/New_York"]
    assert {notice.key for notice in app.conf.explain()} == {
        "task_reject_on_worker_lost",
        "worker_prefetch_multiplier",
    }


def test_eager_tasks_ask_no_store_row_46() -> None:
    app = configured(CELERY_TASK_ALWAYS_EAGER=True, CELERY_BROKER_URL="redis://nobody.invalid:1/0")
    assert app.task(name="a")(lambda: 1).delay().get() == 1
    assert not app.connection.is_open


def test_the_log_level_of_the_settings_is_the_workers_row_47() -> None:
    assert options_from(configured(CELERY_WORKER_LOGLEVEL="DEBUG").conf).loglevel == "DEBUG"
    assert options_from(configured(CELERY_WORKER_LOGLEVEL="DEBUG").conf, loglevel="ERROR").loglevel == "ERROR"


SETTINGS = """
SECRET_KEY = "x"
TIME_ZONE = "Europe/Berlin"
INSTALLED_APPS = ["orders", "mails.apps.MailsConfig", "plain"]
CELERY_BROKER_URL = "sqlite:///django.db"
CELERY_TASK_TIME_LIMIT = 1800
CELERY_WORKER_CONCURRENCY = 1
CELERY_WORKER_LOGLEVEL = "DEBUG"
"""
CELERY = """
import os
from horarium import Horarium
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_.settings")
app = Horarium("site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
TASKS = "from horarium import shared_task\n@shared_task\ndef work(): return 1\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "site_/__init__.py": "",
        "site_/settings.py": SETTINGS,
        "site_/celery.py": CELERY,
        "orders/__init__.py": "",
        "orders/tasks.py": TASKS,
        "mails/__init__.py": "",
        "mails/apps.py": "from django.apps import AppConfig\nclass MailsConfig(AppConfig): name = 'mails'\n",
        "mails/tasks.py": TASKS,
        "plain/__init__.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder: Path, *command: str, **variables: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CELERY", "HORARIUM"))}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment | variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_django_project_is_configured_and_its_apps_tasks_are_found(site: Path) -> None:
    pytest.importorskip("django")
    shown = run(
        site,
        "-c",
        "from site_.celery import app; import sys; print('django.conf' in sys.modules);"
        "print(app.conf.store, app.conf.timezone, app.conf.task_time_limit);"
        "print(sorted(name for name in app.tasks if not name.startswith('celery.')))",
    )
    assert shown.splitlines() == [
        "False",
        "sqlite:///django.db Europe/Berlin 1800.0",
        "['mails.tasks.work', 'orders.tasks.work']",
    ]


def test_a_web_process_and_the_command_line_go_by_the_same_environment_row_21(site: Path) -> None:
    pytest.importorskip("django")
    elsewhere = {"CELERY_BROKER_URL": "sqlite:///elsewhere.db"}
    run(site, "-c", "import site_.celery, orders.tasks as o; o.work.delay()", **elsewhere)
    assert (site / "elsewhere.db").exists()
    assert not (site / "django.db").exists()
    shown = run(site, "-m", "horarium", "-A", "site_", "runs", "list", **elsewhere)
    assert "orders.tasks.work" in shown
