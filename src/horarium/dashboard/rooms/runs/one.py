"""The page of one run: where it stands, what happened, what it carries, and what to do."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.dashboard.ask import Ask, Download, Shown, Unanswerable
from horarium.dashboard.rooms.runs.acting import known
from horarium.dashboard.rooms.runs.listing import attempt_of
from horarium.dashboard.rooms.runs.place import room
from horarium.dashboard.rooms.schedules.place import address
from horarium.message import HIGHEST_PRIORITY
from horarium.observe.contents import Contents
from horarium.observe.document import run_document
from horarium.observe.looks import shown_state
from horarium.observe.question import asked, every, written
from horarium.observe.run_view import facts_of, finding_of, impossible, moments_of, relatives_of
from horarium.outcome import Attempt, ErrorRecord, Run

LOG_LINES = 500
WIDTH = 1000.0  # of the timeline, in its own units
LEAST = 3.0  # so wide is what took no time, to be seen


class Span(Struct, frozen=True, kw_only=True):
    """A part of the timeline: what it was (wait, run, pause) and how it went, where it begins and how wide it is."""

    kind: str
    tone: str
    x: float
    width: float
    label: str
    seconds: Seconds | None


class Try(Struct, frozen=True, kw_only=True):
    """One attempt as it is shown."""

    attempt: Attempt
    waited: Seconds | None
    took: Seconds | None
    similar: str  # the address of failures alike


@room.page("/runs/{id}")
def one(ask: Ask) -> Shown:
    [run] = ask.engine.results.read([ask.parts["id"]])
    if run is None:
        return _gone(ask)
    contents, reasons = Contents(ask.app), impossible(run)
    run = contents.seen(run)
    relatives, has_more = relatives_of(ask.engine, run)
    context: dict[str, Any] = {
        "run": run,
        "state": shown_state(run, ask.now),
        "attempt": attempt_of(run),
        "impossible": reasons,
        "highest": HIGHEST_PRIORITY,
        "is_known": run.message.task in ask.app.tasks,
        "facts": [(name, text) for name, text in facts_of(run) if name not in ("Task", "Queue", "Worker")],
        "moments": list(moments_of(run)),
        "timeline": timeline_of(run),
        "tries": tries_of(ask, run),
        "blocks": contents.blocks(run),
        "relatives": relatives,
        "children": ask.url("/runs", q=written(asked("parent", run.id))) if has_more else "",
        "logs": run.logs[-LOG_LINES:],
        "address": address,
    }
    return Shown(template="runs/one.html", title=run.message.task, context=context)


@room.page("/runs/{id}/why", live=False)
def why(ask: Ask) -> Shown:
    """Where it stands, in a sentence, as a part of its page that loads on its own: gathering the facts takes longer
    than the rest, and what it says moves on with the clock."""
    run = Contents(ask.app).seen(known(ask))
    finding = finding_of(ask.app, run, ask.now, command=ask.command, zone=ask.zone)
    return Shown(template="runs/why.html", title="", context={"finding": finding})


@room.page("/runs/{id}/raw", live=False)
def raw(ask: Ask) -> Download:
    """Raises: Unanswerable."""
    contents = Contents(ask.app)
    run = contents.seen(known(ask))
    whole = {name: Raw(contents.whole(run, name) or b"null") for name in contents.cuts(run)}
    body = msgspec.json.format(msgspec.json.encode(run_document(run) | whole), indent=2)
    return Download(name=f"run-{_file_name(run)}.json", body=body, media="application/json")


@room.page("/runs/{id}/part/{name}", live=False)
def block(ask: Ask) -> Download:
    """Raises: Unanswerable."""
    contents, name = Contents(ask.app), ask.parts["name"]
    run = contents.seen(known(ask))
    if name == "log":
        body: bytes | None = "\n".join(run.logs).encode("utf-8", "replace")
    elif name == "traceback":
        body = run.error.traceback.encode("utf-8", "replace") if run.error and run.error.traceback else None
    else:
        body = contents.whole(run, name)
    if body is None:
        raise Unanswerable("gone", "The run has no such part", hint="Look at its page.")
    ending = "txt" if name in ("log", "traceback") else "json"
    return Download(name=f"run-{_file_name(run)}-{name}.{ending}", body=body, media="application/octet-stream")


def timeline_of(run: Run) -> list[Span]:
    """Return the run's life so far as parts side by side. The last part of one that has not ended reaches to the edge:
    nothing here moves on with the clock."""
    pieces = list(_pieces(run))
    known_ends = [end for _, _, _, end in pieces if end is not None]
    if not pieces:
        return []
    begin = pieces[0][2]
    last = max([begin, *known_ends, *(start for _, _, start, _ in pieces)])
    is_open = pieces[-1][3] is None
    length = max(last - begin, 1) / (0.8 if is_open else 1.0)  # an open end has the last fifth
    spans = []
    for kind, tone, start, end in pieces:
        x = WIDTH * (start - begin) / length
        until = WIDTH if end is None else WIDTH * (end - begin) / length
        seconds = None if end is None else max(end - start, 0) / 1000
        width = max(until - x, LEAST)
        spans.append(
            Span(
                kind=kind,
                tone=tone,
                x=round(min(x, WIDTH - LEAST), 1),
                width=round(min(width, WIDTH), 1),
                label=_LABELS[kind],
                seconds=seconds,
            )
        )
    return spans


def tries_of(ask: Ask, run: Run) -> list[Try]:
    """Return its attempts, the last one first."""
    tries = []
    ready = run.message.created if run.message.retries or len(run.attempts) > 1 else run.message.due
    for attempt in run.attempts:
        started, ended = attempt.started, attempt.ended
        tries.append(
            Try(
                attempt=attempt,
                waited=None if started is None else max(started - ready, 0) / 1000,
                took=None if started is None or ended is None else max(ended - started, 0) / 1000,
                similar=_similar(ask, run, attempt.error) if attempt.error else "",
            )
        )
        ready = ended or ready
    return tries[::-1]


_LABELS = {"wait": "waited", "run": "ran", "pause": "waited to be tried again"}
_TONES = {"succeeded": "good", "failed": "bad", "crashed": "bad", "retried": "warn"}


def _pieces(run: Run) -> list[tuple[str, str, Instant, Instant | None]]:
    """Return what followed what: kind, tone, start, end; an end that has not come is None."""
    pieces: list[tuple[str, str, Instant, Instant | None]] = []
    message = run.message
    ready, kind = (message.created if message.retries or len(run.attempts) > 1 else message.due), "wait"
    for attempt in run.attempts:
        if attempt.started is None:
            continue
        pieces.append((kind, "idle", min(ready, attempt.started), attempt.started))
        ended = attempt.ended if attempt.ended is not None else attempt.started
        pieces.append(("run", _TONES.get(attempt.outcome, "off"), attempt.started, max(ended, attempt.started)))
        ready, kind = max(ended, attempt.started), "pause"
    if run.has_ended:
        if not pieces and run.ended is not None:
            pieces.append(("wait", "idle", min(ready, run.ended), run.ended))
        return pieces
    if run.started is not None and run.started >= ready:
        pieces.append((kind, "idle", ready, run.started))
        pieces.append(("run", "busy", run.started, None))
    else:
        pieces.append((kind, "idle", ready, None))
    return pieces


def _similar(ask: Ask, run: Run, error: ErrorRecord) -> str:
    return ask.url("/runs", q=written(every(asked("task", run.message.task), asked("error", error.class_path))))


def _gone(ask: Ask) -> Shown:
    """Say what can be said of a run that is not kept: our own ids tell when it was made."""
    made, conf = _made(ask.parts["id"]), ask.app.conf
    made = made if made is not None and made <= ask.now else None
    kept = conf.result_expires or 0.0
    failed = kept if conf.result_failure_expires is None else conf.result_failure_expires
    context: dict[str, Any] = {
        "id": ask.parts["id"],
        "made": made,
        "kept": kept,
        "kept_failed": failed,
        "most": conf.keep_runs,
        "until": made + milliseconds(max(kept, failed)) if made is not None and kept and failed else None,
    }
    return Shown(template="runs/gone.html", title="Nothing is known of this run", context=context, status=404)


def _made(id: str) -> Instant | None:
    """Return the moment that is written in a UUIDv7; None for any other id."""
    digits = id.replace("-", "")
    if len(digits) != 32 or len(id) != 36 or id[14] != "7" or not all(char in "0123456789abcdef" for char in digits):
        return None
    return int(digits[:12], 16)


def _file_name(run: Run) -> str:
    kept = "".join(char for char in run.id if char.isascii() and (char.isalnum() or char in "-_"))
    return kept[:64] or "unnamed"
