"""Runs a call here and now, by the same road as a worker: encoded, performed, retried; as a rule nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from horarium.app.home import Home
from horarium.app.perform import Performance, perform
from horarium.app.result import EagerResult
from horarium.app.task import Task
from horarium.app.working_off import run_messages
from horarium.clock import FOREVER, Seconds
from horarium.engines.records import RESULT_TOPIC, MaintenancePolicy, Member
from horarium.message import Delivery, Message, new_id
from horarium.outcome import (
    ErrorRecord,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Replaced,
    Reported,
    Retried,
    Revoked,
    Run,
    Settlement,
    State,
    told,
)
from horarium.outcome import Succeeded as Success

INLINE_OWNER = "inline"
STORING_LEASE: Seconds = 60.0  # of the record of an eager run, while it is stored
_INLINE_ONLY = frozenset({"throw", "retries", "logfile", "loglevel"})


def run_inline(task: Task, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]) -> EagerResult:
    """Perform the call and its retries, then its links; return the result. ``throw=True`` raises its failure.

    ``retries`` is how many are behind it; ``logfile`` and ``loglevel`` have no effect. With ``task_store_eager_result``
    its record is stored, as that of a run of the queue ``eager.ID``. Raises: as a call, and NotRegistered for a link.
    """
    app = task.app
    throw = options.get("throw", app.conf.task_eager_propagates)
    sent = {key: value for key, value in options.items() if key not in _INLINE_ONLY}
    message = app.producer.message(task.name, task, args, kwargs, sent)
    if options.get("retries"):
        message = structs.replace(message, retries=options["retries"])
    run, raised = _perform_to_the_end(task, message)
    result = EagerResult(run.id, name=task.name, app=app, run=run, raised=raised)
    if throw:
        result.get()
    return result


def _perform_to_the_end(task: Task, message: Message) -> tuple[Run, BaseException | None]:
    attempt = 0
    while True:
        attempt += 1
        done = _perform(task, message, attempt)
        if not isinstance(done.outcome, Retried):
            break
        message = done.outcome.message
    if isinstance(done.outcome, Replaced):
        [replaced] = run_messages(task.app, (done.outcome.message, *done.follow_ups)).results.read([message.id])
        assert replaced is not None  # it was put
        return replaced, None
    state, error = _end(done.outcome)
    run = Run(
        message=done.kept or message,
        state=state,
        changed=done.ended,
        result=done.outcome.result if isinstance(done.outcome, Success) else None,
        error=error,
        worker=INLINE_OWNER,
        started=done.started,
        ended=done.ended,
    )
    if task.app.conf.task_store_eager_result and not message.ignore_result:
        _store(task.app, run, done.outcome)
    if done.follow_ups:
        run_messages(task.app, done.follow_ups)
    return run, done.raised


def _store(app: Home, run: Run, outcome: Outcome) -> None:
    """Record a run that has ended, by the road of every run, in a queue that nobody else reads."""
    engine = app.connection.engine
    now = engine.now()
    queue, owner = f"eager.{run.id}", f"{INLINE_OWNER}/{new_id(now)}"
    message = structs.replace(run.message, queue=queue, eta=None, expires=None, links=(), error_links=())
    member = Member(owner=owner, kind="child", name=INLINE_OWNER, queues=(queue,), tasks=(message.task,), started=now)
    if engine.queue.put([message], now=now) != [True]:
        return  # the id is that of a run that is stored already, which has an end of its own
    engine.queue.renew([member], now=now, lease=STORING_LEASE)
    for delivery in engine.queue.claim([queue], owner, 1, now=now):
        settlement = Settlement(
            id=delivery.message.id,
            owner=owner,
            fence=delivery.fence,
            outcome=outcome,
            worker=INLINE_OWNER,
            started=run.started,
            ended=run.ended,
        )
        policy = MaintenancePolicy(keep=app.conf.result_expires or FOREVER)
        engine.queue.settle([settlement], now=now, policy=policy)
    engine.inspector.leave([owner], now=now)
    engine.notifier.notify([RESULT_TOPIC])


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
        case Revoked(reason=reason):
            return State.REVOKED, told("TaskRevokedError", reason)
        case Rejected(reason=reason) | Released(reason=reason):
            return State.REJECTED, told("Reject", reason)
        case _:
            raise AssertionError(f"an inline run cannot end as {outcome!r}")
