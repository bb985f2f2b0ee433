"""One delivery in, one outcome out: runs a task's code and decides what became of it. No engine in sight.

Whatever user code does ends as an outcome: exceptions, ``sys.exit``, results that cannot be encoded, hooks that
fail. Time limits are the caller's: it may raise SoftTimeLimitExceeded into the running code.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct, field

from horarium import codec, signals
from horarium.app.lineage import Answer
from horarium.app.redacting import Redaction, without_marked
from horarium.app.request import Request, entered
from horarium.app.signalling import ExceptionInfo, after_publish, before_publish, rejected
from horarium.app.task import Task
from horarium.clock import Clock, Instant, Seconds
from horarium.errors import DecodingError, HorariumError, Ignore, Reject, Retry
from horarium.message import Delivery, Join, Message
from horarium.outcome import (
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Replaced,
    Reported,
    Retried,
    Revoked,
    Settlement,
    State,
    Succeeded,
    told,
)
from horarium.retry import is_retriable, may_retry
from horarium.workflow.follow import follow_ups

logger = logging.getLogger(__name__)

# A rejected message keeps its place in the line: without a wait it would come back at once, again and again.
REQUEUE_DELAY: Seconds = 1.0

NOT_COMMITTED = told(
    "NotCommittedError",
    "expected the transaction in which the task finished to be committed before it returned, but it was rolled back or "
    "is still open; commit it inside the task",
)

RunCoroutine = Callable[[Coroutine[Any, Any, Any]], Any]


class Performance(Struct, frozen=True, kw_only=True):
    """What became of a delivery, and what is to be said about it."""

    outcome: Outcome
    follow_ups: tuple[Message, ...]
    joins: tuple[Join, ...] = ()  # of a success; see Settlement
    value: Raw | None = None
    kept: Message | None = None  # in place of the message, which its task keeps from view; see Settlement
    widens: dict[str, int] = field(default_factory=dict)
    started: Instant
    ended: Instant
    runtime: Seconds
    text: str  # the result or the error in short, for people
    expected: bool = False  # a failure that the task declares in ``throws``
    settles: Outcome  # what is to be recorded: the outcome, but see _Call._conclude
    children: tuple[Answer, ...] = ()  # of what its code has sent
    raised: BaseException | None = None  # what an eager run failed with; kept for nobody else, as it holds its frames


def settlement_of(
    delivery: Delivery,
    done: Performance,
    *,
    worker: str,
    logs: tuple[str, ...] = (),
) -> Settlement:
    """Return what tells the engine of a performance."""
    return Settlement(
        id=delivery.message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=done.settles,
        worker=worker,
        started=done.started,
        ended=done.ended,
        follow_ups=done.follow_ups,
        joins=done.joins,
        value=done.value,
        widens=done.widens,
        logs=logs,
        message=done.kept,
    )


def perform(
    task: Task,
    delivery: Delivery,
    *,
    clock: Clock,
    worker: str,
    report: Callable[[Reported], None],
    run_coroutine: RunCoroutine | None = None,
    is_eager: bool = False,
) -> Performance:
    """Run the task for this delivery and return what became of it.

    Blocks as long as the task runs. ``run_coroutine`` carries out ``async def`` tasks (default: a loop for each).
    Raises only what is not an Exception and not SystemExit (KeyboardInterrupt): the process is asked to stop.
    """
    call = _Call(task, delivery, clock=clock, worker=worker, report=report, is_eager=is_eager)
    with entered(task.name, call.request):
        try:
            value = call.begin()
            if task.is_async or hasattr(value, "__await__"):
                value = (run_coroutine or _run_alone)(value)
            return call.returned(value)
        except (Exception, SystemExit) as error:  # noqa: BLE001  user code: whatever it raises becomes the outcome
            return call.raised(error)


async def perform_async(
    task: Task,
    delivery: Delivery,
    *,
    clock: Clock,
    worker: str,
    report: Callable[[Reported], None],
) -> Performance:
    """``perform`` on a running event loop. A task that is not ``async def`` runs in a thread of the loop's executor.

    Cancelling it raises CancelledError inside the task and then out of here: the canceller knows why, and decides.
    """
    import asyncio

    call = _Call(task, delivery, clock=clock, worker=worker, report=report, is_eager=False)
    with entered(task.name, call.request):
        try:
            if task.is_async:
                value = await call.begin()
            else:
                value = await asyncio.to_thread(call.begin)
                if hasattr(value, "__await__"):
                    value = await value
            return call.returned(value)
        except (Exception, SystemExit) as error:  # noqa: BLE001  user code: whatever it raises becomes the outcome
            return call.raised(error)


def _run_alone(coroutine: Coroutine[Any, Any, Any]) -> Any:
    import asyncio

    return asyncio.run(coroutine)


class _Call:
    """One execution on its way from delivery to performance."""

    def __init__(
        self,
        task: Task,
        delivery: Delivery,
        *,
        clock: Clock,
        worker: str,
        report: Callable[[Reported], None],
        is_eager: bool,
    ) -> None:
        self.task = task
        self.message = delivery.message
        self.clock = clock
        self.request = Request(delivery, worker=worker, is_eager=is_eager, report=report)
        self._redaction = self.request.redaction = Redaction(task, self.message)
        self.value: Raw | None = None  # what the task returned, once it is encoded
        self.started = self.request.started = clock.now()
        self._start = clock.monotonic()
        self._retry: BaseException | None = None  # what asked for the retry that it ends with
        self._is_begun = False  # its code, hooks and receivers of signals included

    def begin(self) -> Any:
        """Call the function; an ``async def`` gives back its coroutine."""
        task, request = self.task, self.request
        args, kwargs = self._decoded()
        request.args, request.kwargs = args, kwargs = task.received(args, kwargs)
        self._is_begun = True
        if signals.task_prerun.receivers:
            signals.task_prerun.send(task, task_id=self.message.id, task=task, args=args, kwargs=kwargs)
        if task.track_started or (task.track_started is None and task.app.conf.task_track_started):
            request.report(Reported(state=State.STARTED))
        task.before_start(self.message.id, args, kwargs)
        if type(task).__call__ is not Task.__call__:
            return task(*args, **kwargs)
        return task.run(*args, **kwargs)

    def returned(self, value: Any) -> Performance:
        """The function returned: a success, unless it asked for a retry or its value cannot be kept."""
        if (again := self.request.asked_again) is not None:
            return self._retried(Retry(), again)
        if self.request.replaced is not None:
            return self._replaced()
        if isinstance(value, Answer):
            value = value.as_tuple()
        if self.task.pydantic:
            from horarium.app.models import dumped

            value = dumped(self.task, value)
        keeps = self.request.is_eager or self.task.app.connection.keeps_results
        wanted = keeps and not self.message.ignore_result
        limit = self.task.app.conf.max_result_bytes
        result = None
        if wanted or self.message.joins or self.message.links:  # others are given it, whether it is kept or not
            self.value = Raw(codec.encode(value, path="result", limit_bytes=limit))
            result = self.value if wanted else None
        self._hook(self.task.on_success, value, self.message.id, self.request.args, self.request.kwargs)
        if signals.task_success.receivers:
            runtime = self.clock.monotonic() - self._start
            signals.task_success.send(self.task, result=value, runtime=runtime)
        text = codec.preview(result, self.task.resultrepr_maxsize) if result is not None else ""
        return self._conclude(Succeeded(result=result), text, State.SUCCESS, value, None)

    def raised(self, error: BaseException) -> Performance:
        """The function, or what comes before and after it, raised."""
        match error:
            case Retry(outcome=Retried()):
                return self._retried(error, error)
            case Ignore() if self.request.replaced is not None:
                return self._replaced()
            case Retry():
                return self._asked_again(error)
            case Ignore():
                outcome = self.request.end_on_ignore or Ignored()
                return self._conclude(outcome, "", _STATES.get(type(outcome), State.IGNORED), None, None)
            case Reject(requeue=True):
                released = Released(reason=str(error), delay=REQUEUE_DELAY)
                return self._conclude(released, str(error), State.PENDING, None, None)
            case Reject():
                return self._conclude(Rejected(reason=str(error.reason or "")), str(error), State.REJECTED, None, None)
            case _:
                return self._auto_retried(error) or self._failed(error)

    def _auto_retried(self, error: BaseException) -> Performance | None:
        task = self.task
        if not is_retriable(error, task.autoretry_for, task.dont_autoretry_for):
            return None
        if not may_retry(task.retry_policy(self.message.max_retries), self.message.retries):
            self.request.is_exhausted = True
            return None
        try:
            task.retry(exc=error)
        except Retry as signal:
            return self._retried(signal, signal)
        return None

    def _asked_again(self, error: Retry) -> Performance:
        """A Retry that the task made itself: it says when, and the task's policy says whether."""
        when: dict[str, Any] = {"eta" if isinstance(error.when, datetime) else "countdown": error.when}
        try:
            self.task.retry(exc=error.exc, **when)
        except Retry as signal:
            return self._retried(error, signal) if signal.outcome is not None else self._failed(error)
        except Exception as refused:  # noqa: BLE001  # the retries are used up, or ``when`` is no moment: it is the end
            return self._failed(refused)
        raise AssertionError("retry() has returned although it was to raise")

    def _retried(self, signal: BaseException, asked: Retry) -> Performance:
        """``signal`` is what the task raised, ``asked`` what ``Task.retry`` made of it."""
        retried: Retried = asked.outcome
        self._retry = signal
        cause = getattr(signal, "exc", None) or signal
        info = ExceptionInfo(cause, retried.error.traceback)
        self._hook(self.task.on_retry, cause, self.message.id, self.request.args, self.request.kwargs, info)
        why = "" if isinstance(cause, Retry) else f": {cause!r}"
        text = f"Retry {asked.humanize()}{why}"
        if signals.task_retry.receivers:
            signals.task_retry.send(self.task, request=self.request, reason=signal, einfo=info)
        return self._conclude(retried, text, State.RETRY, cause, info)

    def _replaced(self) -> Performance:
        workflow = self.request.replaced
        assert workflow is not None  # the caller has looked
        successor = next(message for message in workflow.messages if message.id == self.message.id)
        text = f"replaced by {successor.task}"
        return self._conclude(Replaced(message=successor), text, State.IGNORED, None, None)

    def _sent_along(self, outcome: Outcome) -> tuple[Message, ...]:
        """Return what the task has asked to be put when it ends well, besides its links."""
        workflows = list(self.request.added) if isinstance(outcome, Succeeded | Replaced) else []
        if isinstance(outcome, Replaced) and self.request.replaced is not None:
            workflows.append(self.request.replaced)
        messages = (message for workflow in workflows for message in workflow.messages)
        return tuple(message for message in messages if message.id != self.message.id)

    def _widened(self, outcome: Outcome) -> dict[str, int]:
        gate = self.request.chord
        added = len(self.request.added) if isinstance(outcome, Succeeded | Replaced) else 0
        return {gate: added} if gate is not None and added else {}

    def _failed(self, error: BaseException) -> Performance:
        record = codec.encode_error(error)
        info = ExceptionInfo(error, record.traceback)
        if self.request.is_exhausted:
            hook = self.task.on_retries_exhausted
            self._hook(hook, error, self.message.id, self.request.args, self.request.kwargs, info)
        self._hook(self.task.on_failure, error, self.message.id, self.request.args, self.request.kwargs, info)
        if signals.task_failure.receivers:
            signals.task_failure.send(
                self.task,
                task_id=self.message.id,
                exception=error,
                args=self.request.args,
                kwargs=self.request.kwargs,
                traceback=error.__traceback__,
                einfo=info,
            )
        expected = isinstance(error, self.task.throws) if self.task.throws else False
        return self._conclude(Failed(error=record), repr(error), State.FAILURE, error, info, expected=expected)

    def _conclude(
        self,
        outcome: Outcome,
        text: str,
        state: State,
        value: Any,
        info: ExceptionInfo | None,
        *,
        expected: bool = False,
    ) -> Performance:
        request = self.request
        if type(outcome) is not Succeeded:  # whatever is kept or told of an error from here on is without secrets
            outcome, text = self._redaction.outcome(outcome), self._redaction.text(text)
        self._hook(self.task.after_return, state, value, self.message.id, request.args, request.kwargs, info)
        if self._is_begun and signals.task_postrun.receivers:
            retval = value if self._retry is None else self._retry
            facts = {"args": request.args, "kwargs": request.kwargs, "retval": retval, "state": state.value}
            signals.task_postrun.send(self.task, task_id=self.message.id, task=self.task, **facts)
        ended = self.clock.now()
        settles: Outcome = outcome
        if request.finished_in is not None:
            # What is not committed by now never will be; left open, it would lock the run that is to be settled.
            request.finished_in.queue.abandon(request.finished_in.connection)
            # The success is recorded, if that transaction was committed, and then this one is refused by its fence.
            settles = Failed(error=NOT_COMMITTED) if isinstance(outcome, Succeeded) else outcome
        sent = (*follow_ups(self.message, settles, now=ended, value=self.value), *self._sent_along(settles))
        if (signals.before_task_publish.receivers or signals.after_task_publish.receivers) and not request.is_eager:
            settles, sent = _announced(settles, sent)
        return Performance(
            outcome=outcome,
            settles=settles,
            follow_ups=sent,
            widens=self._widened(settles),
            joins=self.message.joins if isinstance(settles, Succeeded) else (),
            value=self.value if isinstance(settles, Succeeded) and settles.result is None else None,
            kept=without_marked(self.task, self.message, self.value) if isinstance(settles, Succeeded) else None,
            started=self.started,
            ended=ended,
            runtime=self.clock.monotonic() - self._start,
            text=text,
            expected=expected,
            children=tuple(request.children),
            raised=value if request.is_eager and isinstance(outcome, Failed) else None,
        )

    def _decoded(self) -> tuple[list[Any], dict[str, Any]]:
        try:
            args, kwargs = codec.decode(self.message.args), codec.decode(self.message.kwargs)
            if isinstance(args, list) and isinstance(kwargs, dict):
                return args, kwargs
            raise DecodingError(
                f"expected args to be an array and kwargs an object, got {type(args).__name__} and "
                f"{type(kwargs).__name__}; the message was not made by Horarium"
            )
        except DecodingError as error:
            if signals.task_rejected.receivers:
                rejected(self.message, self.request.hostname, error)
            raise

    def _hook(self, hook: Callable[..., None], *args: Any) -> None:
        if getattr(hook, "__func__", None) in _EMPTY_HOOKS:
            return
        try:
            hook(*args)
        except Exception:  # user code: the outcome is decided already and stands; the failure of the hook is told
            logger.exception("hook %s of %s[%s] failed", hook.__name__, self.task.name, self.message.id)


_EMPTY_HOOKS = frozenset(
    {Task.on_success, Task.on_retry, Task.on_failure, Task.after_return, Task.on_retries_exhausted}
)
# What hooks and receivers are told of an end that the task states itself.
_STATES: dict[type[Outcome], State] = {
    Succeeded: State.SUCCESS,
    Failed: State.FAILURE,
    Revoked: State.REVOKED,
    Rejected: State.REJECTED,
}


def _announced(outcome: Outcome, sent: tuple[Message, ...]) -> tuple[Outcome, tuple[Message, ...]]:
    """Tell of what is sent with a settlement, and let receivers add their headers: a retry, and what follows."""
    if isinstance(outcome, Retried):
        outcome = Retried(message=_told(outcome.message), error=outcome.error)
    return outcome, tuple(map(_told, sent))


def _told(message: Message) -> Message:
    """Both at once, before it is stored: what one of a pair of receivers opens in this context, the other closes."""
    try:
        message = before_publish(message)
    except HorariumError:  # a header of a receiver's that JSON cannot say: what it is added to is sent without it
        logger.exception("a receiver of before_task_publish spoilt %s[%s]", message.task, message.id)
    after_publish(message)
    return message
