"""What is known of one run, in the order in which people ask for it: what the pages of the dashboard and of the Django
admin have in common. Values, no markup."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from horarium.app.again import RETRY_OF, refusal
from horarium.clock import Instant
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.observe.facts import gather, held_run
from horarium.observe.finding import Finding
from horarium.observe.looks import look_of
from horarium.observe.moments import span
from horarium.observe.waiting import explain
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

RELATIVES = 20  # children that are listed


class Event(NamedTuple):
    """A line of a run's history."""

    at: Instant | None
    text: str
    tone: str = "idle"
    detail: str = ""


class Relative(NamedTuple):
    """Another run, and how this one stands to it. ``run`` is None if it is no longer kept."""

    how: str
    id: str
    run: Run | None


def finding_of(app: Horarium, run: Run, now: Instant, *, command: str, zone: str = "UTC") -> Finding | None:
    """Say in a sentence where it stands, and what to do. What has ended shows that by itself."""
    if run.has_ended:
        return None
    facts = gather(app, now, command=command, zone=zone, with_schedules=False)
    found = explain(facts, run, held_run(app.engine, run))
    return replace(found, text=f"It {found.text[3:]}") if found.text.startswith("it ") else found


def impossible(run: Run) -> dict[str, str]:
    """Say which actions make no sense now, and why."""
    why: dict[str, str] = {}
    if reason := refusal(run):
        why["retry"] = reason
    if run.has_ended:
        why["revoke"] = why["terminate"] = f"it has ended: {look_of(run.state).word}"
    return why


def facts_of(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what there is to say in a line each."""
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


def moments_of(run: Run) -> Iterator[tuple[str, Instant]]:
    """Yield the moments of its life that are known."""
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


def relatives_of(engine: Engine, run: Run) -> tuple[list[Relative], bool]:
    """Return the runs that it stands in a relation to, and whether it has sent more than are listed."""
    message = run.message
    again = message.headers.get(RETRY_OF)
    named = (
        ("repeats", again if isinstance(again, str) else None),
        ("was sent by", message.parent),
        ("belongs to", message.root if message.root not in (run.id, message.parent) else None),
        *(("then", join.id) for join in message.joins[:RELATIVES]),
    )
    pairs = [(how, id) for how, id in named if id]
    others = engine.results.read([id for _, id in pairs])
    found = [Relative(how, id, other) for (how, id), other in zip(pairs, others, strict=True)]
    children = engine.results.search(RunFilter(parent=run.id), Page(limit=RELATIVES + 1)).runs
    found += [Relative("has sent", child.id, child) for child in children[:RELATIVES]]
    return found, len(children) > RELATIVES


def history_of(run: Run) -> list[Event]:
    """Return what happened to it, in order."""
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
