"""What a running task can know of itself: ``self.request``.

The innermost request of the running thread or coroutine is kept in a context variable, so that two tasks in two
threads, or in one event loop, never see each other's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from horarium.app.redacting import Redaction
from horarium.app.transaction import Joined
from horarium.clock import Instant, to_datetime
from horarium.errors import Retry
from horarium.message import Cause, Delivery, FiringKind, Signature
from horarium.outcome import Outcome, Reported
from horarium.workflow.plan import Workflow

NO_CAUSE = Cause()  # of what no schedule has fired, and of what an older version did

MOST_CHILDREN = 10_000  # handles that a request keeps of what its task has sent: one that sends millions must not grow

ReportTo = Callable[[Reported], None]


def _report_to_nobody(report: Reported) -> None:
    """Outside a worker there is nobody to tell."""


class Request:
    """The execution of one task. Headers of the message can be read as attributes, as in Celery."""

    def __init__(
        self,
        delivery: Delivery | None = None,
        *,
        worker: str = "",
        is_eager: bool = False,
        report: ReportTo = _report_to_nobody,
    ) -> None:
        message = delivery.message if delivery is not None else None
        self.delivery = delivery
        self.message = message
        self.report = report
        self.called_directly = message is None
        self.is_eager = is_eager
        self.hostname = worker
        self.args: list[Any] = []
        self.kwargs: dict[str, Any] = {}
        self.asked_again: Retry | None = None  # set by Task.retry(throw=False)
        self.replaced: Workflow | None = None  # set by Task.replace; its last message is this one's successor
        self.added: list[Workflow] = []  # by Task.add_to_chord
        self.started: Instant | None = None  # set when the task's code begins
        self.finished_in: Joined | None = None  # the transaction, set by Task.finish_in
        self.end_on_ignore: Outcome | None = None  # set by Task.update_state with a final state
        self.redaction: Redaction | None = None  # of this run; None: there is nothing to hide
        self.is_exhausted = False  # set when a retry was refused because all were used up
        self.id: str | None = message.id if message else None
        self.retries: int = message.retries if message else 0
        self.headers: dict[str, Any] = message.headers if message else {}

    def without_secrets(self, text: str) -> str:
        """Return a text about this run as it is fit to be seen."""
        return text if self.redaction is None else self.redaction.text(text)

    def is_plain(self, text: str) -> bool:
        """Whether there is no sign of a secret in a text about this run."""
        return self.redaction is None or self.redaction.is_plain(text)

    @property
    def attempt(self) -> int:
        """How many times this message has been started, this time included; 0 when called directly."""
        return self.delivery.attempt if self.delivery else 0

    @property
    def crashes(self) -> int:
        """How many processes have died of this message."""
        return self.delivery.crashes if self.delivery else 0

    @property
    def fence(self) -> int:
        """A number that rises with each delivery of this message: pass it to systems that can refuse older ones."""
        return self.delivery.fence if self.delivery else 0

    @property
    def root_id(self) -> str | None:
        """The id of the message that everything here stems from."""
        return (self.message.root or self.message.id) if self.message else None

    @property
    def parent_id(self) -> str | None:
        return self.message.parent if self.message else None

    @property
    def group(self) -> str | None:
        """The id of the group that it is a member of."""
        return self.message.group if self.message else None

    @property
    def group_index(self) -> int | None:
        return self.message.group_index if self.message else None

    @property
    def chain(self) -> None:
        """Always None: what follows is in the store and not in the message; see ``horarium runs tree``."""
        return None

    @property
    def chord(self) -> str | None:
        """The id of the body that waits for the list that this run is part of, or None."""
        joins = self.message.joins if self.message else ()
        return next((join.id for join in joins if join.place is not None), None)

    @property
    def correlation_id(self) -> str | None:
        return self.id

    @property
    def origin(self) -> str | None:
        return self.message.origin if self.message else None

    @property
    def eta(self) -> str | None:
        """The requested start, ISO 8601, or None."""
        return _iso(self.message.eta if self.message else None)

    @property
    def expires(self) -> str | None:
        return _iso(self.message.expires if self.message else None)

    @property
    def task(self) -> str | None:
        """The task's name."""
        return self.message.task if self.message else None

    name = task_name = task

    @property
    def task_id(self) -> str | None:
        return self.id

    @property
    def timelimit(self) -> list[float | None]:
        """The hard and the soft time limit that were sent with the call."""
        return [self.time_limit, self.soft_time_limit]

    @property
    def time_limit(self) -> float | None:
        return self.message.time_limit if self.message else None

    @property
    def soft_time_limit(self) -> float | None:
        return self.message.soft_time_limit if self.message else None

    @property
    def callbacks(self) -> list[Signature]:
        """The links, as signatures that travel."""
        return list(self.message.links) if self.message else []

    @property
    def errbacks(self) -> list[Signature]:
        """The error links, as signatures that travel."""
        return list(self.message.error_links) if self.message else []

    @property
    def children(self) -> list[Any]:
        """The handles of what this execution has sent so far, at most 10,000; none for tasks with ``trail=False``."""
        found: list[Any] = self.__dict__.setdefault("_children", [])
        return found

    def note_child(self, result: Any) -> None:
        """Keep the handle of something that was sent."""
        if len(self.children) < MOST_CHILDREN:
            self.children.append(result)

    @property
    def shadow(self) -> str | None:
        """Another name under which the call asked to be shown."""
        return self.headers.get("shadow")

    @property
    def reply_to(self) -> str | None:
        """What the caller gave as ``reply_to``; results are read from the store."""
        return self.headers.get("reply_to")

    @property
    def stamps(self) -> dict[str, Any]:
        """What the call was stamped with."""
        return dict(self.headers.get("stamps") or {})

    @property
    def stamped_headers(self) -> list[str]:
        """The names of the stamps."""
        return list(self.headers.get("stamped_headers") or self.stamps)

    @property
    def replaced_task_nesting(self) -> int:
        """How many replacements deep this one is."""
        return int(self.headers.get("replaced_task_nesting") or 0)

    @property
    def properties(self) -> dict[str, Any]:
        """The properties of an AMQP message that ours would be, and what the header ``properties`` adds to them."""
        if self.message is None:
            return {}
        own = {"correlation_id": self.id, "reply_to": self.reply_to, "priority": self.message.priority}
        return own | dict(self.headers.get("properties") or {})

    @property
    def loglevel(self) -> int:
        """The level from which this process logs."""
        return logging.getLogger("horarium").getEffectiveLevel()

    @property
    def logfile(self) -> None:
        """Always None: logs go where the process's logging sends them."""
        return None

    @property
    def utc(self) -> bool:
        """Always True: instants travel in UTC."""
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute or a header, ``default`` if there is neither."""
        return getattr(self, name, default)

    def as_execution_options(self) -> dict[str, Any]:
        """Return the options of ``apply_async`` that would send this call again as it was sent."""
        message = self.message
        if message is None:
            return {}
        options = {
            "task_id": self.id,
            "root_id": self.root_id,
            "parent_id": self.parent_id,
            "queue": message.queue,
            "priority": message.priority,
            "time_limit": message.time_limit,
            "soft_time_limit": message.soft_time_limit,
            "ignore_result": message.ignore_result or None,
            "expires": to_datetime(message.expires) if message.expires is not None else None,
            "headers": dict(self.headers) or None,
        }
        return {option: value for option, value in options.items() if value is not None}

    @property
    def ignore_result(self) -> bool:
        return self.message.ignore_result if self.message else False

    @property
    def periodic_task_name(self) -> str | None:
        """The name of the schedule that fired this run, or None."""
        return self.message.schedule if self.message else None

    @property
    def nominal(self) -> Instant | None:
        """The due instant that the schedule meant, which may be earlier than the start."""
        return self.message.nominal if self.message else None

    @property
    def previous_nominal(self) -> Instant | None:
        """The due instant of the schedule before ``nominal``, whether or not it was fired; None if there is none."""
        return self._cause.previous

    @property
    def firing_kind(self) -> FiringKind | None:
        """``auto`` if it came due, ``backfill`` or ``manual`` if somebody asked for it; None if no schedule fired
        it."""
        return self._cause.kind if self.message and self.message.schedule else None

    @property
    def caught_up(self) -> bool:
        """Whether this instant was missed when it was due, and is fired later because of ``catchup``."""
        return self._cause.caught_up

    @property
    def fired_by(self) -> str:
        """Who asked for this run of the schedule; empty if it came due."""
        return self._cause.by

    @property
    def _cause(self) -> Cause:
        return (self.message.cause if self.message else None) or NO_CAUSE

    @property
    def delivery_info(self) -> dict[str, Any]:
        if self.message is None:
            return {}
        return {
            "exchange": "",
            "routing_key": self.message.queue,
            "priority": self.message.priority,
            "redelivered": self.attempt > self.retries + 1,
        }

    def __getattr__(self, name: str) -> Any:  # the headers are the caller's own, of any type
        headers = self.__dict__.get("headers", {})
        if name in headers:
            return headers[name]
        raise AttributeError(f"expected an attribute of the request or one of its headers, got {name!r}")


def _iso(instant: Instant | None) -> str | None:
    return to_datetime(instant).isoformat() if instant is not None else None


class PushedRequest(Request):
    """A request whose attributes somebody has made up, to try a task out (Task.push_request)."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self.__dict__["_fields"] = dict(fields)

    def __getattribute__(self, name: str) -> Any:  # as various as attributes are
        fields = object.__getattribute__(self, "__dict__").get("_fields", {})
        return fields[name] if name in fields else super().__getattribute__(name)


# The requests of this context, outermost first, each with the name of its task.
_stack: ContextVar[tuple[tuple[str, Request], ...]] = ContextVar("horarium_requests", default=())


class entered:
    """Make ``request`` the current one of the task for the length of a ``with`` block."""

    __slots__ = ("_entry", "_token")

    def __init__(self, task: str, request: Request) -> None:
        self._entry = (task, request)

    def __enter__(self) -> Request:
        self._token = _stack.set((*_stack.get(), self._entry))
        return self._entry[1]

    def __exit__(self, *exc: object) -> None:
        _stack.reset(self._token)


def current_request() -> Request | None:
    """Return the innermost request that stems from a message, None outside a task."""
    for _, request in reversed(_stack.get()):
        if request.message is not None:
            return request
    return None


def current_task_name() -> str | None:
    """Return the name of the task that runs here, called directly or not; None outside a task."""
    stack = _stack.get()
    return stack[-1][0] if stack else None


def request_of(task: str) -> Request | None:
    """Return the innermost request of this task, None if it is not running here."""
    for name, request in reversed(_stack.get()):
        if name == task:
            return request
    return None


def push(task: str, request: Request) -> None:
    """Make ``request`` the current one of the task until ``pop``."""
    _stack.set((*_stack.get(), (task, request)))


def pop(task: str) -> None:
    """Take the innermost request of the task off again. Raises: LookupError when there is none."""
    stack = _stack.get()
    for position in reversed(range(len(stack))):
        if stack[position][0] == task:
            _stack.set(stack[:position] + stack[position + 1 :])
            return
    raise LookupError(f"expected a request of {task} that was pushed, found none; call push_request first")
