"""Imports of Celery's names become ours; nothing else in a file changes, and what has no home is left and told."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from horarium.errors import ImproperlyConfigured
from horarium.moving.folder import Unreadable
from horarium.moving.imports import need_libcst, rewrite


def after(text: str) -> str:
    return rewrite("tasks.py", dedent(text).encode())[0].decode()


def left(text: str) -> list[str]:
    """Return what is left to a person."""
    return [one.what for one in rewrite("tasks.py", dedent(text).encode())[1] if one.verdict == "by hand"]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("from celery import Celery, shared_task", "from horarium import Celery, shared_task"),
        ("from celery import chain as c, group", "from horarium import chain as c, group"),
        ("from celery.schedules import crontab", "from horarium.schedules import crontab"),
        ("from celery.result import AsyncResult", "from horarium.result import AsyncResult"),
        ("from celery.exceptions import *", "from horarium.exceptions import *"),
        ("from celery.signals import task_failure", "from horarium.signals import task_failure"),
        ("from celery.utils.log import get_task_logger", "from horarium.log import get_task_logger"),
        ("from celery.app.task import Task", "from horarium import Task"),
        ("from celery.contrib.abortable import AbortableTask", "from horarium.abortable import AbortableTask"),
        ("from celery.contrib import pytest", "from horarium.testing import celery_fixtures as pytest"),
        ("from celery.contrib.testing.worker import start_worker", "from horarium.testing.celery import start_worker"),
        ("from celery import states, signals", "from horarium import states, signals"),
        ("from celery.utils import log", "from horarium import log"),
        (
            "from billiard.exceptions import SoftTimeLimitExceeded",
            "from horarium.exceptions import SoftTimeLimitExceeded",
        ),
        ("import celery", "import horarium"),
        ("import celery as c", "import horarium as c"),
        ("import celery.states", "import horarium.states"),
        ("import os, celery.states, sys", "import os, horarium.states, sys"),
    ],
)
def test_an_import_of_celery_becomes_ours(before: str, expected: str) -> None:
    assert after(before + "\n") == expected + "\n"


def test_what_is_reached_through_the_package_is_reached_through_ours() -> None:
    assert after("import celery\n\nx = celery.utils.log.get_logger(celery.states.SUCCESS)\n") == (
        "import horarium, horarium.log, horarium.states\n\nx = horarium.log.get_logger(horarium.states.SUCCESS)\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "from .celery import app\n",
        "from . import celery\ncelery.app\n",
        "celery = make()\ncelery.schedules\n",
        "from proj.celery import app\nimport proj.celery\n",
        "import celeryutils\nfrom django_celery import x\n",
        "x = 'import celery'\n",
    ],
)
def test_what_only_looks_like_celery_is_left_alone(text: str) -> None:
    assert rewrite("x.py", text.encode()) == (text.encode(), [])


def test_an_import_of_names_with_and_without_a_home_is_divided() -> None:
    before = """\
        from celery import (
            shared_task,  # for tasks
            bootsteps,  # no home
            chain,
        )
        from celery.schedules import crontab, crontab_parser  # both
    """
    assert after(before) == dedent(
        """\
        from horarium import (
            shared_task,  # for tasks
            chain,
        )
        from celery import (
            bootsteps,  # no home
            )
        from horarium.schedules import crontab
        from celery.schedules import crontab_parser  # both
        """
    )
    assert left(before) == ["celery.bootsteps", "celery.schedules.crontab_parser"]


def test_a_package_of_which_something_has_no_home_is_left_alone() -> None:
    text = "import celery\n\ncelery.shared_task\ncelery.bootsteps.Step\n"
    assert after(text) == text
    assert left(text) == ["celery.bootsteps.Step"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("from kombu import Queue\n", "name queues by text"),
        ("from celery.beat import Scheduler\n", "app.schedules"),
        ("from celery.loaders.base import BaseLoader\n", "loader"),
        ("from celery.backends.base import BaseBackend\n", "AsyncResult"),
        ("from celery.concurrency.prefork import TaskPool\n", "pools"),
        ("from celery_singleton import Singleton\n", "unique_for"),
        ("from django_celery_beat.button import Button\n", "horarium.contrib.django.beat"),
        ("import celery.bootsteps\n", "signals"),
        ("from celery.task import task\n", "shared_task"),
    ],
)
def test_what_has_no_home_is_told_with_what_to_do(text: str, word: str) -> None:
    content, [found] = rewrite("x.py", text.encode())
    assert content == text.encode()
    assert found.verdict == "by hand" and word in found.advice


@pytest.mark.parametrize(
    "content",
    [
        b"# -*- coding: latin-1 -*-\nfrom celery import shared_task  # \xe9\n",
        b"\xef\xbb\xbffrom celery import shared_task\n",
        b"from celery import shared_task\r\n\r\nx = 1\r\n",
        b"from celery import shared_task",
        b"from celery import shared_task\r\nx = 1\ny = 2\r\n",
        b"from celery import shared_task\n\x0c\nif x :\n\ty = ( 1,)   \n",
    ],
)
def test_encoding_line_ends_and_white_space_stay_as_they_are(content: bytes) -> None:
    assert rewrite("x.py", content)[0] == content.replace(b"celery", b"horarium")


def test_rewriting_twice_is_rewriting_once() -> None:
    once, _ = rewrite("x.py", b"import celery\nfrom celery import Celery, bootsteps\ncelery.states.SUCCESS\n")
    assert rewrite("x.py", once)[0] == once


def test_what_cannot_be_written_back_as_it_was_is_told_and_left() -> None:
    with pytest.raises(Unreadable, match="by hand"):
        rewrite("x.py", b"import celery\rimport os\r")


def test_without_libcst_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "libcst", None)
    with pytest.raises(ImproperlyConfigured, match=r"horarium\[migrate\]"):
        need_libcst()
