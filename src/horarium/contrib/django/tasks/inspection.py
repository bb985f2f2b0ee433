"""What Django's system checks say of a backend, and the app that its settings name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error, Warning
from django.tasks.exceptions import InvalidTaskBackend

from horarium.app.app import Horarium
from horarium.app.registry import nearest
from horarium.errors import HorariumError, ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.contrib.django.tasks.backend import HorariumBackend

OPTIONS = ("app", "tasks", "on_commit")


def app_at(path: Any) -> Horarium:
    """Return the app at a path such as ``site.celery:app``. Raises: ImproperlyConfigured for a path that leads to
    none."""
    module, _, name = str(path).partition(":")
    try:
        app = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"expected OPTIONS['app'] to be the path of an app, got {path!r} ({error}); write 'site.celery:app'"
        ) from error
    if not isinstance(app, Horarium):
        raise ImproperlyConfigured(
            f"expected OPTIONS['app'] to lead to an app, got {path!r}, which is {app!r:.80}; write 'site.celery:app'"
        )
    return app


def task_options(backend: HorariumBackend) -> Mapping[str, Mapping[str, Any]]:
    """Return the options of tasks by their module path, and those of all by ``*``. Raises: InvalidTaskBackend."""
    tasks = backend.options.get("tasks", {})
    if not isinstance(tasks, Mapping) or not all(isinstance(options, Mapping) for options in tasks.values()):
        raise InvalidTaskBackend(
            f"expected OPTIONS['tasks'] of the backend {backend.alias!r} to have a dict of options for each task, got "
            f"{tasks!r:.80}; write {{'*': {{'max_retries': 5}}, 'shop.tasks.pay': {{...}}}}"
        )
    return tasks


def look_at(backend: HorariumBackend) -> Iterator[CheckMessage]:
    """Say what is wrong, or probably not meant, in a backend's settings."""
    where = f"TASKS[{backend.alias!r}]"
    for option in sorted(set(backend.options) - set(OPTIONS)):
        meant = nearest(option, OPTIONS)
        hint = f"Did you mean {meant!r}?" if meant else f"Known are {', '.join(OPTIONS)}."
        yield Error(f"{where}: there is no option {option!r} in OPTIONS.", hint=hint, id="horarium.E101")
    try:
        task_options(backend)
    except InvalidTaskBackend as error:
        yield Error(f"{where}: {error}", id="horarium.E102")
    try:
        app = backend.app
        known = (*(app.conf.task_queues or ()), app.conf.task_default_queue)
        keeps_results = app.connection.keeps_results
    except (InvalidTaskBackend, HorariumError) as error:
        yield Error(f"{where}: {error}", id="horarium.E103")
        return
    for queue in sorted(backend.queues - set(known)):
        yield Warning(
            f"{where}: no worker reads the queue {queue!r} unless it is told to.",
            hint=f"Name it in the app's task_queues, or start workers with -Q {queue}.",
            id="horarium.W101",
        )
    if not keeps_results:
        yield Warning(
            f"{where}: the app keeps no results, so get_result() finds none.",
            hint="Leave result_backend out to keep them in the store.",
            id="horarium.W102",
        )
