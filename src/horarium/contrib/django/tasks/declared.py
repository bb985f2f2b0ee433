"""The functions that ``@task`` of Django has declared for us: each one is a task of every app of the process.

A declaration is taken over as ``@shared_task`` is, so that workers, schedules and commands know the task by its module
path. What runs it is made from the app's own class of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

from django.tasks.base import Task as DeclaredTask

from horarium.app import shared
from horarium.app.shared import Adopter, SharedTask
from horarium.app.task import Task
from horarium.contrib.django.tasks.running import RunsDeclared

_declared: dict[str, tuple[DeclaredTask, Declaration]] = {}  # by module path; guarded by _lock
_lock = Lock()


class Declaration(SharedTask):
    """A declaration that every app takes over as a task of its own class, which runs as Django has it."""

    def for_app(self, app: Adopter) -> Task:
        """Return the task of this declaration in ``app``, making it when it is first asked for."""
        known = app.known_task(self.options["name"])
        if known is not None and known.function is self.function:
            return known
        return app.add_task(self.function, {**self.options, "base": _runner(getattr(app, "task_cls", Task))})


def declare(task: DeclaredTask, options: Mapping[str, Any]) -> Declaration:
    """Let every app have the task, with these options of a declaration; return what stands for it.

    Declared again, as by ``using``, it stays what it was; a module that is imported anew takes its place.
    """
    path = task.module_path
    with _lock:
        known = _declared.get(path)
        if known is not None and known[0].func is task.func:
            return known[1]
        made = Declaration(task.func, {**options, "name": path, "declared": task})
        _declared[path] = task, made
        if known is not None:
            shared.shared_tasks.remove(known[1])
        shared.shared_tasks.append(made)
        return made


def find(path: str, *, looking: bool) -> DeclaredTask | None:
    """Return the declared task of a module path, None if there is none. ``looking``: import its module if need be.

    Raises: what the module raises.
    """
    if path not in _declared and looking:
        module = path.rpartition(".")[0]
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise  # the module is there, and misses another one
            return None  # it was moved or removed since
    known = _declared.get(path)
    return known[0] if known is not None else None


@cache
def _runner(task_class: type[Task]) -> type[Task]:
    return type("DeclaredTask", (RunsDeclared, task_class), {"__module__": __name__, "__doc__": RunsDeclared.__doc__})
