"""Which app and which task: what others take from ``celery._state`` and ``celery.app``."""

from __future__ import annotations

from typing import Any

from horarium.app import current
from horarium.app.app import Horarium
from horarium.app.app import current_app as the_current_app
from horarium.app.registry import Registry as TaskRegistry
from horarium.app.stand_in import StandIn, current_app, current_task, running_task

__all__ = [
    "TaskRegistry",
    "app_or_default",
    "current_app",
    "current_task",
    "default_app",
    "get_current_app",
    "get_current_task",
    "get_current_worker_task",
    "set_default_app",
    "tasks",
]

tasks = StandIn(lambda: the_current_app().tasks)
default_app = current_app  # there is no other: an app that nobody made is nobody's


def get_current_app() -> Horarium:
    """Return the app of this thread, else the newest one. Raises: ImproperlyConfigured when there is none."""
    return the_current_app()


def app_or_default(app: Horarium | None = None) -> Horarium:
    """Return the app that is given, else the current one. Raises: ImproperlyConfigured when there is none."""
    return app if app is not None else get_current_app()


def set_default_app(app: Horarium) -> None:
    """Make ``app`` the one that is meant where none is named."""
    current.announce(app)


def get_current_task() -> Any:  # a task of whatever class
    """Return the task that runs here, or None."""
    return running_task()


get_current_worker_task = get_current_task
