"""The backend: what is enqueued becomes a message of a Horarium app, and its run is read back as Django's result.

Relies on the app for everything that happens in between. Imports nothing that Django 6.0 has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, transaction
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import Task as DeclaredTask
from django.tasks.base import TaskResult, TaskResultStatus
from django.tasks.exceptions import InvalidTaskBackend, TaskResultDoesNotExist
from django.tasks.signals import task_enqueued

from horarium import codec
from horarium.app.current import current_app
from horarium.app.task import Task
from horarium.clock import Instant, to_datetime
from horarium.contrib.django.columns import column_value, instant_of
from horarium.contrib.django.on_commit import send_on_commit
from horarium.contrib.django.tasks import inspection, outside
from horarium.contrib.django.tasks.declared import declare, find
from horarium.contrib.django.tasks.marks import HEADER, Mark, mark_of
from horarium.contrib.django.tasks.priorities import ours
from horarium.contrib.django.tasks.results import amend, result_of
from horarium.errors import ImproperlyConfigured
from horarium.message import new_id

if TYPE_CHECKING:
    from horarium.app.app import Horarium


class HorariumTask(DeclaredTask):
    """What ``@task`` of Django returns with this backend."""

    __slots__ = ()

    @property
    def horarium(self) -> Task:
        """The same task by Horarium's words: ``.delay()``, ``.s()``, ``.apply_async(countdown=5)`` ..."""
        return self.get_backend().task_in_app(self)


class HorariumBackend(BaseTaskBackend):
    """Enqueues into the store of a Horarium app; ``horarium worker`` runs what is enqueued.

    ``QUEUES`` are names of the app's queues. ``OPTIONS``: ``app`` is the path of the app (``"site.celery:app"``; by
    default the one that the project has made); ``tasks`` has options of tasks by their module path, and under ``"*"``
    those of all; ``on_commit=True`` (or the alias of a database) lets what is enqueued in a transaction wait for its
    commit.
    """

    task_class = HorariumTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        outside.listen()

    @property
    def app(self) -> Horarium:
        """The app whose store this backend uses. Raises: InvalidTaskBackend when there is none."""
        try:
            return inspection.app_at(self.options["app"]) if "app" in self.options else current_app()
        except ImproperlyConfigured as error:
            raise InvalidTaskBackend(f"backend {self.alias!r} of TASKS: {error}") from error

    def validate_task(self, task: DeclaredTask) -> None:
        """Refuse what cannot be enqueued; let the app's workers and schedules know what can. Raises: InvalidTask."""
        super().validate_task(task)
        declare(task, self._options_of(task))

    def task_in_app(self, task: DeclaredTask) -> Task:
        """Return a task as the app has it."""
        return declare(task, self._options_of(task)).for_app(self.app)

    def enqueue(self, task: DeclaredTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskResult:
        """Store a message that asks for one run. Blocks for the store's round trip.

        With the option ``on_commit`` it is stored when the open transaction commits, and never if that rolls back; the
        result has its id at once, and no ``enqueued_at`` before. Raises: InvalidTask; TypeError for arguments that JSON
        has no word for; PayloadTooLarge; EngineUnavailable when it is unknown whether it was stored.
        """
        self.validate_task(task)
        app = self.app
        result = self._new_result(app, task, args, kwargs)
        database = self.options.get("on_commit")
        if database:
            self._send_on_commit(app, result, DEFAULT_DB_ALIAS if database is True else database)
        else:
            self._send(app, result)
        return result

    def get_result(self, result_id: str) -> TaskResult:
        """Return a result by its id. Raises: TaskResultDoesNotExist for an id that is not, or no more, in the store, or
        that is another backend's or no task of Django's; EngineUnavailable."""
        run = None
        if isinstance(result_id, str) and result_id:
            [run] = self.app.connection.engine.results.read([result_id])
        mark = Mark(run.message.headers) if run is not None else None
        if run is None or mark is None or mark.backend not in (None, self.alias):
            raise TaskResultDoesNotExist(result_id)
        declared = find(run.message.task, looking=mark.is_there)
        if declared is None:
            raise TaskResultDoesNotExist(result_id)
        return result_of(run, declared, self.alias)

    def check(self, **_: Any) -> Iterator[checks.CheckMessage]:
        """Look at the settings of this backend; asks no store."""
        return inspection.look_at(self)

    def _new_result(self, app: Horarium, task: DeclaredTask, args: Any, kwargs: Any) -> TaskResult:
        try:
            return TaskResult(
                task=task,
                id=new_id(app.now()),
                status=TaskResultStatus.READY,
                enqueued_at=None,
                started_at=None,
                finished_at=None,
                last_attempted_at=None,
                args=list(args),
                kwargs=dict(kwargs),
                backend=self.alias,
                errors=[],
                worker_ids=[],
            )
        except TypeError:
            # What even we have no word for, such as a row of a model: our complaint says where it is, and what to do.
            codec.encode(list(args), path="args")
            codec.encode(dict(kwargs), path="kwargs")
            raise

    def _options_of(self, task: DeclaredTask) -> dict[str, Any]:
        """Return the options of a task's declaration in an app: they hold for calls by schedules and by name too.

        Raises: InvalidTaskBackend.
        """
        given = inspection.task_options(self)
        own = {"queue": task.queue_name, **({"priority": ours(task.priority)} if task.priority else {})}
        return {**own, **given.get("*", {}), **given.get(task.module_path, {})}

    def _send(self, app: Horarium, result: TaskResult) -> None:
        known, options = self.task_in_app(result.task), _call_of(result)
        if app.conf.task_always_eager:
            self._enqueued(result, app.now())
            self._run_inline(app, known, result, options)
            return
        message, placed = app.producer.send(known.name, known, result.args, result.kwargs, options)
        if isinstance(placed, str):  # it is the same as one that waits (unique_for)
            amend(result, id=placed)
        self._enqueued(result, message.created)

    def _send_on_commit(self, app: Horarium, result: TaskResult, database: str) -> None:
        known: Any = self.task_in_app(result.task)  # a DjangoTask, unless the project has a class of its own
        now = app.now()
        handle = send_on_commit(known, result.args, result.kwargs, _call_of(result), using=database, robust=False)

        def tell() -> None:
            amend(result, id=handle.id)  # that of another one, if it is the same as one that waits
            self._enqueued(result, now)

        transaction.on_commit(tell, using=database)

    def _enqueued(self, result: TaskResult, at: Instant) -> None:
        amend(result, enqueued_at=column_value(at))
        task_enqueued.send_robust(type(self), task_result=result)

    def _run_inline(self, app: Horarium, known: Task, result: TaskResult, options: Mapping[str, Any]) -> None:
        run = app.run_inline(known, result.args, result.kwargs, options).run
        assert run is not None  # an eager result has its run at hand
        done = result_of(run, result.task, self.alias)
        names = ("status", "started_at", "last_attempted_at", "finished_at", "errors", "worker_ids", "_return_value")
        amend(result, **{name: getattr(done, name) for name in names})


def _call_of(result: TaskResult) -> dict[str, Any]:
    """Return the options of the call that a result stands for."""
    task = result.task
    options = {
        "task_id": result.id,
        "queue": task.queue_name,
        "priority": ours(task.priority),
        "headers": {HEADER: mark_of(task)},
    }
    if task.run_after is not None:
        options["eta"] = to_datetime(instant_of(task.run_after))
    return options
