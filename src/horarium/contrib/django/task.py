"""Tasks that know of Django's transactions."""

from __future__ import annotations

from horarium.app.task import Task


class DjangoTask(Task):
    """The class of tasks in a Django project, unless the app names another one."""
