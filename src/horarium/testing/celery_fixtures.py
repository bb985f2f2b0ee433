"""Celery's pytest fixtures, by its names. Loaded by ``pytest_plugins = ("horarium.testing.celery_fixtures",)``.

Where they differ from Celery's: the worker is made of threads whatever the pool, it serves every queue unless
``queues`` names some, tasks defined later need no ``reload()``, and the app of ``celery_app`` is the current one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.testing.worker import ThreadWorker


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "celery(**overrides): settings of celery_app for this test")


@pytest.fixture(scope="session")
def use_celery_app_trap() -> bool:
    """Override it: True lets any use of the current app raise."""
    return False


@pytest.fixture(scope="session")
def celery_enable_logging() -> bool:
    """Accepted; pytest keeps the log of a test in any case."""
    return False


@pytest.fixture(scope="session")
def celery_includes() -> Sequence[str]:
    """Modules that the worker imports; override it."""
    return ()


@pytest.fixture(scope="session")
def celery_worker_pool() -> Any:
    """The pool of the worker; all of them are made of threads."""
    return "solo"


@pytest.fixture(scope="session")
def celery_config() -> Mapping[str, Any]:
    """Settings of the test app; override it."""
    return {}


@pytest.fixture(scope="session")
def celery_parameters() -> Mapping[str, Any]:
    """Keyword arguments of the test app; override it."""
    return {}


@pytest.fixture(scope="session")
def celery_worker_parameters() -> Mapping[str, Any]:
    """Keyword arguments of ``start_worker``; override it."""
    return {}


@pytest.fixture(scope="session")
def celery_class_tasks() -> Sequence[Any]:
    """Class-based tasks that the session's worker registers; override it."""
    return []


@pytest.fixture
def celery_app(
    request: pytest.FixtureRequest,
    celery_config: Mapping[str, Any],
    celery_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
    use_celery_app_trap: bool,
) -> Iterator[Horarium]:
    """A new app for one test, with a store in memory unless the settings name another one."""
    with _app(request, celery_config, celery_parameters, use_celery_app_trap) as app:
        yield app


@pytest.fixture(scope="session")
def celery_session_app(
    request: pytest.FixtureRequest,
    celery_config: Mapping[str, Any],
    celery_parameters: Mapping[str, Any],
    celery_enable_logging: bool,
    use_celery_app_trap: bool,
) -> Iterator[Horarium]:
    """One app for the session."""
    with _app(request, celery_config, celery_parameters, use_celery_app_trap) as app:
        yield app


@pytest.fixture
def celery_worker(
    celery_app: Horarium,
    celery_includes: Sequence[str],
    celery_worker_pool: Any,
    celery_worker_parameters: Mapping[str, Any],
) -> Iterator[ThreadWorker | None]:
    """A worker of ``celery_app`` in threads of this process (none if the environment has NO_WORKER)."""
    with _worker(celery_app, celery_includes, celery_worker_pool, celery_worker_parameters) as worker:
        yield worker


@pytest.fixture(scope="session")
def celery_session_worker(
    celery_session_app: Horarium,
    celery_includes: Sequence[str],
    celery_class_tasks: Sequence[Any],
    celery_worker_pool: Any,
    celery_worker_parameters: Mapping[str, Any],
) -> Iterator[ThreadWorker | None]:
    """A worker of ``celery_session_app``, for the whole session."""
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    with _worker(celery_session_app, celery_includes, celery_worker_pool, celery_worker_parameters) as worker:
        yield worker


@pytest.fixture
def depends_on_current_app(celery_app: Horarium) -> None:
    """Make ``celery_app`` the current app, whatever the trap says."""
    celery_app.set_current()


@contextmanager
def _app(
    request: pytest.FixtureRequest, config: Mapping[str, Any], parameters: Mapping[str, Any], use_trap: bool
) -> Iterator[Horarium]:
    from horarium.testing import celery

    mark = request.node.get_closest_marker("celery")
    settings = {**config, **(mark.kwargs if mark is not None else {})}
    with celery.fixture_app(settings, parameters, use_trap=use_trap) as app:
        yield app


@contextmanager
def _worker(
    app: Horarium, includes: Sequence[str], pool: Any, parameters: Mapping[str, Any]
) -> Iterator[ThreadWorker | None]:
    from horarium.testing import celery

    if os.environ.get("NO_WORKER"):
        yield None
        return
    for module in includes:
        import_module(module)
    with celery.start_worker(app, pool=pool, **parameters) as worker:
        yield worker
