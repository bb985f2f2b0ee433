"""Runs a call here and now, by the same road as a worker: encoded, performed, retried; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from horarium.app.perform import Performance, perform
from horarium.app.result import EagerResult
from horarium.app.task import Task
from horarium.message import Delivery, Message
from horarium.outcome import (
    ErrorRecord,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Reported,
    Retried,
    Run,
    State,
    told,
)
from horarium.outcome import Succeeded as Success

INLINE_OWNER = "inline"


def run_inline(task: Task, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> EagerResult:
    """Perform the call and its retries, then its links; return the result. ``throw=True`` raises its failure."""
    app = task.app
    throw = options.get("throw", app.conf.task_eager_propagates)
    sent = {key: value for key, value in options.items() if key != "throw"}
    message = app.producer.message(task.name, task, args, kwargs, sent)
    run = _perform_to_the_end(task, message)
    result = EagerResult(run, app=app)
    if throw:
        result.get()
    return result


def _perform_to_the_end(task: Task, message: Message) -> Run:
    attempt = 0
    while True:
        attempt += 1
        done = _perform(task, message, attempt)
        if not isinstance(done.outcome, Retried):
            break
        message = done.outcome.message
    for follow_up in done.follow_ups:
        linked = task.app.known_task(follow_up.task)
        if isinstance(linked, Task):
            _perform_to_the_end(linked, follow_up)
    state, error = _end(done.outcome)
    return Run(
        message=message,
        state=state,
        changed=done.ended,
        result=done.outcome.result if isinstance(done.outcome, Success) else None,
        error=error,
        worker=INLINE_OWNER,
        started=done.started,
        ended=done.ended,
    )


def _perform(task: Task, message: Message, attempt: int) -> Performance:
    delivery = Delivery(message=message, owner=INLINE_OWNER, fence=attempt, attempt=attempt, claimed=message.created)
    return perform(
        task, delivery, clock=task.app.connection.clock, worker=INLINE_OWNER, report=_ignore_report, is_eager=True
    )


def _ignore_report(report: Reported) -> None:
    """An inline run has no record to report to."""


def _end(outcome: Outcome) -> tuple[State, ErrorRecord | None]:
    match outcome:
        case Success():
            return State.SUCCESS, None
        case Failed(error=error):
            return State.FAILURE, error
        case Ignored():
            return State.IGNORED, None
        case Rejected(reason=reason) | Released(reason=reason):
            return State.REJECTED, told("Reject", reason)
        case _:
            raise AssertionError(f"an inline run cannot end as {outcome!r}")
