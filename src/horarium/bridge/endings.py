"""What became of a run: from Celery's kept record (``celery-task-meta-ID``) to our outcome, and back. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.bridge.envelope import CELERY, Refusal
from horarium.bridge.values import UNSAYABLE, raw_from_celery, raw_to_celery, written
from horarium.clock import to_datetime
from horarium.errors import EncodingError
from horarium.message import Message, derived_id
from horarium.outcome import ErrorRecord, Failed, Ignored, Outcome, Revoked, Run, State, Succeeded, told

# Ours that Celery calls otherwise, or never tells its callers of: with those they would wait for ever.
_STATES = {
    State.SUCCESS: "SUCCESS",
    State.FAILURE: "FAILURE",
    State.REVOKED: "REVOKED",
    State.EXPIRED: "REVOKED",
    State.REJECTED: "FAILURE",
    State.DEAD: "FAILURE",
    State.IGNORED: "IGNORED",
}
_OURS = "horarium.errors."


def outcome_of(record: bytes, message: Message) -> Outcome | None:
    """Return the outcome that Celery's record tells; None while it tells no end."""
    try:
        meta = json.loads(record)
        status, result = meta["status"], meta.get("result")
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        return Failed(error=_unreadable(f"expected a record in JSON, got {codec.preview(record, 60)} ({error})"))
    match status:
        case "SUCCESS":
            return _succeeded(result, message)
        case "FAILURE":
            return Failed(error=_error_from(result, meta.get("traceback")))
        case "REVOKED":
            return Revoked(reason=_text_of(result) or "revoked in Celery")
        case "REJECTED" | "IGNORED":
            return Ignored()
        case _:
            return None


def lost_result(message: Message, seconds: float) -> Failed:
    """Return the outcome of one of which Celery has said nothing for too long."""
    return Failed(
        error=told(
            "TaskError",
            f"expected Celery to keep a result within {seconds:g} s, got none: what became of "
            f"{message.task}[{message.id}] is not known; give its workers the result backend that the bridge reads",
        )
    )


def meta_of(run: Run) -> bytes:
    """Return Celery's record of a run of ours that has ended."""
    status, result = _STATES[State(run.state)], None
    try:
        result = raw_to_celery(run.result, "result") if run.result is not None else None
    except UNSAYABLE as error:
        status, result = "FAILURE", _exception("kombu.exceptions", "EncodeError", [str(error)])
    if run.error is not None and run.state != State.SUCCESS:
        result = _exception_of(run.error)
    message = run.message
    meta: dict[str, Any] = {
        "status": status,
        "result": result,
        "traceback": run.error.traceback if run.error is not None else None,
        "children": [[[id, None], None] for id in children(run)],
        "date_done": to_datetime(run.ended or run.changed).isoformat(),
        "task_id": run.id,
    }
    kept = message.headers.get(CELERY)
    if isinstance(kept, dict) and kept.get("group"):
        meta["group_id"] = kept["group"]
    if message.parent:
        meta["parent_id"] = message.parent
    return written(meta)


def children(run: Run) -> tuple[str, ...]:
    """Return the ids of what the success of a run has set off by its links."""
    if run.state != State.SUCCESS:
        return ()
    message = run.message
    return tuple(
        link.options.get("task_id") or derived_id(message.id, "link", position)
        for position, link in enumerate(message.links)
    )


def _succeeded(result: Any, message: Message) -> Outcome:
    if message.ignore_result:
        return Succeeded(result=None)
    try:
        return Succeeded(result=raw_from_celery(result, "result"))
    except Refusal as error:
        return Failed(error=_unreadable(str(error)))


def _error_from(result: Any, traceback: Any) -> ErrorRecord:
    told_traceback = traceback if isinstance(traceback, str) else None
    if not isinstance(result, dict) or not isinstance(result.get("exc_type"), str):
        return ErrorRecord(class_path="builtins.Exception", text=str(result), traceback=told_traceback)
    given = result.get("exc_message")
    args = given if isinstance(given, list) else [given]
    try:
        raw = raw_from_celery(args, "exc_message")
    except Refusal:
        raw = Raw(codec.encode([str(args)]))
    module = result.get("exc_module")
    return ErrorRecord(
        class_path=f"{module}.{result['exc_type']}" if module else result["exc_type"],
        args=raw,
        text=_text_of(result),
        traceback=told_traceback,
    )


def _text_of(result: Any) -> str:
    if not isinstance(result, dict):
        return str(result or "")
    given = result.get("exc_message")
    if isinstance(given, list):
        return ", ".join(map(str, given)) if len(given) != 1 else str(given[0])
    return str(given or "")


def _exception_of(error: ErrorRecord) -> dict[str, Any]:
    try:
        args = raw_to_celery(error.args, "args")
    except (EncodingError, *UNSAYABLE):
        args = [error.text]
    module, _, kind = error.class_path.rpartition(".")
    if error.class_path.startswith(_OURS):  # Celery has most of them too, under its own roof
        module = "celery.exceptions"
    return _exception(module or "builtins", kind, args if isinstance(args, list) else [args])


def _exception(module: str, kind: str, args: list[Any]) -> dict[str, Any]:
    return {"exc_type": kind, "exc_message": args, "exc_module": module}


def _unreadable(text: str) -> ErrorRecord:
    remedy = "set result_serializer = 'json' where Celery's workers run"
    return ErrorRecord(
        class_path="horarium.errors.DecodingError",
        args=Raw(msgspec.json.encode([f"{text}; {remedy}"])),
        text=f"{text}; {remedy}",
    )
