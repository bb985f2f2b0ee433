"""Rings the signals of tasks, with the facts in Celery's shapes. Callers have asked whether anybody listens."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from horarium import codec, signals
from horarium.app.request import Request
from horarium.errors import HorariumError, NotRegistered
from horarium.message import Delivery, Message, Signature
from horarium.outcome import Expired, Failed, Outcome, Revoked, Run, State

# The headers of Celery's protocol: what a receiver adds besides is the caller's own, and travels.
PROTOCOL = frozenset(
    "lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr origin "
    "ignore_result replaced_task_nesting".split()
)


class ExceptionInfo:
    """What hooks and receivers are told about an exception (Celery's einfo)."""

    def __init__(self, exception: BaseException, traceback: str | None) -> None:
        self.exception = exception
        self.traceback = traceback or ""
        self.type = type(exception)
        self.tb: TracebackType | None = exception.__traceback__

    def __str__(self) -> str:
        return self.traceback


def before_publish(message: Message) -> Message:
    """Tell that a message is about to be stored; return it with the headers, the priority and the arguments that
    receivers gave it. Other changes are not taken over: the id and the task are others' business too."""
    args, kwargs = codec.decode(message.args), codec.decode(message.kwargs)
    headers, properties = _headers(message, args, kwargs), _properties(message)
    signals.before_task_publish.send(
        message.task,
        body=(args, kwargs, _embedded(message)),
        exchange="",
        routing_key=message.queue,
        headers=headers,
        properties=properties,
        declare=[],
        retry_policy=None,
    )
    own = {name: value for name, value in headers.items() if name not in PROTOCOL and _is_given(name, value, message)}
    if headers.get("shadow"):
        own["shadow"] = headers["shadow"]
    codec.encode(own, path="headers")  # complain here, not in the store
    priority = properties.get("priority")
    return replace(
        message,
        args=Raw(codec.encode(list(args), path="args")),
        kwargs=Raw(codec.encode(kwargs, path="kwargs")),
        headers=own,
        priority=priority if isinstance(priority, int) and 0 <= priority <= 9 else message.priority,
    )


def after_publish(message: Message) -> None:
    """Tell that a message is stored."""
    args, kwargs = codec.decode(message.args), codec.decode(message.kwargs)
    signals.after_task_publish.send(
        message.task,
        body=(args, kwargs, _embedded(message)),
        exchange="",
        routing_key=message.queue,
        headers=_headers(message, args, kwargs),
    )


def received(delivery: Delivery, worker: str) -> None:
    """Tell that a worker is about to start a delivery."""
    signals.task_received.send(worker, request=_request(delivery, worker))


def revoked(task: Any, delivery: Delivery, worker: str, outcome: Revoked | Expired, *, terminated: bool) -> None:
    """Tell that a delivery ended without its code having its say."""
    signals.task_revoked.send(
        task,
        request=_request(delivery, worker),
        terminated=terminated,
        signum="SIGKILL" if terminated else None,
        expired=isinstance(outcome, Expired),
    )


def revoked_run(run: Run, by: str) -> None:
    """Tell that a waiting run was revoked; the process that asked for it tells, since no worker will meet the run."""
    delivery = Delivery(message=run.message, owner="", fence=0, attempt=len(run.attempts), claimed=run.changed)
    revoked(run.message.task, delivery, by, Revoked(reason="revoked"), terminated=False)


def failed(task: Any, message: Message, exception: BaseException, traceback: str | None) -> None:
    """Tell that a run failed without its code having its say: a hard time limit, a process that died."""
    args, kwargs = _arguments(message)
    signals.task_failure.send(
        task,
        task_id=message.id,
        exception=exception,
        args=args,
        kwargs=kwargs,
        traceback=exception.__traceback__,
        einfo=ExceptionInfo(exception, traceback),
    )


def ended_from_outside(task: Any, delivery: Delivery, worker: str, outcome: Outcome) -> None:
    """Tell what a delivery came to that was ended while, or before, its code ran."""
    if isinstance(outcome, Failed) and signals.task_failure.receivers:
        failed(task, delivery.message, codec.decode_error(outcome.error), outcome.error.traceback)
    if isinstance(outcome, Revoked | Expired) and signals.task_revoked.receivers:
        revoked(task, delivery, worker, outcome, terminated=isinstance(outcome, Revoked))


def gave_up(task: Any, run: Run) -> None:
    """Tell that a run is DEAD: its processes died once too often."""
    if run.state == State.DEAD and run.error is not None:
        failed(task, run.message, codec.decode_error(run.error), run.error.traceback)


def unknown(delivery: Delivery, worker: str) -> None:
    """Tell that a worker was given a task that it does not know."""
    message = delivery.message
    error = NotRegistered(message.task)
    signals.task_unknown.send(worker, message=message, exc=error, name=message.task, id=message.id)


def rejected(message: Message, worker: str, error: BaseException) -> None:
    """Tell that a message is none that can be run: its arguments cannot be read."""
    signals.task_rejected.send(worker, message=message, exc=error)


def internal_error(task: Any, message: Message, error: BaseException) -> None:
    """Tell of an exception outside the task's own code."""
    args, kwargs = _arguments(message)
    signals.task_internal_error.send(
        task,
        task_id=message.id,
        args=args,
        kwargs=kwargs,
        request=_request(Delivery(message=message, owner="", fence=0, attempt=0, claimed=message.created), ""),
        exception=error,
        traceback=error.__traceback__ or sys.exc_info()[2],
        einfo=ExceptionInfo(error, codec.encode_error(error).traceback),
    )


def _request(delivery: Delivery, worker: str) -> Request:
    request = Request(delivery, worker=worker)
    request.args, request.kwargs = _arguments(delivery.message)
    return request


def _arguments(message: Message) -> tuple[list[Any], dict[str, Any]]:
    try:
        return codec.decode(message.args), codec.decode(message.kwargs)
    except HorariumError:  # what cannot be read is told of by its own signal, task_rejected
        return [], {}


def _headers(message: Message, args: Any, kwargs: Any) -> dict[str, Any]:
    request = _bare(message)
    return {
        "lang": "py",
        "task": message.task,
        "id": message.id,
        "shadow": request.shadow,
        "eta": request.eta,
        "expires": request.expires,
        "group": getattr(message, "group", None),
        "group_index": getattr(message, "group_index", None),
        "retries": message.retries,
        "timelimit": request.timelimit,
        "root_id": request.root_id,
        "parent_id": message.parent,
        "argsrepr": repr(tuple(args)),
        "kwargsrepr": repr(kwargs),
        "origin": message.origin,
        "ignore_result": message.ignore_result,
        "replaced_task_nesting": request.replaced_task_nesting,
        "stamped_headers": request.stamped_headers or None,
        "stamps": request.stamps,
        **{name: value for name, value in message.headers.items() if name not in PROTOCOL},
    }


def _is_given(name: str, value: Any, message: Message) -> bool:
    """Whether a header is one of the message's own: stamps are there in any case, and travel when there are any."""
    return name in message.headers or name not in ("stamps", "stamped_headers") or bool(value)


def _properties(message: Message) -> dict[str, Any]:
    return {**_bare(message).properties, "priority": message.priority}


def _embedded(message: Message) -> dict[str, Any]:
    return {
        "callbacks": [_plain(link) for link in message.links] or None,
        "errbacks": [_plain(link) for link in message.error_links] or None,
        "chain": None,
        "chord": None,
    }


def _plain(signature: Signature) -> Mapping[str, Any]:
    return {
        "task": signature.task,
        "args": codec.decode(signature.args),
        "kwargs": codec.decode(signature.kwargs),
        "options": dict(signature.options),
        "subtask_type": None,
        "immutable": signature.immutable,
    }


def _bare(message: Message) -> Request:
    return Request(Delivery(message=message, owner="", fence=0, attempt=0, claimed=message.created))
