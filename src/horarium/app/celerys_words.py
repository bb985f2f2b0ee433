"""What Celery's users ask of an app besides its work, and why some of it is not there."""

from __future__ import annotations

import logging
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from horarium.app import current, registry
from horarium.app.stand_in import running_task

if TYPE_CHECKING:
    from horarium.settings import Settings

# Of Celery's attributes of an app those that have no place here: what to do instead.
ELSEWHERE = {
    "amqp": "there is no broker: name queues by text, and send with task.apply_async or app.send_task",
    "backend": "results are read with app.AsyncResult, and kept where the setting result_backend says",
    "broker_connection": "the store is app.engine",
    "connection_for_read": "the store is app.engine",
    "connection_for_write": "the store is app.engine",
    "connection_or_acquire": "the store is app.engine",
    "events": "what happened is in the runs: app.engine.results, or `horarium runs list --json`",
    "pool": "the app keeps its connections itself",
    "producer_or_acquire": "send with task.apply_async or app.send_task, which need no producer",
    "producer_pool": "send with task.apply_async or app.send_task, which need no producer",
    "setup_security": "messages are JSON and are not signed: protect the way to the store (TLS, passwords)",
    "start": "run `horarium` (or `horarium celery`) as a program",
    "steps": "workers have no bootsteps: use signals such as worker_init and worker_ready",
    "user_options": "write a click command of your own beside `horarium`",
    "worker_main": "run `horarium worker` as a program, or horarium.testing's worker in a test",
    "Beat": "run `horarium beat` as a program",
    "WorkController": "run `horarium worker` as a program",
    "Worker": "run `horarium worker` as a program, or horarium.testing's worker in a test",
}


class Loader:
    """``app.loader``: imports the modules of an app."""

    def __init__(self, app: CelerysWords) -> None:
        self.app = app

    def import_default_modules(self) -> None:
        """Import the modules of ``include`` and ``imports``, and finalize the app. Raises what they raise."""
        self.app.import_includes()

    def import_task_module(self, module: str) -> ModuleType:
        """Import one module. Raises what it raises."""
        return import_module(module)


class Log:
    """``app.log``: the loggers of Horarium."""

    def get_default_logger(self, name: str = "horarium") -> logging.Logger:
        """Return the logger of this name."""
        return logging.getLogger(name)


class CelerysWords:
    """The part of an app that is there for Celery's callers. ``Horarium`` has it."""

    main: str
    conf: Settings

    def import_includes(self) -> None:
        """Import the modules of ``include`` and ``imports``; see Horarium."""
        raise NotImplementedError

    @property
    def loader(self) -> Loader:
        """Imports the app's modules."""
        return Loader(self)

    @property
    def log(self) -> Log:
        """Gives Horarium's loggers."""
        return Log()

    @property
    def timezone(self) -> ZoneInfo:
        """The time zone of the setting ``timezone``."""
        return ZoneInfo(self.conf.timezone)

    @property
    def current_task(self) -> Any:  # a task of whatever class
        """The task that runs in this thread or coroutine, or None."""
        return running_task()

    @property
    def current_worker_task(self) -> Any:
        """The same."""
        return running_task()

    def set_default(self) -> None:
        """Make this the app that is meant where none is named."""
        current.announce(self)

    def gen_task_name(self, name: str, module: str) -> str:
        """Return the name of a task that declares none."""
        return registry.named(name, module, self.main)

    def __getattr__(self, name: str) -> Any:
        if name in ELSEWHERE:
            raise AttributeError(
                f"expected an attribute of the app, got {name!r}, which is Celery's; {ELSEWHERE[name]}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
