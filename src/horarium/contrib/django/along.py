"""An app of ours brings ``horarium.contrib.django`` along, where a project does not list it.

So that ``INSTALLED_APPS = ["django_celery_beat"]`` needs no change in drop-in mode: our own tables and commands are
there all the same.
"""

from __future__ import annotations

from importlib import import_module

from django.apps import apps
from django.conf import settings

NAME = "horarium.contrib.django"
LABEL = "horarium"
_LISTED = frozenset({NAME, f"{NAME}.apps.HorariumConfig"})


def with_horarium() -> None:
    """Put our app into Django's registry, unless the project lists it. Called while the registry is being filled."""
    if apps.ready or LABEL in apps.app_configs or _LISTED.intersection(settings.INSTALLED_APPS):
        return
    from horarium.contrib.django.apps import HorariumConfig

    config = HorariumConfig(NAME, import_module(NAME))
    apps.app_configs[LABEL] = config
    config.apps = apps
