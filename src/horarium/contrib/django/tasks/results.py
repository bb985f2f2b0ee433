"""Runs as Django's task results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from django.tasks.base import Task, TaskError, TaskResult, TaskResultStatus

from horarium import codec
from horarium.contrib.django.columns import column_value
from horarium.contrib.django.tasks.marks import Mark
from horarium.contrib.django.tasks.priorities import djangos
from horarium.message import Message
from horarium.outcome import ENDED, Attempt, ErrorRecord, Run, State

# In the hands of a worker, where it stands in line, is not started yet.
_READY = frozenset({State.PENDING, State.RETRY, State.RECEIVED})
_SUCCESSFUL = frozenset({State.SUCCESS, State.IGNORED})
_FORGOTTEN = ""  # the worker of an attempt of which a run remembers nothing but its number


def result_of(run: Run, declared: Task, backend: str) -> TaskResult:
    """Return the result of a run of a declared task, as one of the backend with this alias."""
    status = status_of(run)
    attempts = [each for each in run.attempts if _was_started(each)]
    starts = [each.started for each in attempts if each.started is not None]
    workers = [_FORGOTTEN] * (_number(attempts) - len(attempts)) + [each.worker for each in attempts]
    if run.started is not None and (status == TaskResultStatus.RUNNING or (run.has_ended and not run.attempts)):
        starts.append(run.started)
        workers.append(run.worker)
    result = TaskResult(
        task=task_of(run.message, declared, backend),
        id=run.id,
        status=status,
        enqueued_at=column_value(run.message.created),
        started_at=column_value(starts[0]) if starts else None,
        last_attempted_at=column_value(starts[-1]) if starts else None,
        finished_at=column_value(run.ended) if run.has_ended and run.ended is not None else None,
        args=codec.decode(run.message.args),
        kwargs=codec.decode(run.message.kwargs),
        backend=backend,
        errors=[error_of(each) for each in _errors(run, status)],
        worker_ids=workers,
    )
    if status == TaskResultStatus.SUCCESSFUL and run.result is not None:
        amend(result, _return_value=codec.decode(run.result))
    return result


def status_of(run: Run) -> TaskResultStatus:
    """Return what Django calls the state of a run; a state of the task's own is one of a task that runs."""
    if run.state in _SUCCESSFUL:
        return TaskResultStatus.SUCCESSFUL
    if run.state in ENDED:
        return TaskResultStatus.FAILED
    return TaskResultStatus.READY if run.state in _READY else TaskResultStatus.RUNNING


def task_of(message: Message, declared: Task, backend: str) -> Task:
    """Return a task as it was when it was enqueued as this message.

    It is not validated again: what was valid then may not be so under today's settings, and is a fact all the same.
    """
    mark = Mark(message.headers)
    return _with(
        declared,
        backend=backend,
        queue_name=message.queue,
        priority=djangos(message.priority) if mark.priority is None else mark.priority,
        run_after=mark.run_after if mark.is_there or message.eta is None else column_value(message.eta),
    )


def error_of(record: ErrorRecord) -> TaskError:
    """Return an error as Django tells it. Not every error has a traceback: some had no frames, such as a revocation."""
    return TaskError(
        exception_class_path=record.class_path,
        traceback=record.traceback or f"{record.class_path}: {record.text}\n",
    )


def amend(result: TaskResult, **attributes: Any) -> None:
    """Change a result, which Django has frozen for its users, but not for its backends."""
    for name, value in attributes.items():
        object.__setattr__(result, name, value)


def _with(declared: Task, **changes: Any) -> Task:
    made = object.__new__(type(declared))
    for field in fields(declared):
        object.__setattr__(made, field.name, changes.get(field.name, getattr(declared, field.name)))
    return made


def _was_started(attempt: Attempt) -> bool:
    return attempt.started is not None or attempt.outcome == "crashed"


def _number(attempts: list[Attempt]) -> int:
    """Return how many attempts there were with the kept ones: a run that is started very often remembers the newest."""
    return len(attempts) + (attempts[0].number - 1 if attempts else 0)


def _errors(run: Run, status: TaskResultStatus) -> Iterable[ErrorRecord]:
    found = [each.error for each in run.attempts if each.error is not None]
    if status == TaskResultStatus.FAILED and run.error is not None and run.error not in found:
        found.append(run.error)
    return found
