"""Everything that is known of one run, in the order in which people ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from msgspec.structs import replace

from horarium.app.again import RETRY_OF, refusal
from horarium.app.current import current_app
from horarium.clock import Instant
from horarium.contrib.django.pages.page import COMMAND, address
from horarium.contrib.django.pages.periodic import addresses_of
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.observe.facts import gather, held_run
from horarium.observe.looks import look_of, shown_state
from horarium.observe.moments import span
from horarium.observe.redacted import shown_run
from horarium.observe.text import LONG, json_text, visible
from horarium.observe.waiting import explain
from horarium.outcome import Run

RELATIVES = 20  # children that are listed
LOG_LINES = 500


class Event(NamedTuple):
    """A line of a run's history."""

    at: Instant | None
    text: str
    tone: str = "idle"
    detail: str = ""


class Block(NamedTuple):
    """A long text under a heading."""

    title: str
    text: str


def context_of(site: admin.AdminSite, request: HttpRequest, engine: Engine, run: Run) -> dict[str, Any]:
    """Read what the page shows."""
    now = engine.now()
    finding, impossible = _finding(engine, run, now), _impossible(run)
    run = shown_run(run, current_app())
    message = run.message
    return {
        "run": run,
        "state": shown_state(run, now),
        "finding": finding,
        "facts": list(_facts(run)),
        "moments": list(_moments(run)),
        "relatives": list(_relatives(site, engine, run)),
        "schedule": message.schedule,
        "schedule_url": addresses_of(request, {message.schedule}).get(message.schedule) if message.schedule else None,
        "history": _history(run),
        "blocks": [block for block in _blocks(run) if block.text],
        "impossible": impossible,
    }


def _finding(engine: Engine, run: Run, now: Instant) -> Any:
    """Say in a sentence where it stands, and what to do. What has ended shows that by itself."""
    if run.has_ended:
        return None
    facts = gather(current_app(), now, command=COMMAND, with_schedules=False)
    found = explain(facts, run, held_run(engine, run))
    return replace(found, text=f"It {found.text[3:]}") if found.text.startswith("it ") else found


def _impossible(run: Run) -> dict[str, str]:
    """Say which actions make no sense now, and why."""
    why: dict[str, str] = {}
    if reason := refusal(run):
        why["retry"] = reason
    if run.has_ended:
        why["revoke"] = why["terminate"] = f"it has ended: {look_of(run.state).word}"
    return why


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    message = run.message
    yield "Id", run.id
    yield "Task", message.task
    yield "Queue", f"{message.queue}, priority {message.priority}"
    if run.worker:
        yield "Worker", run.worker
    if run.attempts:
        yield "Attempts", f"{len(run.attempts)}" + (f", retries {message.retries}" if message.retries else "")
    limits = [
        f"{name} {span(limit)}"
        for name, limit in (("soft", message.soft_time_limit), ("hard", message.time_limit))
        if limit
    ]
    if limits:
        yield "Time limits", ", ".join(limits)
    if message.origin:
        yield "Sent by", message.origin
    if message.cause is not None:
        yield "Cause", message.cause.kind + (f", by {message.cause.by}" if message.cause.by else "")
    if message.slot is not None:
        yield "Room", f"no more than {message.slot.size} of {message.slot.key} at once"
    if message.unique is not None:
        yield "Unique", f"{message.unique.key}, until its {message.unique.until}"
    if run.cancel:
        yield (
            "Cancelled",
            "while it was running" + (", its process is told to stop" if run.cancel == "terminate" else ""),
        )


def _moments(run: Run) -> Iterator[tuple[str, Instant]]:
    message = run.message
    pairs = (
        ("Due for", message.nominal),
        ("Sent", message.created),
        ("Not before", message.eta),
        ("Expires", message.expires),
        ("Started", run.started),
        ("Ended", run.ended),
    )
    yield from ((name, instant) for name, instant in pairs if instant is not None)


def _relatives(site: admin.AdminSite, engine: Engine, run: Run) -> Iterator[dict[str, Any]]:
    message = run.message
    again = message.headers.get(RETRY_OF)
    named = (
        ("repeats", again if isinstance(again, str) else None),
        ("was sent by", message.parent),
        ("belongs to", message.root if message.root not in (run.id, message.parent) else None),
        *(("then", join.id) for join in message.joins[:RELATIVES]),
    )
    pairs = [(how, id) for how, id in named if id]
    for (how, id), other in zip(pairs, engine.results.read([id for _, id in pairs]), strict=True):
        yield _relative(site, how, id, other)
    children = engine.results.search(RunFilter(parent=run.id), Page(limit=RELATIVES + 1)).runs
    for child in children[:RELATIVES]:
        yield _relative(site, "has sent", child.id, child)
    if len(children) > RELATIVES:
        yield {"how": "has sent", "more": f"and others: {COMMAND} runs tree {run.id}"}


def _relative(site: admin.AdminSite, how: str, id: str, run: Run | None) -> dict[str, Any]:
    return {
        "how": how,
        "id": id,
        "url": None if run is None else address(site, "run", id),
        "task": "no longer kept" if run is None else run.message.task,
        "state": None if run is None else run.state,
    }


def _history(run: Run) -> list[Event]:
    message = run.message
    events = [Event(message.created, "sent" + (f" by {message.origin}" if message.origin else ""))]
    if message.gate is not None:
        events.append(Event(None, "waits until others have ended"))
    for attempt in run.attempts:
        where = f" on {attempt.worker}" if attempt.worker else ""
        if attempt.started is not None:
            events.append(Event(attempt.started, f"attempt {attempt.number} started{where}", "busy"))
        error = f"{attempt.error.class_path}: {attempt.error.text}" if attempt.error else ""
        tone = {"succeeded": "good", "failed": "bad"}.get(attempt.outcome, "warn")
        lasted = ""
        if attempt.started is not None and attempt.ended is not None:
            lasted = f" after {span((attempt.ended - attempt.started) / 1000)}"
        events.append(Event(attempt.ended, f"attempt {attempt.number} {attempt.outcome}{lasted}", tone, error))
    if run.started is not None and not run.has_ended and not any(a.started == run.started for a in run.attempts):
        events.append(Event(run.started, f"started on {run.worker}", "busy"))
    last = run.attempts[-1] if run.attempts else None
    if run.has_ended and (last is None or last.ended != run.ended or last.outcome not in ("succeeded", "failed")):
        look = look_of(run.state)
        events.append(Event(run.ended, look.word, look.tone))
    return events


def _blocks(run: Run) -> Iterator[Block]:
    message, error = run.message, run.error
    if error is not None:
        yield Block("Error", visible(f"{error.class_path}: {error.text}", LONG))
        yield Block("Traceback", visible(error.traceback or "", LONG))
    yield Block("Positional arguments", "" if bytes(message.args) == b"[]" else json_text(message.args))
    yield Block("Keyword arguments", "" if bytes(message.kwargs) == b"{}" else json_text(message.kwargs))
    yield Block("Result", json_text(run.result))
    yield Block("What it reported", json_text(run.meta))
    lines = run.logs[-LOG_LINES:]
    yield Block(f"Log, {len(run.logs)} lines", visible("\n".join(lines), 4 * LONG))
