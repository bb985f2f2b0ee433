"""One schedule in full: ``show``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import click
import msgspec

from horarium.app.past import History
from horarium.cli.commands.schedules.listing import run_row
from horarium.cli.commands.schedules.words import known, named, row
from horarium.cli.lookup import call_text
from horarium.cli.options import JSON, Command
from horarium.cli.output import short
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.errors import InvalidSchedule
from horarium.observe.moments import iso, span
from horarium.observe.redacted import shown_schedule
from horarium.observe.schedule_words import explained, shown, spec_text, status
from horarium.outcome import State
from horarium.schedules.backfill import progress
from horarium.schedules.health import health
from horarium.schedules.preview import upcoming
from horarium.schedules.record import FAILED, Schedule

NEXT = 5
RUNS = 100  # of which the rate of success is told
EDITS = 10  # shown to people; --json has all that are kept

# Options that are told when they are not what they are by default.
_OPTIONS = (
    "start end dst_gap dst_fold one_off max_runs catchup catchup_window catchup_limit catchup_spacing align overlap "
    "max_active jitter spread grace pause_after"
).split()


@click.command("show", cls=Command)
@named
@JSON
@click.pass_obj
def show_schedule(session: Session, name: str, as_json: bool) -> None:
    """Show the schedule NAME: when it fires, how it does, who changed it."""
    schedule, now = shown_schedule(known(session, name), session.app), session.app.now()
    history = History(runs=(), succeeded=0, failed=0)
    backfills: tuple[Schedule, ...] = ()
    if schedule.version:
        history = session.app.schedules.history(name, RUNS)
        backfills = tuple(session.app.schedules.backfills(name))
    if as_json:
        session.out.document(_document(schedule, history, backfills, now))
        return
    for heading, text in _lines(schedule, history, backfills, now):
        if text:
            session.out.row(f"{heading:>11}  {text}")


def _lines(
    schedule: Schedule, history: History, backfills: tuple[Schedule, ...], now: Instant
) -> Iterator[tuple[str, str]]:
    yield "schedule", schedule.name
    yield "about", schedule.description
    yield "task", f"{schedule.task} {call_text(schedule.args, schedule.kwargs)}".rstrip()
    yield "fires", spec_text(schedule)
    yield "", explained(schedule)
    yield "zone", schedule.timezone
    yield "status", status(schedule, now)
    yield "health", _health_text(schedule, now)
    yield "options", _options_text(schedule)
    yield "sent with", short(msgspec.json.encode(schedule.options).decode(), 500) if schedule.options else ""
    yield "owner", schedule.definer
    yield "skipped", ", ".join(shown(schedule, each) for each in schedule.passed_over if each > now)
    yield "added", ", ".join(shown(schedule, each) for each in schedule.added if each > now)
    for number, at in enumerate(_next(schedule, now)):
        yield "" if number else "next", shown(schedule, at)
    yield from _past_lines(schedule, history)
    for each in backfills:
        yield "backfill", f"{each.name}: {status(each, now)}"
    for number, edit in enumerate(reversed(schedule.edits[-EDITS:])):
        changes = "; ".join(f"{field}: {_json(old)} -> {_json(new)}" for field, (old, new) in edit.changes.items())
        note = f" ({edit.note})" if edit.note else ""
        what = f"{shown(schedule, edit.at)}  {edit.what} by {edit.by}{note}"
        yield "" if number else "edits", f"{what}  {short(changes, 200)}".rstrip()


def _past_lines(schedule: Schedule, history: History) -> Iterator[tuple[str, str]]:
    if schedule.last_fire is not None:
        yield "last", shown(schedule, schedule.last_fire)
    if (late := _lateness(history)) is not None:
        yield "late by", f"{span(late)} when it last started"
    yield "fired", f"{schedule.total_runs} times"
    yield "missed", str(schedule.missed) if schedule.missed else ""
    yield "passed over", f"{schedule.skipped}, for earlier runs were active" if schedule.skipped else ""
    if history.success_rate is not None:
        ended = history.succeeded + history.failed
        yield "succeeded", f"{history.succeeded} of the last {ended} ({history.success_rate:.0%})"
    if schedule.failures:
        yield "failing", f"{schedule.failures} in a row"
    yield "last error", _last_error(history)


def _document(
    schedule: Schedule, history: History, backfills: tuple[Schedule, ...], now: Instant
) -> dict[str, Any]:  # Any: JSON
    document = row(schedule, now)
    made = progress(schedule)
    return document | {
        "next_fire": _moment(schedule.next_fire) if document["next_fire"] is not None else None,
        "last_fire": _moment(schedule.last_fire),
        "explained": explained(schedule),
        "health": {"condition": health(schedule, now).condition, "text": health(schedule, now).text},
        "version": schedule.version,
        "app": schedule.app,
        "description": schedule.description,
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "options": schedule.options,
        **{name: getattr(schedule, name) for name in _OPTIONS},
        "start": _moment(schedule.start),
        "end": _moment(schedule.end),
        "enabled": schedule.enabled,
        "paused_by": schedule.paused_by,
        "pause_note": schedule.pause_note,
        "paused_until": _moment(schedule.paused_until),
        "error": schedule.error,
        "next": [iso(each) for each in _next(schedule, now)],
        "passed_over": [iso(each) for each in schedule.passed_over],
        "added": [iso(each) for each in schedule.added],
        "skipped": schedule.skipped,
        "failures": schedule.failures,
        "succeeded": _moment(schedule.succeeded),
        "lateness": _lateness(history),
        "success_rate": history.success_rate,
        "last_error": _last_error(history),
        "last_runs": [run_row(each) | {"nominal": _moment(each.nominal)} for each in history.runs[:NEXT]],
        "progress": None if made is None else {"done": made.done, "total": made.total},
        "backfills": [{"name": each.name, "status": status(each, now)} for each in backfills],
        "edits": [
            {"at": iso(edit.at), "by": edit.by, "what": edit.what, "note": edit.note, "changes": edit.changes}
            for edit in schedule.edits
        ],
    }


def _health_text(schedule: Schedule, now: Instant) -> str:
    if not schedule.version:
        return ""
    found = health(schedule, now)
    return f"{found.condition}: {found.text}"


def _next(schedule: Schedule, now: Instant) -> list[Instant]:
    try:
        return list(islice(upcoming(schedule, now=now), NEXT))
    except InvalidSchedule:  # its status says so
        return []


def _options_text(schedule: Schedule) -> str:
    usual = {field.name: field.default for field in msgspec.structs.fields(Schedule)}
    chosen = {name: value for name in _OPTIONS if (value := getattr(schedule, name)) != usual[name]}
    return ", ".join(
        f"{name}={shown(schedule, value) if name in ('start', 'end') else value}" for name, value in chosen.items()
    )


def _lateness(history: History) -> float | None:
    return next((each.lateness for each in history.runs if each.kind == "auto" and each.lateness is not None), None)


def _last_error(history: History) -> str:
    for each in history.runs:
        if each.state in FAILED | {State.RETRY} and each.run.error is not None:
            return short(f"{each.run.error.class_path}: {each.run.error.text}", 500)
    return ""


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)
