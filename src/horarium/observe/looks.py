"""The states of runs as people see them: one sign, one word and one tone each."""

from __future__ import annotations

from typing import NamedTuple

from horarium.clock import Instant
from horarium.outcome import Run, State

SCHEDULED = "SCHEDULED"  # only here: a PENDING one whose time has not come
BLOCKED = "BLOCKED"  # only here: a PENDING one that waits for others


class Look(NamedTuple):
    sign: str
    word: str
    tone: str  # idle, busy, good, bad, off: a class of admin.css and of the dashboard's


LOOKS = {
    State.PENDING: Look("○", "queued", "idle"),
    SCHEDULED: Look("◷", "scheduled", "idle"),
    BLOCKED: Look("◌", "blocked", "idle"),
    State.RECEIVED: Look("◔", "received", "busy"),
    State.STARTED: Look("▶", "running", "busy"),
    State.RETRY: Look("↻", "retrying", "warn"),
    State.SUCCESS: Look("✔", "succeeded", "good"),
    State.FAILURE: Look("✖", "failed", "bad"),
    State.REVOKED: Look("⊘", "cancelled", "off"),
    State.EXPIRED: Look("⊘", "expired", "warn"),
    State.REJECTED: Look("⊘", "rejected", "warn"),
    State.IGNORED: Look("✔", "ended, no result", "off"),
    State.DEAD: Look("✖", "dead", "bad"),
}


def look_of(state: str) -> Look:
    """Return how a state looks; one of a task's own is shown by its name, as running."""
    return LOOKS.get(state) or Look("▶", state.lower(), "busy")


def shown_state(run: Run, now: Instant) -> str:
    """Return the state of a run, where PENDING is told apart."""
    if run.state != State.PENDING:
        return run.state
    if run.message.gate is not None:
        return BLOCKED
    return SCHEDULED if run.message.due > now and run.message.eta is not None else run.state
