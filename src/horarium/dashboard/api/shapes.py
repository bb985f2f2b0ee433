"""The shapes of what the API answers. They only ever grow: a field is never taken away or given another meaning in v1.

Moments are RFC 3339 in UTC, durations seconds, ids text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Raw
from pydantic import BaseModel, ConfigDict, Field

from horarium.clock import Instant
from horarium.observe.contents import PREVIEW
from horarium.observe.looks import look_of, shown_state
from horarium.observe.moments import iso
from horarium.observe.redacted import BLOCKS, IN_LISTS, LIMIT, cuts_of, shown_run, value_of
from horarium.outcome import Attempt, ErrorRecord, Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

T = TypeVar("T")
# Any: JSON as a task was given it, or gave it; in Horarium's tagged form where JSON has no word.
Json = Any
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, Field(max_length=500)]


class Given(BaseModel):
    """What a caller sends: a field that we do not know is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")


class Paged(BaseModel, Generic[T]):
    """A page. ``approx_total`` is None where only counting would tell; capped: there are at least so many."""

    items: list[T]
    next: str | None = None
    prev: str | None = None
    approx_total: int | None = None
    total_is_capped: bool = False


class ErrorShape(BaseModel):
    type: str
    text: str
    traceback: str | None = None


class ProgressShape(BaseModel):
    done: float
    total: float | None = None
    note: str = ""


class RunShape(BaseModel):
    """A run as listings show it. ``state`` is Celery's word, ``word`` ours."""

    id: str
    task: str
    state: str
    word: str
    queue: str
    priority: int
    created: str
    due: str | None = None
    expires: str | None = None
    started: str | None = None
    ended: str | None = None
    ran_seconds: float | None = None
    attempts: int
    worker: str | None = None
    schedule: str | None = None
    nominal: str | None = None
    parent: str | None = None
    root: str | None = None
    group: str | None = None
    error: ErrorShape | None = None
    progress: ProgressShape | None = None


class CutShape(BaseModel):
    """A value that is too long: how many bytes its JSON has, and how that begins."""

    size_bytes: int
    beginning: str


class WholeRunShape(RunShape):
    """A run with what it was given and what it gave. What is too long is None, and told in ``cut``."""

    args: Json = None
    kwargs: Json = None
    result: Json = None
    meta: Json = None
    cancel: str | None = None
    log_lines: int = 0
    cut: dict[str, CutShape] = Field({}, description="By name; GET /runs/{id}/parts/{name} has the whole.")


class AttemptShape(BaseModel):
    number: int
    worker: str
    outcome: str
    started: str | None = None
    ended: str | None = None
    error: ErrorShape | None = None


class Made(BaseModel):
    """A run that a request made, or found: ``is_new`` is False when it was there already."""

    id: str
    task: str
    is_new: bool
    url: str


class Told(BaseModel):
    """What was done, for people, and how many things it changed."""

    text: str
    count: int = 1


class ProblemShape(BaseModel):
    """RFC 9457. ``code`` is for programs; ``hint`` says what to do."""

    type: str
    title: str
    status: int
    code: str
    hint: str = ""
    request_id: str = ""
    errors: list[dict[str, Json]] | None = None


def moment(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)


def decoded(raw: Raw | None) -> Json:
    """Return stored JSON as a value."""
    return None if raw is None else msgspec.json.decode(raw)


def run_fields(app: Horarium, run: Run, now: Instant, *, is_whole: bool = False) -> dict[str, Any]:
    """Return a run as a listing shows it, or the whole, without its secrets. Any: the fields of the shapes."""
    stored = run
    run = shown_run(run, app, limit=LIMIT if is_whole else IN_LISTS)
    message, state = run.message, shown_state(run, now)
    fields = {
        "id": run.id,
        "task": message.task,
        "state": run.state,
        "word": look_of(state).word,
        "queue": message.queue,
        "priority": message.priority,
        "created": iso(message.created),
        "due": moment(message.eta),
        "expires": moment(message.expires),
        "started": moment(run.started),
        "ended": moment(run.ended),
        "ran_seconds": run.took,
        "attempts": len(run.attempts),
        "worker": run.worker or None,
        "schedule": message.schedule,
        "nominal": moment(message.nominal),
        "parent": message.parent,
        "root": message.root,
        "group": message.group,
        "error": error_fields(run.error, is_whole=is_whole),
        "progress": None,
    }
    if run.progress is not None:
        fields["progress"] = {"done": run.progress.done, "total": run.progress.total, "note": run.progress.note}
    if is_whole:
        cuts = cuts_of(stored, run)
        fields |= {name: None if name in cuts else decoded(value_of(run, name)) for name in BLOCKS}
        fields |= {
            "cut": {name: {"size_bytes": cut.size, "beginning": cut.text[:PREVIEW]} for name, cut in cuts.items()},
            "cancel": run.cancel,
            "log_lines": len(run.logs),
        }
    return fields


def attempt_fields(attempt: Attempt) -> dict[str, Any]:  # Any: as above
    return {
        "number": attempt.number,
        "worker": attempt.worker,
        "outcome": attempt.outcome,
        "started": moment(attempt.started),
        "ended": moment(attempt.ended),
        "error": error_fields(attempt.error, is_whole=True),
    }


def error_fields(error: ErrorRecord | None, *, is_whole: bool) -> dict[str, Any] | None:  # Any: as above
    if error is None:
        return None
    text = error.text if is_whole else error.text[:500]
    return {"type": error.class_path, "text": text, "traceback": error.traceback if is_whole else None}
