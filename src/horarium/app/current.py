"""Which app is meant where none is named: the one of this thread or coroutine, else the newest of the process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import ref

from horarium.errors import ImproperlyConfigured

# Any throughout: an app, whose class lives above; each caller asks of it what it needs.
_apps: list[ref[Any]] = []  # newest last
_chosen: list[Any] = []  # by ``chosen``, innermost last
_current: ContextVar[Any] = ContextVar("horarium_app", default=None)


def announce(app: Any) -> None:
    """Note a new app as the newest of the process."""
    _apps[:] = [known for known in _apps if known() is not None]
    _apps.append(ref(app))


def set_current(app: Any) -> None:
    """Make ``app`` the current one of this thread or coroutine."""
    _current.set(app)


@contextmanager
def chosen(app: Any) -> Iterator[None]:
    """Make ``app`` the current one, of this context and of all threads that have set none, for the length of a ``with``
    block: for tests. Afterwards all is as it was before."""
    before = _current.get()
    _chosen.append(app)
    _current.set(app)
    try:
        yield
    finally:
        _chosen.remove(app)
        _current.set(before)


def find_current_app() -> Any:
    """Return the app set in this context, else the newest one of the process, else None."""
    of_context = _current.get()
    if of_context is not None:
        return of_context
    if _chosen:
        return _chosen[-1]
    return next((app for known in reversed(_apps) if (app := known()) is not None), None)


def current_app() -> Any:
    """Return the current app. Raises: ImproperlyConfigured when the process has none."""
    app = find_current_app()
    if app is None:
        raise ImproperlyConfigured(
            "expected an app in this process, got none; import the module that makes your Horarium(...) first (in "
            "Django: from the project's __init__.py)"
        )
    return app


def app_called(main: str) -> Any:
    """Return the newest app of this name, else the current one. Raises: ImproperlyConfigured when there is none."""
    living = (app for known in reversed(_apps) if (app := known()) is not None)
    return next((app for app in living if app.main == main), None) or current_app()
