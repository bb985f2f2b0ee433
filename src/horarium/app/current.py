"""Which app is meant where none is named: the one of this thread or coroutine, else the newest of the process."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from weakref import ref

from horarium.errors import ImproperlyConfigured

# Any throughout: an app, whose class lives above; each caller asks of it what it needs.
_apps: list[ref[Any]] = []  # newest last
_current: ContextVar[Any] = ContextVar("horarium_app", default=None)


def announce(app: Any) -> None:
    """Note a new app as the newest of the process."""
    _apps[:] = [known for known in _apps if known() is not None]
    _apps.append(ref(app))


def set_current(app: Any) -> None:
    """Make ``app`` the current one of this thread or coroutine."""
    _current.set(app)


def find_current_app() -> Any:
    """Return the app set in this context, else the newest one of the process, else None."""
    chosen = _current.get()
    if chosen is not None:
        return chosen
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
