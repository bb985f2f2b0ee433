"""Ends that a task's code has no part in: a hard time limit, a revocation, a process that died once too often.

Django's ``task_finished`` tells of them too, in the process in which Horarium's own signals do.
"""

from __future__ import annotations

from typing import Any

from django.tasks.base import TaskResultStatus
from django.tasks.signals import task_finished

from horarium import codec, signals
from horarium.app.current import current_app
from horarium.app.request import current_request
from horarium.contrib.django.columns import column_value
from horarium.contrib.django.tasks.declared import find
from horarium.contrib.django.tasks.marks import Mark
from horarium.contrib.django.tasks.results import amend, error_of, result_of
from horarium.outcome import ErrorRecord, told

_UID = "horarium.contrib.django.tasks"


def listen() -> None:
    """Begin to tell; once is enough, and twice is fine."""
    signals.task_failure.connect(_failed, weak=False, dispatch_uid=_UID)
    signals.task_revoked.connect(_revoked, weak=False, dispatch_uid=_UID)


def _failed(sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    request = current_request()
    if request is None or request.id != task_id:  # else the task's code raised it, and after_return tells
        _tell(sender, task_id, codec.encode_error(exception) if exception is not None else None)


def _revoked(sender: Any = None, request: Any = None, expired: bool = False, **_: Any) -> None:
    reason = ("TaskExpiredError", "not started before it expired") if expired else ("TaskRevokedError", "revoked")
    _tell(sender, request.id, told(*reason))


def _tell(sender: Any, id: str, record: ErrorRecord | None) -> None:
    declared = find(getattr(sender, "name", sender), looking=False)
    if declared is None:
        return
    app = getattr(sender, "app", None) or current_app()
    [run] = app.connection.engine.results.read([id])
    if run is None:
        return
    result = result_of(run, declared, Mark(run.message.headers).backend or declared.backend)
    if not result.is_finished:  # the end is on its way to the store
        errors = [*result.errors, *([error_of(record)] if record is not None else [])]
        amend(result, status=TaskResultStatus.FAILED, finished_at=column_value(app.now()), errors=errors)
    task_finished.send_robust(sender=type(declared.get_backend()), task_result=result)
