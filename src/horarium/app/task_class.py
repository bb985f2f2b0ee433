"""The class of an app's tasks: ``app.Task``, and the class or path that ``task_cls`` names."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

from horarium.app.registry import Registry
from horarium.app.task import Task
from horarium.errors import ImproperlyConfigured


class OwnTaskClass:
    """What an app has of a class of tasks."""

    task_cls: type[Task]  # of tasks that are declared from now on
    _tasks: Registry[Any]  # of tasks

    @cached_property
    def Task(self) -> type[Task]:
        """The class of this app's tasks, to derive your own from: what derives from it belongs to this app."""
        base = self.task_cls
        return type(base.__name__, (base,), {"app": self, "__doc__": base.__doc__, "__module__": base.__module__})

    @property
    def declared_tasks(self) -> list[str]:
        """The names of the app's own tasks that are declared by now. Finalizes nothing."""
        return list(self._tasks.own)


def class_from(task_cls: type[Task] | str | None) -> type[Task]:
    """Return the class of tasks that was asked for. Raises: ImproperlyConfigured for a path that leads nowhere."""
    if not isinstance(task_cls, str):
        return task_cls or Task
    module, _, name = task_cls.replace(":", ".").rpartition(".")
    try:
        found: type[Task] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"expected task_cls to be a class or its path, got {task_cls!r} ({error}); write module:Class"
        ) from error
    return found
