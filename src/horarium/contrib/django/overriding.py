"""Lets ``override_settings`` reach an app: what a test overrides in Django's settings is read again."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from django.core.signals import setting_changed

if TYPE_CHECKING:
    from horarium.app.app import Horarium

_STORES = ("BROKER_URL", "STORE", "RESULT_BACKEND", "BROKER_WRITE_URL", "BROKER_READ_URL")
_followers: weakref.WeakSet[Horarium] = weakref.WeakSet()


def follow(app: Horarium) -> None:
    """Let an app that reads Django's settings read them again whenever one of its own is overridden. Idempotent."""
    _followers.add(app)
    setting_changed.connect(_changed, dispatch_uid="horarium.contrib.django")


def _changed(setting: str, **_: Any) -> None:
    for app in list(_followers):
        prefix = f"{app.configuration.namespace}_" if app.configuration.namespace else ""
        if not (setting.startswith(prefix) or setting == "TIME_ZONE"):
            continue
        app.configuration.reload()
        if setting.removeprefix(prefix) in _STORES:
            app.close()  # the next call opens the one that is named now
