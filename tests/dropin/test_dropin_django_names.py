"""``django_celery_beat`` and ``django_celery_results`` in drop-in mode; tests/contrib has a whole project in it."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import horarium
from horarium import dropin_names, schedules
from horarium.contrib.django.beat.tzcrontab import TzAwareCrontab
from horarium.dropin import names
from horarium.dropin.facade import is_there
from horarium.schedules.entries import read_entry

NAMES = sorted(name for name in {*names.SHIMS, *dropin_names.MODULES} if name.startswith("django_celery_"))


def test_without_drop_in_mode_there_is_none() -> None:
    for name in ("django_celery_beat", "django_celery_results"):
        assert importlib.util.find_spec(name) is None


@pytest.mark.usefixtures("mode")
def test_they_say_for_which_version_they_speak() -> None:
    import django_celery_beat
    import django_celery_results

    assert django_celery_beat.__version__ == f"2.9.0+horarium.{horarium.__version__}"
    assert django_celery_results.VERSION[:3] == (2, 6, 0)


@pytest.mark.usefixtures("mode")
def test_names_that_need_no_database_are_ours() -> None:
    from django_celery_beat.clockedschedule import clocked
    from django_celery_beat.tzcrontab import TzAwareCrontab as found
    from django_celery_beat.utils import NEVER_CHECK_TIMEOUT, is_database_scheduler

    assert clocked is schedules.clocked
    assert found is TzAwareCrontab
    assert NEVER_CHECK_TIMEOUT == 100_000_000
    assert is_database_scheduler("django")
    assert is_database_scheduler("django_celery_beat.schedulers.DatabaseScheduler")
    assert not is_database_scheduler("celery.beat:PersistentScheduler")
    assert not is_database_scheduler(None)


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("name", NAMES)
def test_each_module_that_we_have_is_found_under_their_name(name: str) -> None:
    sources = [source for source, _ in names.sources_of(name)]
    if any(map(is_there, sources)):
        assert importlib.util.find_spec(name) is not None
    else:
        with pytest.raises(ImportError, match="came later than this version"):
            importlib.import_module(name)


def test_the_waiting_package_waits_for_both() -> None:
    text = (Path(__file__).parents[2] / "packages/horarium-dropin/src/horarium_dropin.py").read_text()
    assert all(f'"{root}"' in text for root in names.ALWAYS_OURS | names.OURS_IF_ALONE)


def test_a_crontab_with_a_zone_is_a_crontab_in_that_zone() -> None:
    berlin = TzAwareCrontab(minute="30", hour="6", tz=ZoneInfo("Europe/Berlin"))
    assert repr(berlin) == "TzAwareCrontab(minute='30', hour='6', tz='Europe/Berlin')"
    assert berlin == TzAwareCrontab("30", 6, tz=ZoneInfo("Europe/Berlin")) != TzAwareCrontab("30", 6, tz=UTC)
    assert pickle.loads(pickle.dumps(berlin)) == berlin
    read = read_entry("a", {"task": "t", "schedule": berlin}, timezone="UTC", now=0)
    assert read.timezone == "Europe/Berlin"
    assert read.spec == read_entry("a", {"task": "t", "schedule": schedules.crontab(30, 6)}, timezone="UTC", now=0).spec
    other = read_entry("a", {"task": "t", "schedule": berlin, "timezone": "Asia/Tokyo"}, timezone="UTC", now=0)
    assert other.timezone == "Asia/Tokyo"
