"""``@shared_task``: declarations that every app takes over, and which app is meant when one of them is called.

They belong to no app, so they are the one thing that a process keeps for all of them. Apps themselves share nothing:
each makes a task object of its own from a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol
from weakref import ref

from horarium.app.registry import task_name
from horarium.app.task import Task
from horarium.errors import ImproperlyConfigured


class Adopter(Protocol):
    """An app, as far as shared tasks know it."""

    main: str

    def known_task(self, name: str) -> Task | None: ...

    def add_task(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task: ...


class SharedTask:
    """What ``@shared_task`` returns: whatever is asked of it is asked of the current app's task of that name."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.options = dict(options)
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__

    def for_app(self, app: Adopter) -> Task:
        """Return the task of this declaration in ``app``, making it when it is first asked for."""
        name = self.options.get("name") or task_name(self.function, app.main)
        known = app.known_task(name)
        return known if known is not None else app.add_task(self.function, self.options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        app = find_current_app()
        if app is None and not self.options.get("bind"):
            return self.function(*args, **kwargs)  # a plain call of a plain function needs no app
        return self.for_app(current_app())(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:  # it stands for a Task, whose attributes are of any type
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.for_app(current_app()), name)

    def __repr__(self) -> str:
        return f"<@shared_task: {self.__module__}.{self.__name__}>"


shared_tasks: list[SharedTask] = []
_apps: list[ref[Adopter]] = []  # newest last
_current: ContextVar[Adopter | None] = ContextVar("horarium_app", default=None)


def declare_shared(function: Callable[..., Any], options: Mapping[str, Any]) -> SharedTask:
    """Keep a declaration; every app, made before or after, has the task."""
    declared = SharedTask(function, options)
    shared_tasks.append(declared)
    return declared


def announce(app: Adopter) -> None:
    """Note a new app as the newest of the process."""
    _apps.append(ref(app))


def set_current(app: Adopter) -> None:
    """Make ``app`` the current one of this thread or coroutine."""
    _current.set(app)


def find_current_app() -> Adopter | None:
    """Return the app set in this context, else the newest one of the process, else None."""
    chosen = _current.get()
    if chosen is not None:
        return chosen
    for candidate in reversed(_apps):
        app = candidate()
        if app is not None:
            return app
    return None


def current_app() -> Adopter:
    """Return the current app. Raises: ImproperlyConfigured when the process has none."""
    app = find_current_app()
    if app is None:
        raise ImproperlyConfigured(
            "expected an app in this process to send a shared task with, got none; import the module that makes your "
            "Horarium(...) first (in Django: from the project's __init__.py)"
        )
    return app
