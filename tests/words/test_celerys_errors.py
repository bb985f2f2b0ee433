"""Celery's exceptions by their names: constructors, texts, branches, pickling."""

from __future__ import annotations

import builtins
import pickle
from datetime import UTC, datetime

import pytest

from horarium import errors
from horarium.codec import decode_error, encode_error
from horarium.errors import (
    BackendGetMetaError,
    BackendStoreError,
    CeleryCommandException,
    CeleryError,
    MaxRetriesExceededError,
    NotRegistered,
    OperationalError,
    Reject,
    ResultTimeout,
    Retry,
    TaskError,
)

NAMES = (
    "CeleryWarning AlwaysEagerIgnored DuplicateNodenameWarning DuplicateTaskNameWarning FixupWarning NotConfigured "
    "SecurityWarning CeleryError ImproperlyConfigured SecurityError OperationalError TaskPredicate Ignore Reject Retry "
    "RetryTaskError TaskError QueueNotFound IncompleteStream NotRegistered AlreadyRegistered TimeoutError "
    "MaxRetriesExceededError TaskRevokedError InvalidTaskError ChordError BackendError BackendGetMetaError "
    "BackendStoreError SoftTimeLimitExceeded TimeLimitExceeded WorkerLostError Terminated CPendingDeprecationWarning "
    "CDeprecationWarning WorkerShutdown WorkerTerminate SystemTerminate CeleryCommandException"
).split()


def test_every_name_of_celerys_exceptions_is_there() -> None:
    assert [name for name in NAMES if not issubclass(getattr(errors, name), BaseException)] == []


def test_the_branches_are_celerys() -> None:
    for name in "QueueNotFound NotRegistered AlreadyRegistered TimeoutError ChordError TaskRevokedError".split():
        assert issubclass(getattr(errors, name), TaskError)
    assert issubclass(NotRegistered, KeyError)
    assert issubclass(errors.QueueNotFound, KeyError)
    assert issubclass(errors.WorkerShutdown, SystemExit)
    assert CeleryError is errors.HorariumError
    assert OperationalError is errors.EngineUnavailable


def test_a_result_that_came_too_late_is_a_timeout_by_every_name() -> None:
    late = ResultTimeout("id", 1.0, "PENDING")
    assert isinstance(late, errors.TimeoutError)
    assert isinstance(late, builtins.TimeoutError)
    assert isinstance(late, CeleryError)


def test_retry_says_when_and_why_and_travels() -> None:
    assert str(Retry()) == "Retry in 0s"
    assert str(Retry("again")) == "again"
    assert str(Retry(exc=OSError("down"), when=5)) == "Retry in 5s: OSError('down')"
    assert str(Retry(when=datetime(2026, 1, 1, tzinfo=UTC))) == "Retry at 2026-01-01 00:00:00+00:00"
    assert (Retry(exc="OSError()").exc, Retry(exc="OSError()").excs) == (None, "OSError()")
    there = pickle.loads(pickle.dumps(Retry("again", OSError("down"), 5.0)))
    assert (there.message, type(there.exc), there.when) == ("again", OSError, 5.0)


def test_reject_keeps_reason_and_requeue_on_every_road() -> None:
    rejected = Reject("full", requeue=True)
    assert (rejected.args, repr(rejected)) == (("full", True), "reject requeue=True: full")
    for copy in (pickle.loads(pickle.dumps(rejected)), decode_error(encode_error(rejected))):
        assert isinstance(copy, Reject)
        assert (copy.reason, copy.requeue, str(copy)) == ("full", True, "rejected: full")


def test_the_others_take_celerys_arguments() -> None:
    assert MaxRetriesExceededError("enough", task_args=(1,), task_kwargs={"x": 1}).task_args == [1]
    assert BackendGetMetaError("gone", task_id="a").task_id == "a"
    stored = BackendStoreError("gone", state="SUCCESS", task_id="a")
    assert (stored.state, stored.task_id) == ("SUCCESS", "a")
    assert CeleryCommandException("usage", exit_code=64).exit_code == 64


def test_warnings_can_be_filtered_by_their_root() -> None:
    with pytest.warns(errors.CeleryWarning):
        import warnings

        warnings.warn("eager", errors.AlwaysEagerIgnored, stacklevel=1)
