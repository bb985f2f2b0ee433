"""Running again and cancelling, many at a time, and another priority for one; and what became of each: as the dashboard
and whatever acts on many tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.app.again import refusal, send_repeated
from horarium.observe.looks import look_of
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.message import Message


class Effect(Struct, frozen=True, omit_defaults=True):
    """What became of one run. ``new`` is the run to look at now: the one that repeats it, or that stands for it."""

    id: str
    text: str
    was_done: bool = True
    new: str = ""


def run_again(app: Horarium, runs: Sequence[Run], repeat: Callable[[Run], Message]) -> list[Effect]:
    """Send what ``repeat`` makes of each run that can run again; tell what became of each, in their order.

    If ``repeat`` gives the same id each time, calling again is safe. Raises: EngineUnavailable.
    """
    reasons = {run.id: refusal(run) for run in runs}
    able = [run for run in runs if reasons[run.id] is None]
    sent = {run.id: each for run, each in zip(able, send_repeated(app.engine, list(map(repeat, able))), strict=True)}
    return [_sent_again(run, sent) if run.id in sent else _refused(run, reasons) for run in runs]


def cancel(app: Horarium, runs: Sequence[Run], *, terminate: bool) -> list[Effect]:
    """Cancel those that have not ended; tell what became of each, in their order. Raises: EngineUnavailable."""
    ids = [run.id for run in runs if not run.has_ended]
    changed = set(app.control.revoke(ids, terminate=terminate)) if ids else set()
    now = dict(zip(ids, app.engine.results.read(ids), strict=True))
    return [_cancelled(run, now.get(run.id, run), run.id in changed, terminate=terminate) for run in runs]


def set_priority(app: Horarium, run: Run, priority: int) -> Effect:
    """Give a run that waits another priority; tell what became of it. Raises: InvalidArguments, EngineUnavailable."""
    if app.control.set_priority(run.id, priority):
        return Effect(run.id, f"it has priority {priority} now")
    [now] = app.engine.results.read([run.id])
    if now is None:
        return Effect(run.id, "nothing is known of it any more", False)
    if why := not_rankable(now):
        return Effect(run.id, why, False)
    if now.message.priority == priority:
        return Effect(run.id, f"it has priority {priority} already")
    return Effect(run.id, "it moved at that moment, or its message cannot be read", False)


def not_rankable(run: Run) -> str | None:
    """Say why a run cannot be given another priority; None: it can be."""
    if run.has_ended:
        return f"it has ended: {look_of(run.state).word}"
    return None if run.waits else "it is already running"


def not_cancellable(run: Run) -> str | None:
    """Say why a run cannot be cancelled; None: it can be."""
    if run.has_ended:
        return f"it has ended: {look_of(run.state).word}"
    return "it is to be cancelled already" if run.cancel else None


def _sent_again(run: Run, sent: dict[str, tuple[Message, bool | str]]) -> Effect:
    message, placed = sent[run.id]
    if isinstance(placed, str):
        return Effect(run.id, f"not sent again: run {placed}, of the same unique key, stands for it", False, placed)
    return Effect(run.id, f"sent again as {message.id}", True, message.id)  # False: by a call before, of the same id


def _refused(run: Run, reasons: dict[str, str | None]) -> Effect:
    return Effect(run.id, f"not sent again: {reasons[run.id]}", False)


def _cancelled(before: Run, run: Run | None, is_changed: bool, *, terminate: bool) -> Effect:
    if run is None:
        return Effect(before.id, "not cancelled: nothing is known of it any more", False)
    if not is_changed:
        why = f"it had ended already: {look_of(run.state).word}" if run.has_ended else "it is to be cancelled already"
        return Effect(run.id, f"not cancelled: {why}", False)
    if run.has_ended:
        return Effect(run.id, "cancelled")
    stays = "its process is told to stop it" if terminate else "it runs now, runs on, and is not tried again"
    return Effect(run.id, f"cancelled: {stays}")
