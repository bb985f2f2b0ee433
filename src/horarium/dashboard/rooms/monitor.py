"""What happens, as it happens: the events that workers and callers tell, in the order in which they were told."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from horarium.clock import Instant, Seconds
from horarium.dashboard.ask import Ask, Done, Download, Shown, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.observe.finding import plural
from horarium.observe.moments import exact, local
from horarium.observe.text import visible
from horarium.observe.workers import worker_rows

room = Room("monitor")
PAGE = 200  # events that a browser is given at once
ANSWERED_WITHIN: Seconds = 2.0
HEARTBEAT = "worker-heartbeat"  # of every worker, every 2 s: only told of when asked for
# Of an event's fields those that say what it is about, in this order. Arguments and results stand on the page of the
# run, where what is secret in them is covered.
TOLD_OF = ("queue", "exception", "runtime", "retries", "eta", "active", "processed")
TONES = {
    "task-succeeded": "good",
    "task-failed": "bad",
    "task-retried": "warn",
    "task-rejected": "warn",
    "task-revoked": "off",
    "task-started": "busy",
    "task-received": "busy",
    "worker-offline": "warn",
}
DETAIL_CHARS = 300


@room.page("/monitor", live=False)
def monitor(ask: Ask) -> Shown:
    """Show the table that the browser fills; it goes on from where the journal ends now."""
    rows = worker_rows(ask.engine, now=ask.now)
    return Shown(
        template="monitor.html",
        title="Monitor",
        context={
            "place": ask.engine.journal.tail(None, 1).next,
            "workers": sum(row.record.alive and row.kind == "worker" for row in rows),
        },
    )


@room.page("/monitor/events", live=False)
def events(ask: Ask) -> Download:
    """Return what was told after a place: bounded, as lines for a table."""
    after = ask.query.get("after")
    try:
        page = ask.engine.journal.tail(after, PAGE)
    except (ValueError, OverflowError) as error:
        raise Unanswerable("wrong", "That is no place in the journal", hint="Reload the page.") from error
    with_beats = bool(ask.query.get("heartbeats"))
    entries = [line for raw in page.entries if (line := _line(raw, ask.zone, with_beats)) is not None]
    told = {"next": page.next, "missed": page.missed, "more": len(page.entries) == PAGE, "events": entries}
    return Download(name="events.json", body=msgspec.json.encode(told), media="application/json")


@room.act("/monitor/begin", role=Role.OPERATOR)
def begin(ask: Ask) -> Done:
    """Let all workers write their events to the journal, until they are told otherwise or end."""
    return _all_told(ask, "enable_events", "from now on what happens is written down")


@room.act("/monitor/end", role=Role.OPERATOR)
def end(ask: Ask) -> Done:
    return _all_told(ask, "disable_events", "nothing more is written down")


def _all_told(ask: Ask, command: str, what: str) -> Done:
    names = {row.key for row in worker_rows(ask.engine, now=ask.now) if row.kind == "worker" and row.record.alive}
    replies = ask.app.control.broadcast(command, reply=True, timeout=ANSWERED_WITHIN) or []
    answered = {name for reply in replies for name in reply}
    silent = sorted(names - answered)
    text = f"Answered by {plural(len(answered), 'worker')}: {what}."
    if silent:
        text += f" Not answered within {ANSWERED_WITHIN:g} s: {', '.join(map(visible, silent[:10]))}."
    return Done(text=text, to="/monitor", is_good=bool(answered) and not silent, about="events of workers")


def _line(raw: Raw, zone: str, with_beats: bool) -> dict[str, str] | None:
    """Return an event as the cells of a row; None for one that is not wanted. What others wrote is only shown."""
    try:
        event: Any = msgspec.json.decode(raw)  # Any: anybody may write to the journal
    except msgspec.DecodeError:
        return None
    if not isinstance(event, dict):
        return None
    kind = str(event.get("type", "?"))
    if kind == HEARTBEAT and not with_beats:
        return None
    at = event.get("clock") if isinstance(event.get("clock"), int) else None
    return {
        "at": _shown(at, zone),
        "utc": _utc(at),
        "type": visible(kind, 60),
        "tone": TONES.get(kind, "idle"),
        "id": str(event.get("uuid") or ""),
        "task": visible(event.get("name") or "", 100),
        "who": visible(event.get("hostname") or "", 100),
        "detail": _detail(event),
    }


def _detail(event: dict[str, Any]) -> str:
    told = [f"{name} {event[name]}" for name in TOLD_OF if event.get(name) not in (None, "", [], {})]
    return visible(" · ".join(told), DETAIL_CHARS)


def _shown(at: Instant | None, zone: str) -> str:
    try:
        return "–" if at is None else local(at, zone).split("  ")[-1]
    except (OverflowError, ValueError, OSError):
        return "–"


def _utc(at: Instant | None) -> str:
    try:
        return "" if at is None else exact(at)
    except (OverflowError, ValueError, OSError):
        return ""
