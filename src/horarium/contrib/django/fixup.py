"""What a Django project makes of an app: Django is set up before tasks are imported, and tasks know of transactions.

Called with every app that is made while ``DJANGO_SETTINGS_MODULE`` is set. Imports Django when it is first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from horarium import signals
from horarium.app.task import Task

if TYPE_CHECKING:
    from horarium.app.app import Horarium


def fixup(app: Horarium) -> None:
    """Make an app one of this Django project."""
    if app._task_class is Task:
        from horarium.contrib.django.task import DjangoTask

        app._task_class = DjangoTask
    signals.import_modules.connect(_set_up, dispatch_uid="horarium.contrib.django", weak=False)


def _set_up(**_: Any) -> None:
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
