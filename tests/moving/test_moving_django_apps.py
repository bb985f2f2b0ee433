"""Entries of INSTALLED_APPS become ours; what names an app by its label stays."""

from __future__ import annotations

import pytest

from horarium.moving.code import find_in_code
from horarium.moving.django_apps import rewrite_apps
from horarium.moving.imports import rewrite
from horarium.moving.source import Source


def after(text: str, encoding: str = "utf-8") -> str:
    return rewrite_apps(Source("settings.py", text.encode(encoding)))[0].decode(encoding)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (
            "INSTALLED_APPS = ['django_celery_beat', 'shop']",
            "INSTALLED_APPS = ['horarium.contrib.django.beat', 'shop']",
        ),
        ('THIRD_PARTY_APPS += ("django_celery_results",)', 'THIRD_PARTY_APPS += ("horarium.contrib.django.results",)'),
        (
            "INSTALLED_APPS: list[str] = [\n    'a',  # ä\n    \"django_celery_beat.apps.BeatConfig\",  # why\n]",
            "INSTALLED_APPS: list[str] = [\n    'a',  # ä\n    \"horarium.contrib.django.beat\",  # why\n]",
        ),
        (
            "APPS = ['django_celery_beat', 'ä', 'django_celery_results']",
            "APPS = ['horarium.contrib.django.beat', 'ä', 'horarium.contrib.django.results']",
        ),
        ("if DEBUG:\n    INSTALLED_APPS.append('django_celery_beat')", None),
        ("INSTALLED_APPS = BASE_APPS + ['django_celery_beat']", None),
    ],
)
def test_an_entry_of_a_list_of_apps_becomes_ours(before: str, wanted: str | None) -> None:
    expected = wanted or before.replace("django_celery_beat", "horarium.contrib.django.beat")
    assert after(before) == expected
    assert after(expected) == expected
    assert find_in_code(Source("settings.py", before.encode())) == []


@pytest.mark.parametrize(
    "text",
    [
        "dependencies = [('django_celery_beat', '0019_alter_periodictasks_options')]",
        "Task = apps.get_model('django_celery_beat', 'PeriodicTask')",
        "LOGGERS = {'django_celery_beat': {}}",
    ],
)
def test_a_label_stays(text: str) -> None:
    assert after(text) == text
    assert find_in_code(Source("x.py", text.encode())) == []


def test_an_entry_that_stands_elsewhere_than_it_seems_is_left_to_a_person() -> None:
    text = "# coding: latin-1\nAPPS = ['ä', 'django_celery_beat']\n"
    content, [found] = rewrite_apps(Source("settings.py", text.encode("latin-1")))
    assert content == text.encode("latin-1")
    assert found.verdict == "by hand" and found.advice == "write 'horarium.contrib.django.beat'"


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        (
            "from django_celery_beat.models import CrontabSchedule, PeriodicTask\n",
            "from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask\n",
        ),
        (
            "from django_celery_beat import models, utils\n",
            "from horarium.contrib.django.beat import models, moments as utils\n",
        ),
        ("import django_celery_beat.models as m\n", "import horarium.contrib.django.beat.models as m\n"),
        (
            "from django_celery_beat.tzcrontab import TzAwareCrontab\n",
            "from horarium.contrib.django.beat.tzcrontab import TzAwareCrontab\n",
        ),
        (
            "from django_celery_results.models import TaskResult\n",
            "from horarium.contrib.django.results.models import TaskResult\n",
        ),
    ],
)
def test_imports_of_the_apps_become_imports_of_ours(before: str, wanted: str) -> None:
    assert rewrite("x.py", before.encode())[0].decode() == wanted
