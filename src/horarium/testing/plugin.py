"""The pytest plugin. pytest loads it in every run, so nothing of Horarium is imported before a fixture is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.app.result import AsyncResult
    from horarium.testing.clock import VirtualClock
    from horarium.testing.sent import Sent
    from horarium.testing.worker import ThreadWorker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("horarium_app", "the app that horarium_app puts on a store in memory, such as shop.tasks:app")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "horarium(**settings): settings of horarium_app for this test")


@pytest.fixture(scope="session")
def horarium_config() -> Mapping[str, Any]:
    """Settings of the test app; override it."""
    return {}


@pytest.fixture(scope="session")
def horarium_parameters() -> Mapping[str, Any]:
    """Keyword arguments of ``Horarium(...)`` for the test app; override it."""
    return {}


@pytest.fixture(scope="session")
def horarium_includes() -> Sequence[str]:
    """Modules to import for their tasks; override it."""
    return ()


@pytest.fixture(scope="session")
def horarium_worker_parameters() -> Mapping[str, Any]:
    """Keyword arguments of the worker in a thread (``concurrency``, ``queues``, ``time_limit`` ...); override it."""
    return {}


@pytest.fixture(scope="session")
def horarium_project_app(pytestconfig: pytest.Config) -> Horarium | None:
    """The project's own app, which the tests are to use on a store in memory; None: a new app is made.

    Named by the ini option ``horarium_app``; or override it.
    """
    from horarium.testing import sandbox

    path: str = pytestconfig.getini("horarium_app")
    return sandbox.locate(path) if path else None


@pytest.fixture
def horarium_app(
    request: pytest.FixtureRequest,
    horarium_config: Mapping[str, Any],
    horarium_parameters: Mapping[str, Any],
    horarium_includes: Sequence[str],
    horarium_project_app: Horarium | None,
) -> Iterator[Horarium]:
    """An app on a store in memory of the test's own; the current app, so shared tasks belong to it."""
    from horarium.testing import sandbox

    settings = {**horarium_config, **_marked(request, "horarium")}
    with sandbox.sandbox(settings, horarium_parameters, horarium_includes, project=horarium_project_app) as app:
        yield app


@pytest.fixture(scope="session")
def horarium_session_app(
    horarium_config: Mapping[str, Any], horarium_parameters: Mapping[str, Any], horarium_includes: Sequence[str]
) -> Iterator[Horarium]:
    """A new app for all tests of the session that ask for it, with one store in memory."""
    from horarium.testing import sandbox

    with sandbox.sandbox(horarium_config, horarium_parameters, horarium_includes) as app:
        yield app


@pytest.fixture
def horarium_clock(horarium_app: Horarium) -> VirtualClock:
    """The clock of ``horarium_app``; it stands still until it is moved: ``advance(seconds)``, ``move_to(moment)``."""
    from horarium.testing import sandbox

    clock = sandbox.bench(horarium_app).clock
    clock.freeze()
    return clock


@pytest.fixture
def horarium_worker(horarium_app: Horarium, horarium_worker_parameters: Mapping[str, Any]) -> Iterator[ThreadWorker]:
    """A worker of ``horarium_app`` in threads of this process."""
    from horarium.testing.worker import start_worker

    with start_worker(horarium_app, **horarium_worker_parameters) as worker:
        yield worker


@pytest.fixture(scope="session")
def horarium_session_worker(
    horarium_session_app: Horarium, horarium_worker_parameters: Mapping[str, Any]
) -> Iterator[ThreadWorker]:
    """A worker of ``horarium_session_app``, for the whole session."""
    from horarium.testing.worker import start_worker

    with start_worker(horarium_session_app, **horarium_worker_parameters) as worker:
        yield worker


@pytest.fixture
def enqueued(horarium_app: Horarium) -> Callable[..., list[Sent]]:
    """``enqueued(task=None)``: what was enqueued, in order."""
    from horarium.testing import sent

    return partial(sent.enqueued, horarium_app)


@pytest.fixture
def assert_enqueued(horarium_app: Horarium) -> Callable[..., list[Sent]]:
    """``assert_enqueued(task, args=..., kwargs=..., queue=..., eta=..., count=...)``."""
    from horarium.testing import sent

    return partial(sent.assert_enqueued, app=horarium_app)


@pytest.fixture
def assert_not_enqueued(horarium_app: Horarium) -> Callable[..., None]:
    """``assert_not_enqueued(task, ...)``."""
    from horarium.testing import sent

    return partial(sent.assert_not_enqueued, app=horarium_app)


@pytest.fixture
def run_until_idle(horarium_app: Horarium) -> Callable[..., list[AsyncResult]]:
    """``run_until_idle(max_runs=1000, advance=False, schedules=False)``: run whatever is due, in place."""
    from horarium.testing import idle

    return partial(idle.run_until_idle, horarium_app)


@pytest.fixture
def horarium_on_commit(horarium_app: Horarium) -> Callable[..., Any]:
    """``with horarium_on_commit():`` in Django: what the block sends on commit is sent at its end, and run."""
    from importlib import import_module

    return partial(import_module("horarium.contrib.django.testing").on_commit, horarium_app)


@pytest.fixture
def horarium_django_worker(
    horarium_app: Horarium, horarium_worker_parameters: Mapping[str, Any]
) -> Iterator[ThreadWorker]:
    """``horarium_worker`` for Django: its tasks see the database of the test."""
    from importlib import import_module

    worker = import_module("horarium.contrib.django.testing").worker
    with worker(horarium_app, **horarium_worker_parameters) as running:
        yield running


@pytest.fixture
def run_due_schedules(horarium_app: Horarium) -> Callable[[], int]:
    """``run_due_schedules()``: fire what is due; how many runs that enqueued."""
    from horarium.testing import idle

    return partial(idle.run_due_schedules, horarium_app)


def _marked(request: pytest.FixtureRequest, name: str) -> Mapping[str, Any]:
    mark = request.node.get_closest_marker(name)
    return mark.kwargs if mark is not None else {}
