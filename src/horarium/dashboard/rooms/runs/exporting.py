"""Runs as a file to keep: the newest that a question means, as CSV, JSON or JSON lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import msgspec

from horarium.dashboard.ask import Ask, Download, Unanswerable
from horarium.dashboard.rooms.runs.asked import look_for, read, sight_of
from horarium.dashboard.rooms.runs.place import room
from horarium.dashboard.spreadsheet import cell
from horarium.observe.document import run_document
from horarium.observe.moments import iso
from horarium.outcome import Run

MOST = 5000  # runs of one file
MOST_SEARCHED = 50_000
COLUMNS = (
    *("id", "task", "state", "queue", "created", "started", "ended", "seconds", "attempts", "worker", "schedule"),
    *("args", "kwargs", "result", "error_class", "error_text"),
)


@room.page("/runs/export", live=False, is_long=True)
def export(ask: Ask) -> Download:
    """Raises: Unanswerable, InvalidQuestion."""
    kind = ask.query.get("as", "csv")
    if kind not in ("csv", "json", "jsonl"):
        raise Unanswerable("wrong", f"expected csv, json or jsonl, got {kind[:20]!r}", hint="Choose one of them.")
    found, sight = read(ask), sight_of(ask)
    if found.trouble is not None:
        raise found.trouble
    runs = look_for(ask.engine.results, found.question, sight, limit=MOST, most=MOST_SEARCHED).runs
    runs = tuple(map(sight.contents.seen, runs))
    name = f"runs-{iso(ask.now)[:19].replace(':', '')}.{kind}"
    if kind == "csv":
        return Download(name=name, body=_csv(runs), media="text/csv; charset=utf-8")
    documents = [run_document(run) for run in runs]
    if kind == "json":
        return Download(name=name, body=msgspec.json.encode(documents), media="application/json")
    lines = b"".join(msgspec.json.encode(document) + b"\n" for document in documents)
    return Download(name=name, body=lines, media="application/jsonl")


def _csv(runs: Iterable[Run]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for run in runs:
        writer.writerow([cell(value) for value in _cells(run)])
    return out.getvalue().encode("utf-8", "replace")


def _cells(run: Run) -> list[str]:
    message, error, result = run.message, run.error, run.result
    moments = [iso(each) if each is not None else "" for each in (message.created, run.started, run.ended)]
    return [
        run.id,
        message.task,
        run.state,
        message.queue,
        *moments,
        "" if run.took is None else f"{run.took:.3f}",
        str(len(run.attempts)),
        run.worker,
        message.schedule or "",
        bytes(message.args).decode("utf-8", "replace"),
        bytes(message.kwargs).decode("utf-8", "replace"),
        "" if result is None else bytes(result).decode("utf-8", "replace"),
        "" if error is None else error.class_path,
        "" if error is None else error.text,
    ]
