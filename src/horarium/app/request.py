"""What a running task can know of itself: ``self.request``.

The innermost request of the running thread or coroutine is kept in a context variable, so that two tasks in two
threads, or in one event loop, never see each other's.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from horarium.app.transaction import Joined
from horarium.clock import Instant, to_datetime
from horarium.message import Cause, Delivery, FiringKind
from horarium.outcome import Reported, Retried
from horarium.workflow.plan import Workflow

NO_CAUSE = Cause()  # of what no schedule has fired, and of what an older version did

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
        self.retried: Retried | None = None  # set by Task.retry(throw=False)
        self.replaced: Workflow | None = None  # set by Task.replace; its last message is this one's successor
        self.added: list[Workflow] = []  # by Task.add_to_chord
        self.started: Instant | None = None  # set when the task's code begins
        self.finished_in: Joined | None = None  # the transaction, set by Task.finish_in
        self.id: str | None = message.id if message else None
        self.retries: int = message.retries if message else 0
        self.headers: dict[str, Any] = message.headers if message else {}

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
    def timelimit(self) -> tuple[float | None, float | None]:
        """The hard and the soft time limit that were sent with the call."""
        return (self.message.time_limit, self.message.soft_time_limit) if self.message else (None, None)

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


def request_of(task: str) -> Request | None:
    """Return the innermost request of this task, None if it is not running here."""
    for name, request in reversed(_stack.get()):
        if name == task:
            return request
    return None
