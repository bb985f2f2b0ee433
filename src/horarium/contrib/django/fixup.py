"""What a Django project makes of an app: Django is set up before tasks are imported, its checks stop a bad start, and
its connections cross no fork and outlive no trouble.

Called with every app that is made while ``DJANGO_SETTINGS_MODULE`` is set. Imports Django when it is first needed: the
settings may be importing the app at this very moment.
"""

from __future__ import annotations

import warnings
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from horarium import signals
from horarium.app.task import Task
from horarium.cautions import FixupWarning
from horarium.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from horarium.app.app import Horarium

UID = "horarium.contrib.django"


def fixup(app: Horarium) -> None:
    """Make an app one of this Django project. Where Django is not installed, warn and leave the app as it is."""
    if find_spec("django") is None:
        warnings.warn(
            "DJANGO_SETTINGS_MODULE is set, but Django is not installed: the app does without it. Install it (pip "
            "install 'horarium[django]'), or unset the variable",
            FixupWarning,
            stacklevel=4,
        )
        return
    if app.task_cls is Task:
        from horarium.contrib.django.task import DjangoTask

        app.task_cls = DjangoTask
    app.before_imports(set_up)
    app.before_start(check_project)
    if hasattr(app.on_configure, "connect"):  # a subclass may have a method of its own there
        app.on_configure.connect(partial(_follow_settings, app))
    _connect(signals.worker_init, _before_fork)
    _connect(signals.worker_process_init, _after_fork)
    _connect(signals.worker_ready, _start_relay)
    _connect(signals.beat_init, _start_relay)
    _connect(signals.worker_shutting_down, _stop_relays)


def set_up() -> None:
    """Set Django up, unless it is. Raises: what the project's settings and apps raise."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def check_project() -> None:
    """Run Django's system checks. Raises: ImproperlyConfigured with those that found an error."""
    from django.core import checks

    set_up()
    serious = [found for found in checks.run_checks() if found.is_serious() and not found.is_silenced()]
    if serious:
        listed = "\n".join(str(found) for found in serious)
        raise ImproperlyConfigured(
            f"expected Django's system checks to pass, {len(serious)} did not; mend what they say, or start with "
            f"--skip-checks (CELERY_SKIP_CHECKS=1):\n{listed}"
        )


def _connect(signal: signals.Signal, receiver: Callable[..., None]) -> None:
    signal.connect(receiver, dispatch_uid=UID, weak=False)


def _follow_settings(app: Horarium, **_: Any) -> None:
    """Let ``override_settings`` of a test reach the app that reads Django's settings."""
    if not _reads_django(app):
        return
    from horarium.contrib.django.overriding import follow

    follow(app)


def _reads_django(app: Horarium) -> bool:
    source = app.configuration.source
    return source == "django.conf:settings" or type(source).__module__ == "django.conf"


def _before_fork(**_: Any) -> None:
    from horarium.contrib.django import hygiene

    hygiene.let_go()


def _after_fork(**_: Any) -> None:
    from horarium.contrib.django import hygiene

    hygiene.forget_inherited()
    hygiene.keep_connections_clean()


def _start_relay(sender: Any, **_: Any) -> None:
    from horarium.contrib.django import relay

    relay.start(sender.app)


def _stop_relays(**_: Any) -> None:
    from horarium.contrib.django import relay

    relay.stop_all()
