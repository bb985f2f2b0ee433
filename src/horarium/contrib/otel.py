"""OpenTelemetry: one trace from whoever sends a task to the code that runs it, retries and workflows included.

``instrument()`` once per process, after the tracer provider is set; extra ``otel``. It listens to the signals that
everybody can listen to, so what is not instrumented pays nothing. Exceptions leave without the secrets of the call.
Names follow OpenTelemetry's semantic conventions for messaging (1.27 and later), as far as they are there.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextvars import Token
from threading import Lock
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider

from horarium import signals
from horarium.version import __version__

UID = "horarium.contrib.otel"
MOST_OPEN = 10_000  # sends whose end was never told: the store refused them

ENDED_WELL = ("SUCCESS", "IGNORED", "RETRY")


class Instrument:
    """What ``instrument`` returns: ``remove()`` undoes it."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("horarium", __version__, tracer_provider=provider)
        self._sending = _Sending()
        self._receivers = (
            (signals.before_task_publish, self._before_publish),
            (signals.after_task_publish, self._after_publish),
            (signals.task_prerun, self._before_run),
            (signals.task_retry, self._retried),
            (signals.task_failure, self._failed),
            (signals.task_postrun, self._after_run),
        )
        for signal, receiver in self._receivers:
            signal.connect(receiver, dispatch_uid=UID, weak=False)

    def remove(self) -> None:
        """Trace no more; calling it twice is fine."""
        for signal, receiver in self._receivers:
            signal.disconnect(receiver, dispatch_uid=UID)

    def _before_publish(self, sender: Any, headers: dict[str, Any], routing_key: str, **_: Any) -> None:
        span = self._tracer.start_span(
            f"send {sender}", kind=SpanKind.PRODUCER, attributes=_attributes("send", str(sender), routing_key, headers)
        )
        propagate.inject(headers, trace.set_span_in_context(span))
        self._sending.begin(str(headers["id"]), span)

    def _after_publish(self, headers: dict[str, Any], **_: Any) -> None:
        self._sending.end(str(headers["id"]))

    def _before_run(self, task: Any, **_: Any) -> None:
        request = task.request
        message = request.message
        came_from = propagate.extract({name: str(value) for name, value in request.headers.items()})
        span = self._tracer.start_span(
            f"run {task.name}",
            context=came_from,
            kind=SpanKind.CONSUMER,
            links=_enclosing(came_from),
            attributes=_attributes("process", task.name, message.queue if message else "", {"id": request.id}),
        )
        if message is not None and message.schedule:
            span.set_attribute("horarium.schedule", message.schedule)
        span.set_attribute("horarium.attempt", request.delivery.attempt if request.delivery else 1)
        span.set_attribute("horarium.worker", request.hostname or "")
        request.traced = _Run(span, context.attach(trace.set_span_in_context(span, came_from)))

    def _retried(self, request: Any, reason: Any, einfo: Any, **_: Any) -> None:
        if (run := _run_of(request)) is not None:
            run.span.add_event("retry", {"reason": request.without_secrets(str(reason))})
            _record(run.span, einfo.exception, request.without_secrets)

    def _failed(self, sender: Any, exception: BaseException, **_: Any) -> None:
        request: Any = getattr(sender, "request", None)
        if (run := _run_of(request)) is not None:
            _record(run.span, exception, request.without_secrets)
            text = request.without_secrets(f"{type(exception).__name__}: {exception}")
            run.span.set_status(Status(StatusCode.ERROR, text))

    def _after_run(self, task: Any, state: str | None = None, **_: Any) -> None:
        if (run := _run_of(task.request)) is None:
            return
        run.span.set_attribute("horarium.state", str(state))
        if state not in ENDED_WELL and run.is_unset:
            run.span.set_status(Status(StatusCode.ERROR, str(state)))
        task.request.traced = None
        context.detach(run.token)
        run.span.end()


def instrument(provider: TracerProvider | None = None) -> Instrument:
    """Trace what this process sends and runs, with the global tracer provider unless one is given.

    In a worker call it where the provider is set up: in ``worker_process_init``, since exporters have threads, which do
    not live through a fork. The trace travels in the message's headers, by the global propagator (``traceparent``).
    """
    return Instrument(provider)


class _Run:
    """The span of what runs, and how to leave its context."""

    def __init__(self, span: Span, token: Token[Context]) -> None:
        self.span = span
        self.token = token

    @property
    def is_unset(self) -> bool:
        status = getattr(self.span, "status", None)  # a span that is not recorded has none
        return status is None or status.status_code is StatusCode.UNSET


class _Sending:
    """Spans of sends that are under way. Shared by threads; the lock guards all of it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: OrderedDict[str, Span] = OrderedDict()

    def begin(self, id: str, span: Span) -> None:
        with self._lock:
            self._spans[id] = span
            forgotten = self._spans.popitem(last=False)[1] if len(self._spans) > MOST_OPEN else None
        if forgotten is not None:
            forgotten.end()

    def end(self, id: str) -> None:
        with self._lock:
            span = self._spans.pop(id, None)
        if span is not None:
            span.end()


def _run_of(request: Any) -> _Run | None:
    found = getattr(request, "traced", None)
    return found if isinstance(found, _Run) else None


def _record(span: Span, error: BaseException, shown: Callable[[str], str]) -> None:
    """Record an exception as others may see it: traces leave the house."""
    lines = "".join(traceback.format_exception(error))
    texts = {"exception.message": shown(str(error)), "exception.stacktrace": shown(lines)}
    span.record_exception(error, attributes=texts)  # which go before what it would say itself


def _enclosing(came_from: Context) -> list[Link]:
    """Return a link to the span that runs now, if the task was called within one and came from another."""
    here, there = (trace.get_current_span(each).get_span_context() for each in (None, came_from))
    return [Link(here)] if here.is_valid and here.trace_id != there.trace_id else []


def _attributes(operation: str, task: str, queue: str, headers: dict[str, Any]) -> dict[str, str]:
    return {
        "messaging.system": "horarium",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.destination.name": queue,
        "messaging.message.id": str(headers.get("id") or ""),
        "horarium.task": task,
    }
