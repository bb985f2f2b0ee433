"""Which tasks an app knows, and the declarations of ``@shared_task`` that every app takes over.

``shared_task`` belongs to no app, so its declarations are the one thing that a process keeps for all of them. Apps
themselves share nothing: each makes a task object of its own from a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import ref

from horarium.errors import AlreadyRegistered, ImproperlyConfigured, NotRegistered

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.app.task import Task


class Registry(dict[str, "Task"]):
    """The tasks of one app by name. Asking for one that is not there raises NotRegistered with the nearest name."""

    def __missing__(self, name: str) -> Task:
        raise NotRegistered(name, nearest(name, self))

    def register(self, task: Task) -> Task:
        """Add a task. Raises: AlreadyRegistered when another function has its name."""
        known = self.get(task.name)
        if known is not None and not _same_function(known.function, task.function):
            raise AlreadyRegistered(
                f"expected one function for the task name {task.name!r}, got {_place(known.function)} and "
                f"{_place(task.function)}; give one of them another name="
            )
        self[task.name] = task
        return task


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was most likely meant, or None."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1, cutoff=0.7)), None)


def task_name(function: Callable[..., Any], app_name: str) -> str:
    """Return the name of a function's task: its module and name; ``__main__`` becomes the app's name."""
    module = getattr(function, "__module__", None) or app_name
    if module == "__main__":
        module = app_name
    return f"{module}.{function.__name__}"


def _same_function(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """A module that is imported twice, or reloaded, declares the same function again: the newer one counts."""
    return one is other or _place(one) == _place(other)


def _place(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    return f"{function.__qualname__} ({code.co_filename}:{code.co_firstlineno})"


class SharedTask:
    """What ``@shared_task`` returns: whatever is asked of it is asked of the current app's task of that name."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        self.function = function
        self.options = dict(options)
        self.__wrapped__ = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__

    def for_app(self, app: Horarium) -> Task:
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
_apps: list[ref[Horarium]] = []  # newest last
_current: ContextVar[Horarium | None] = ContextVar("horarium_app", default=None)


def declare_shared(function: Callable[..., Any], options: Mapping[str, Any]) -> SharedTask:
    """Keep a declaration; every app, made before or after, has the task."""
    declared = SharedTask(function, options)
    shared_tasks.append(declared)
    return declared


def announce(app: Horarium) -> None:
    """Note a new app as the newest of the process."""
    _apps.append(ref(app))


def set_current(app: Horarium) -> None:
    """Make ``app`` the current one of this thread or coroutine."""
    _current.set(app)


def find_current_app() -> Horarium | None:
    """Return the app set in this context, else the newest one of the process, else None."""
    chosen = _current.get()
    if chosen is not None:
        return chosen
    for candidate in reversed(_apps):
        app = candidate()
        if app is not None:
            return app
    return None


def current_app() -> Horarium:
    """Return the current app. Raises: ImproperlyConfigured when the process has none."""
    app = find_current_app()
    if app is None:
        raise ImproperlyConfigured(
            "expected an app in this process to send a shared task with, got none; import the module that makes your "
            "Horarium(...) first (in Django: from the project's __init__.py)"
        )
    return app
