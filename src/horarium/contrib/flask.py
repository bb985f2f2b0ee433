"""At home in Flask: tasks run inside the application's context. Extra ``flask``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from flask import Flask

from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.errors import ImproperlyConfigured

KEY = "horarium"  # of ``flask.extensions``


def flask_task_class(flask: Flask, base: type[Task] = Task) -> type[Task]:
    """Return a class of tasks that run inside this application's context, for ``Horarium(task_cls=...)``.

    Each run has a context of its own, ``async def`` tasks included, and its teardown functions are called. A task that
    is called directly, or runs eagerly inside a request, runs in a context of its own too.
    """

    class FlaskTask(base):  # type: ignore[misc, valid-type]  # mypy takes no class from a variable
        """Runs inside the application's context."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            # Task's own call would put an empty request in the place of the run's.
            call = self.run if base.__call__ is Task.__call__ else super().__call__
            if self.is_async:
                return _in_context(flask, call, args, kwargs)
            with flask.app_context():
                return call(*args, **kwargs)

    return FlaskTask


def init_app(flask: Flask, app: Horarium | None = None, **settings: Any) -> Horarium:
    """Give a Flask application its Horarium, found again in ``flask.extensions["horarium"]``; return it.

    Without ``app`` one is made, named as the Flask application, and the current one of the process. Settings come from
    ``flask.config["HORARIUM"]``, a dict, and from keywords, which win. Tasks, shared ones too, then run inside the
    application's context. Raises: ImproperlyConfigured when ``app`` has tasks already that would not; UnknownSetting,
    InvalidSetting.
    """
    chosen = {**flask.config.get("HORARIUM", {}), **settings}
    if app is None:
        app = Horarium(flask.import_name, task_cls=flask_task_class(flask), **chosen)
    else:
        _require_no_tasks(app)
        app.task_cls = flask_task_class(flask, app.task_cls)
        app.conf.update(chosen)
    flask.extensions[KEY] = app
    return app


async def _in_context(
    flask: Flask, call: Callable[..., Coroutine[Any, Any, Any]], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    with flask.app_context():
        return await call(*args, **kwargs)


def _require_no_tasks(app: Horarium) -> None:
    early = app.declared_tasks
    if early:
        raise ImproperlyConfigured(
            f"expected an app without tasks yet, got one with {early[0]}, which would run outside of Flask's context; "
            "call init_app before the modules of tasks are imported, or declare tasks with @shared_task"
        )
