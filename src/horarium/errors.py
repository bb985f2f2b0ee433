"""Every error that Horarium raises, as one tree; callers catch by branch.

HorariumError                        (Celery: CeleryError)
├── ImproperlyConfigured
│   ├── UnknownSetting
│   ├── InvalidSetting
│   └── ConfigurationNotFound (ImportError)
├── InvalidSchedule (ValueError)
│   └── MissingExtra
├── ScheduleRefused (ValueError)
│   └── OwnedByCode
├── InvalidArguments (TypeError)
│   └── InvalidLimits (ValueError)
├── InvalidQuestion (ValueError)
├── CodecError
│   ├── EncodingError (TypeError)
│   │   └── PayloadTooLarge
│   └── DecodingError (ValueError)
├── EngineError
│   ├── EngineUnavailable            (Celery: OperationalError)
│   ├── StoreUnusable
│   ├── OwnerLost
│   ├── AttemptSuperseded
│   ├── CannotJoinTransaction
│   ├── ScheduleConflict
│   └── ScheduleNotFound (LookupError)
├── TaskError
│   ├── NotRegistered (KeyError)
│   ├── AlreadyRegistered
│   ├── TimeoutError (TimeoutError)
│   ├── TaskRevokedError
│   │   └── TaskExpiredError
│   ├── MaxRetriesExceededError
│   ├── TimeLimitExceeded
│   ├── NotCommittedError
│   ├── WorkerLostError
│   ├── ChordError
│   ├── QueueNotFound (KeyError)
│   ├── IncompleteStream
│   ├── InvalidTaskError             (for Celery's callers, as the next one)
│   └── Terminated
├── ResultError
│   ├── RunNotFound (LookupError)
│   ├── ResultTimeout (TimeoutError above)
│   ├── ResultsNotKept
│   └── RemoteError
├── TaskPredicate                    (raised by tasks to steer their own end)
│   ├── Retry
│   ├── Ignore
│   └── Reject
├── SecurityError                    (for Celery's callers, as all that follow)
├── CeleryCommandException
└── BackendError
    ├── BackendGetMetaError
    └── BackendStoreError
SoftTimeLimitExceeded (Exception)    (raised inside a task; an ordinary ``except Exception`` sees it)

A message says what was expected, what came, and what to do; the facts are attributes too. Names that Celery's
users know are kept, with their constructors; those marked so are there to be imported, caught and raised by code that
was written for Celery, and Horarium raises none of them.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from horarium.cautions import (  # noqa: F401  # one place for callers to import from
    AlwaysEagerIgnored,
    CDeprecationWarning,
    CeleryWarning,
    CPendingDeprecationWarning,
    DuplicateNodenameWarning,
    DuplicateTaskNameWarning,
    FixupWarning,
    NotConfigured,
    SecurityWarning,
    WorkerShutdown,
    WorkerTerminate,
)


class HorariumError(Exception):
    """The root of the tree."""


class ImproperlyConfigured(HorariumError):
    """The app, its settings or the command line do not fit together."""


class UnknownSetting(ImproperlyConfigured):
    """A setting's name is not known."""

    def __init__(self, key: str, nearest: str | None) -> None:
        hint = f"; did you mean {nearest!r}?" if nearest else "; `horarium check` lists the settings"
        super().__init__(f"expected the name of a setting, got {key!r}{hint}")
        self.key = key
        self.nearest = nearest


class InvalidSetting(ImproperlyConfigured):
    """A setting's value is not of the kind it must be."""

    def __init__(self, key: str, expected: str, value: object, remedy: str = "") -> None:
        text = f"expected {key} to be {expected}, got {value!r}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.key = key
        self.value = value


class ConfigurationNotFound(ImproperlyConfigured, ImportError):
    """The module, or the attribute in it, that an app takes its settings from is not there."""


class InvalidSchedule(HorariumError, ValueError):
    """A schedule's spec cannot be read, is out of range, or never fires."""


class MissingExtra(InvalidSchedule):
    """A schedule needs a library that is not installed here; ``extra`` names what to install."""

    def __init__(self, extra: str, what: str, error: ImportError) -> None:
        super().__init__(
            f"expected the libraries for {what} to be installed, got: {error}; install them with: pip install "
            f"'horarium[{extra}]'"
        )
        self.extra = extra


class ScheduleRefused(HorariumError, ValueError):
    """What was asked of a schedule cannot be done as it stands; the message says what would do."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"schedule {name!r}: {text}")
        self.name = name
        self.text = text


class OwnedByCode(ScheduleRefused):
    """The definition of a schedule is code's or a table's: a person changes it only after taking it over."""

    def __init__(self, name: str, definer: str, what: str) -> None:
        super().__init__(
            name,
            f"expected one that a person owns, got one that {definer} defines; {what} it there, or pass "
            "take_over=True (`--take-over`)",
        )
        self.definer = definer


class InvalidArguments(HorariumError, TypeError):
    """A call does not fit the task's signature."""


class InvalidLimits(InvalidArguments, ValueError):
    """A call's soft time limit is longer than its hard one."""


class InvalidQuestion(HorariumError, ValueError):
    """What runs are asked for by cannot be read; ``position`` is the place in it, ``nearest`` what was likely meant."""

    def __init__(self, problem: str, position: int, *, nearest: str | None = None) -> None:
        super().__init__(f"at character {position + 1}: {problem}" + (f"; did you mean {nearest}?" if nearest else ""))
        self.problem, self.position, self.nearest = problem, position, nearest


class CodecError(HorariumError):
    """A value could not be carried over JSON."""


class EncodingError(CodecError, TypeError):
    """A value cannot be said in JSON; ``path`` tells which one (``args[0].user``)."""

    def __init__(self, path: str, expected: str, got: str, remedy: str) -> None:
        super().__init__(path, expected, got, remedy)  # kept apart, so that a result can carry it and rebuild it
        self.path = path

    def __str__(self) -> str:
        path, expected, got, remedy = self.args
        return f"{path}: expected {expected}, got {got}; {remedy}"


class PayloadTooLarge(EncodingError):
    """An encoded value is larger than the limit."""

    def __init__(self, path: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(path, f"at most {limit_bytes} bytes", f"{size_bytes} bytes", "pass less")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        self.args = (path, size_bytes, limit_bytes)

    def __str__(self) -> str:
        return (
            f"{self.path}: expected at most {self.limit_bytes} bytes of JSON, got {self.size_bytes}; store the data "
            "elsewhere and pass its id, or raise the limit (max_payload_bytes, max_result_bytes)"
        )


class DecodingError(CodecError, ValueError):
    """Stored JSON is malformed or does not fit the type it should have."""


class EngineError(HorariumError):
    """The store did not do what was asked."""


class EngineUnavailable(EngineError):
    """The store cannot be reached or is too busy; whether anything was recorded is unknown, and the same call
    with the same ids may be made again safely."""


class StoreUnusable(EngineError):
    """The store can be reached but not worked with (corrupt, read-only, a newer schema); retrying does not help."""


class OwnerLost(EngineError):
    """The store has given this owner's deliveries to others: its lease had lapsed. Start anew under a new name."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"expected owner {owner!r} to hold a lease, but it has lapsed and its deliveries went back to their "
            "queues; the process must go on as a new owner"
        )
        self.owner = owner


class AttemptSuperseded(EngineError):
    """A task said that it ends in this transaction, but its message has been given to another attempt meanwhile, or
    has ended: roll back, for nothing that this attempt did may count."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"expected this attempt to hold run {run_id}, but it was cancelled, has ended, or was given to another one "
            "because the lease had lapsed; let the transaction roll back"
        )
        self.run_id = run_id


class CannotJoinTransaction(EngineError):
    """The store cannot take part in a transaction of this connection."""


class ScheduleConflict(EngineError):
    """A schedule was changed by somebody else since it was read, or one that is to be new is there already."""

    def __init__(self, name: str, expected: int, found: int) -> None:
        super().__init__(
            f"expected version {expected} of schedule {name!r}, found version {found}: somebody changed it since; "
            "read it again and repeat the change"
            if expected
            else f"expected a name that no schedule has, got {name!r}, which is taken; edit or delete that one, or "
            "choose another name"
        )
        self.name, self.expected, self.found = name, expected, found


class ScheduleNotFound(EngineError, LookupError):
    """No schedule has this name."""

    def __init__(self, name: str, nearest: str | None = None) -> None:
        meant = f"did you mean {nearest!r}? " if nearest else ""
        super().__init__(
            f"expected the name of a stored schedule, got {name!r}; {meant}`horarium schedules list` shows them"
        )
        self.name = name
        self.nearest = nearest


class TaskError(HorariumError):
    """A task ended in a way that its own code did not choose."""


class QueueNotFound(TaskError, KeyError):
    """A call names a queue that there is none of, and ``task_create_missing_queues`` is off."""

    def __init__(self, queue: str, known: Iterable[str]) -> None:
        super().__init__(
            f"expected one of the queues {', '.join(sorted(known))}, got {queue!r}; add it to task_queues, or let "
            "task_create_missing_queues be True"
        )
        self.queue = queue

    def __str__(self) -> str:  # a KeyError would show it in quotes
        return str(self.args[0])


class NotRegistered(TaskError, KeyError):
    """No task has this name."""

    def __init__(self, task: str, nearest: str | None = None) -> None:
        hint = f"; did you mean {nearest!r}?" if nearest else "; import the module that defines it"
        self.text = f"expected the name of a registered task, got {task!r}{hint}"
        super().__init__(self.text)
        self.task = task
        self.nearest = nearest

    def __str__(self) -> str:  # KeyError would show the repr
        return self.text


class AlreadyRegistered(TaskError):
    """Two different functions ask for one task name."""


class TimeoutError(TaskError, builtins.TimeoutError):
    """The operation took longer than it was given."""


class ResultError(HorariumError):
    """A result could not be had."""


class RunNotFound(ResultError, LookupError):
    """The store knows no run of this id: it was never sent here, was forgotten, or has expired."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"expected the id of a stored run, got {run_id!r}: it was never sent to this store, was forgotten, "
            "or is older than result_expires"
        )
        self.run_id = run_id


class ResultTimeout(ResultError, TimeoutError):
    """The run had not ended when the time was up; it goes on."""

    def __init__(self, run_id: str, timeout: float, state: str) -> None:
        super().__init__(
            f"expected run {run_id} to end within {timeout:g} s, it is {state}; wait longer, or ask "
            f"`horarium runs show {run_id}` why it waits"
        )
        self.run_id = run_id
        self.state = state


class ResultsNotKept(ResultError):
    """The app keeps no results: its setting ``result_backend`` is None."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"expected the result of run {run_id} to be kept, but the setting result_backend is None; leave it out to "
            "keep results in the store, or give it the URL of another one"
        )
        self.run_id = run_id


class RemoteError(ResultError):
    """A task failed with an exception whose class is not imported here; ``class_path`` names it."""

    def __init__(self, class_path: str, text: str, traceback: str | None = None) -> None:
        super().__init__(f"{class_path}: {text}" if text else class_path)
        self.class_path, self.text, self.traceback = class_path, text, traceback


class TaskRevokedError(TaskError):
    """The task was cancelled before it ended."""


class TaskExpiredError(TaskRevokedError):
    """The task was not started before its ``expires``."""


class MaxRetriesExceededError(TaskError):
    """``self.retry()`` was called once more than ``max_retries`` allows, with no other exception to raise."""

    def __init__(self, *args: Any, task_args: Any = (), task_kwargs: Any = None) -> None:
        super().__init__(*args)
        self.task_args = list(task_args)
        self.task_kwargs = dict(task_kwargs or {})


class TimeLimitExceeded(TaskError):
    """The task ran longer than its hard ``time_limit`` and was ended."""


class ChordError(TaskError):
    """The body of a chord can never run: one of its header did not succeed."""


class IncompleteStream(TaskError):
    """A result whose descendants were asked for has not ended."""


class NotCommittedError(TaskError):
    """The task said that it ends in a transaction, and returned without committing it."""


class WorkerLostError(TaskError):
    """The process that ran the task died (killed, out of memory, segmentation fault, ``os._exit``)."""


class TaskPredicate(HorariumError):
    """Raised by a task to steer its own end; not a failure."""


class Retry(TaskPredicate):
    """Run the task again later, ``when``: after so many seconds, or at a moment; as ``task.retry`` raises it."""

    def __init__(
        self,
        message: str | None = None,
        exc: BaseException | str | None = None,
        when: float | datetime | None = None,
        is_eager: bool = False,
        sig: Any = None,  # a signature, opaque on this floor
        *,
        outcome: Any = None,  # the Retried outcome that Task.retry has already decided; opaque on this floor
    ) -> None:
        super().__init__(message, exc, when)
        self.message = message
        self.exc = exc if isinstance(exc, BaseException) else None
        self.excs = exc if isinstance(exc, str) else repr(exc) if exc is not None else None
        self.when = when
        self.is_eager = is_eager
        self.sig = sig
        self.outcome = outcome

    def humanize(self) -> str:
        """Say when: ``in 5s`` or ``at 2026-01-01 00:00:00``."""
        return f"at {self.when}" if isinstance(self.when, datetime) else f"in {self.when or 0:g}s"

    def __str__(self) -> str:
        return self.message or f"Retry {self.humanize()}" + (f": {self.excs}" if self.excs else "")

    def __reduce__(self) -> Any:
        return type(self), (self.message, self.exc, self.when)


class Ignore(TaskPredicate):
    """End the task without recording a result."""


class Reject(TaskPredicate):
    """Refuse the message: give it back to its queue (``requeue=True``) or end it as failed."""

    def __init__(self, reason: object = None, requeue: bool = False) -> None:
        super().__init__(reason, requeue)
        self.reason, self.requeue = reason, requeue

    def __str__(self) -> str:
        return f"rejected: {self.reason}" if self.reason is not None else "rejected"

    def __repr__(self) -> str:
        return f"reject requeue={self.requeue}: {self.reason}"


class InvalidTaskError(TaskError):
    """For Celery's callers: a message is none; here EncodingError or DecodingError says so."""


class Terminated(TaskError):
    """For Celery's callers: a process was ended by request; here the run is REVOKED."""


class SecurityError(HorariumError):
    """For Celery's callers: something is not trusted."""


class CeleryCommandException(HorariumError):
    """For Celery's callers: a command ends with this message and exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message, self.exit_code = message, exit_code


class BackendError(HorariumError):
    """For Celery's callers: results cannot be read or written; here EngineError says so."""


class BackendGetMetaError(BackendError):
    """For Celery's callers: the result of ``task_id`` cannot be read."""

    def __init__(self, *args: Any, task_id: str = "") -> None:
        super().__init__(*args)
        self.task_id = task_id


class BackendStoreError(BackendError):
    """For Celery's callers: the ``state`` of ``task_id`` cannot be written."""

    def __init__(self, *args: Any, state: str = "", task_id: str = "") -> None:
        super().__init__(*args)
        self.state, self.task_id = state, task_id


class SoftTimeLimitExceeded(Exception):
    """The task has run longer than its ``soft_time_limit``: finish now, the hard limit comes next."""


CeleryError = HorariumError
OperationalError = EngineUnavailable
RetryTaskError = Retry
SystemTerminate = WorkerTerminate
