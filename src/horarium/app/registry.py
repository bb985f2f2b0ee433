"""Which tasks an app knows, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from horarium.app.definition import Definition
from horarium.errors import AlreadyRegistered, NotRegistered

STANDARD = "celery."  # the names of the standard tasks begin so

D = TypeVar("D", bound=Definition)


class Registry(dict[str, D]):
    """The tasks of one app by name. Asking for one that is not there raises NotRegistered with the nearest name."""

    def __missing__(self, name: str) -> D:
        raise NotRegistered(name, nearest(name, self))

    @property
    def own(self) -> dict[str, D]:
        """The app's own ones, by name and in order: without the standard tasks, which every app has."""
        return {name: task for name, task in sorted(self.items()) if not name.startswith(STANDARD)}

    def register(self, task: D) -> D:
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
    return named(function.__name__, getattr(function, "__module__", None), app_name)


def named(name: str, module: str | None, app_name: str) -> str:
    """The same for a function's name and its module."""
    return f"{app_name if module in (None, '', '__main__') else module}.{name}"


def _same_function(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    """A module that is imported twice, or reloaded, declares the same function again: the newer one counts."""
    return one is other or _place(one) == _place(other)


def _place(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    return f"{function.__qualname__} ({code.co_filename}:{code.co_firstlineno})"
