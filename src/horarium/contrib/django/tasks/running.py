"""How a worker runs a function that was declared with ``@task`` of Django: with its context, its JSON and its signals.

What signals' receivers raise is logged by Django and changes nothing: a run is not failed by those who watch it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from django.tasks.base import Task as DeclaredTask
from django.tasks.base import TaskContext, TaskResult, TaskResultStatus
from django.tasks.signals import task_finished, task_started
from django.utils.json import normalize_json
from msgspec import Raw

from horarium import codec
from horarium.app.request import Request
from horarium.app.task import Task
from horarium.contrib.django.columns import column_value
from horarium.contrib.django.tasks.marks import Mark
from horarium.contrib.django.tasks.results import amend, error_of, result_of
from horarium.errors import EngineError
from horarium.message import Message
from horarium.outcome import ENDED, Attempt, Run, State, told

if TYPE_CHECKING:
    _Base = Task
else:
    _Base = object  # the class of tasks of the app comes behind it; see declared.py

_KEPT = "django_task_result"  # under this name the request keeps the one result that context and signals share


class RunsDeclared(_Base):
    """The Horarium task of a function declared with ``@task`` of Django.

    Arguments reach the function as JSON has them, whatever its hints say, and its value must be JSON, as in all
    backends of Django. What runs is recorded as running: one more write for each run, which ``track_started`` can turn
    off.
    """

    typing = False
    track_started = True
    ignore_result = False
    declared: DeclaredTask = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; an ``async def`` gives back its coroutine."""
        if self.declared.takes_context:
            args = (TaskContext(task_result=self._result(args, kwargs)), *args)
        value = self.function(*args, **kwargs)
        return _normalized(value) if hasattr(value, "__await__") else normalize_json(value)

    def before_start(self, task_id: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Tell that it starts."""
        super().before_start(task_id, args, kwargs)
        task_started.send_robust(sender=self._sender, task_result=self._result(args, kwargs))

    def after_return(
        self, status: str, retval: Any, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: Any
    ) -> None:
        """Tell that it has ended, if it has: a retry has not, nor has what another task takes the place of."""
        super().after_return(status, retval, task_id, args, kwargs, einfo)
        if status not in ENDED or self.request.replaced is not None:
            return
        result = self._result(args, kwargs)
        amend(result, finished_at=column_value(self.app.now()))
        if status in (State.SUCCESS, State.IGNORED):
            amend(result, status=TaskResultStatus.SUCCESSFUL, _return_value=retval)
        else:
            has_error = isinstance(retval, BaseException)
            record = codec.encode_error(retval) if has_error else told("TaskError", f"the task ended as {status}")
            amend(result, status=TaskResultStatus.FAILED, errors=[*result.errors, error_of(record)])
        task_finished.send_robust(sender=self._sender, task_result=result)

    @property
    def _sender(self) -> Any:
        return type(self.declared.get_backend())

    def _result(self, args: Any, kwargs: Any) -> TaskResult:
        """Return the result of the execution that is going on, always the same one."""
        request = self.request
        if _KEPT not in request.__dict__:
            run = self._run(request, args, kwargs)
            backend = Mark(run.message.headers).backend or self.declared.backend
            request.__dict__[_KEPT] = result_of(run, self.declared, backend)
        return request.__dict__[_KEPT]

    def _run(self, request: Request, args: Any, kwargs: Any) -> Run:
        now = self.app.now()
        message = request.message or Message(  # it is called directly
            id="",
            task=self.name,
            queue=self.declared.queue_name,
            args=Raw(codec.encode(list(args))),
            kwargs=Raw(codec.encode(dict(kwargs))),
            created=now,
        )
        return Run(
            message=message,
            state=State.STARTED,
            changed=now,
            attempts=self._earlier(request, now),
            worker=request.hostname,
            started=request.started or now,
        )

    def _earlier(self, request: Request, now: int) -> tuple[Attempt, ...]:
        """Return the attempts before this one: as the store has them, else so many of them."""
        before = max(0, request.attempt - 1)
        if before and not request.is_eager and request.id is not None:
            try:
                [run] = self.app.connection.engine.results.read([request.id])
            except EngineError:  # the number is known all the same, and this attempt can go on without the rest
                run = None
            if run is not None and run.attempts:
                return run.attempts
        started = request.started or now
        return tuple(
            Attempt(number=number, worker=request.hostname, outcome="retried", started=started)
            for number in range(1, before + 1)
        )


async def _normalized(value: Awaitable[Any]) -> Any:
    return normalize_json(await value)
