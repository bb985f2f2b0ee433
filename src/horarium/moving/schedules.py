"""The schedules that a project writes in its code: what they are, and whether they mean the same here."""

from __future__ import annotations

import ast
from datetime import timedelta
from typing import Any

from horarium.errors import HorariumError
from horarium.moving.report import Found, Verdict
from horarium.moving.source import UNKNOWN, Source, arguments, literal
from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import crontab
from horarium.schedules.entries import KEYS
from horarium.schedules.interval import every, schedule
from horarium.schedules.recurrence import Recurrence
from horarium.schedules.solar import solar
from horarium.schedules.words import explain

_KINDS: dict[str, Any] = {  # Any: classes and functions alike
    "crontab": crontab,
    "solar": solar,
    "schedule": schedule,
    "clocked": clocked,
    "every": every,
}
_AT_RUN_TIME = "what it says is only known when it runs; `horarium check` reads it then"
_OWN_TASKS = "Celery's own tasks have nothing to do here (the store tidies itself, and counts chords): remove it"


def find_entries(source: Source, node: ast.expr) -> list[Found]:
    """Judge the entries of a ``beat_schedule``; one that is not written out is told as such."""
    if not isinstance(node, ast.Dict):
        if literal(node) in ({}, None):
            return []
        return [_found(source, node, "beat_schedule", "works", _AT_RUN_TIME)]
    found = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            found.append(_found(source, value, "beat_schedule", "works", _AT_RUN_TIME))
            continue
        name = literal(key)
        found.append(_entry(source, ast.unparse(key) if name is UNKNOWN else str(name), value))
    return found


def find_periodic(source: Source) -> list[Found]:
    """Judge each ``add_periodic_task(schedule, ...)``."""
    found = []
    for node in source.nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="add_periodic_task"), args=[when, *_]):
                found.append(_judged(source, node, ast.unparse(node), when))
    return found


def _entry(source: Source, name: str, node: ast.expr) -> Found:
    if not isinstance(node, ast.Dict):
        return _found(source, node, name, "works", _AT_RUN_TIME)
    entry = {literal(key): value for key, value in zip(node.keys, node.values, strict=True) if key is not None}
    task = literal(entry["task"]) if "task" in entry else None
    what = f"{name}: {task}" if isinstance(task, str) else name
    if isinstance(task, str) and task.startswith("celery."):
        return _found(source, node, what, "by hand", _OWN_TASKS)
    for key in entry:
        if key is not UNKNOWN and key not in KEYS:
            return _found(source, node, what, "by hand", f"expected the keys {', '.join(KEYS[:5])}, got {key!r}")
    if "task" not in entry or "schedule" not in entry:
        return _found(source, node, what, "by hand", "expected an entry to have 'task' and 'schedule'")
    return _judged(source, node, what, entry["schedule"])


def _judged(source: Source, node: ast.expr, what: str, when: ast.expr) -> Found:
    try:
        spec = _spec(source, when)
    except (HorariumError, TypeError, ValueError, OverflowError) as error:
        return _found(source, when, what, "by hand", str(error))
    if spec is None:
        return _found(source, node, what, "works", f"{ast.unparse(when)}: {_AT_RUN_TIME}")
    return _found(source, node, what, "works", explain(spec))


def _spec(source: Source, node: ast.expr) -> Recurrence | None:
    """Return the schedule that an expression says; None if only running it would tell."""
    value = literal(node)
    if isinstance(value, int | float | timedelta) and not isinstance(value, bool):
        return every(value if isinstance(value, timedelta) else timedelta(seconds=value))
    make = _KINDS.get(source.called(node))
    if make is None or not isinstance(node, ast.Call):
        return None
    args, kwargs = arguments(node)
    kwargs.pop("nowfun", None)
    kwargs.pop("app", None)
    if any(one is UNKNOWN for one in (*args, *kwargs.values())) or _is_spread(node):
        return None
    made: Recurrence = make(*args, **kwargs)
    return made


def _is_spread(call: ast.Call) -> bool:
    return any(keyword.arg is None for keyword in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)


def _found(source: Source, node: ast.expr, what: str, verdict: Verdict, advice: str) -> Found:
    short = what if len(what) <= 100 else f"{what[:99]}…"
    return Found(source.path, node.lineno, "schedule", short, verdict, advice)
