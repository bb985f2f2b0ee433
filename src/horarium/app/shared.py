"""``@shared_task``: declarations that every app takes over.

They belong to no app, so they are the one thing that a process keeps for all of them. Apps themselves share nothing:
each makes a task object of its own from a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from horarium.app.current import current_app, find_current_app
from horarium.app.registry import task_name
from horarium.app.task import Task


class Adopter(Protocol):
    """An app, as far as shared tasks know it."""

    main: str

    def known_task(self, name: str) -> Task | None: ...

    def add_task(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task: ...


class SharedTask:
    """What ``@shared_task`` returns: whatever is asked of it, set or deleted is so of the current app's task of that
    name. So ``mock.patch.object(task, "retry")`` reaches the task that runs."""

    def __init__(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        own = super().__setattr__
        own("function", function)
        own("options", dict(options))
        own("__wrapped__", function)
        own("__doc__", function.__doc__)
        own("__name__", function.__name__)
        own("__module__", function.__module__)

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

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.for_app(current_app()), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.for_app(current_app()), name)

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # what looks whether an attribute is its own asks here
        app = find_current_app()
        return vars(self.for_app(app)) if app is not None else {}

    def __reduce__(self) -> str:
        return str(self.function.__qualname__)  # as a function: by where it is

    def __repr__(self) -> str:
        return f"<@shared_task: {self.__module__}.{self.__name__}>"


shared_tasks: list[SharedTask] = []


def declare_shared(function: Callable[..., Any], options: Mapping[str, Any]) -> SharedTask:
    """Keep a declaration; every app, made before or after, has the task."""
    declared = SharedTask(function, options)
    shared_tasks.append(declared)
    return declared
