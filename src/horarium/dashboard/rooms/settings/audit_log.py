"""Who changed what, by day, to be read and to be kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from horarium.clock import Instant, to_datetime
from horarium.dashboard.ask import Ask, Download, Shown, Unanswerable
from horarium.dashboard.audit import MOST_OF_A_DAY, Entry, read_day
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.settings.shelf import TABS, room
from horarium.dashboard.spreadsheet import csv_of
from horarium.observe.moments import iso

ROWS = 100
COLUMNS = ("at", "who", "via", "address", "request", "action", "about", "text", "was_done", "reason", "before", "after")


@room.page("/settings/audit", role=Role.ADMIN, live=False)
def audit(ask: Ask) -> Shown:
    day = _day(ask)
    first = _number(ask.query.get("from", "0"))
    entries, has_more = read_day(ask.engine, _noon(day), now=ask.now, most=first + ROWS)
    today = to_datetime(ask.now).date()
    context = {
        "tabs": TABS,
        "day": day.isoformat(),
        "day_before": (day - timedelta(days=1)).isoformat(),
        "day_after": (day + timedelta(days=1)).isoformat() if day < today else "",
        "entries": entries[first : first + ROWS],
        "counted": f"more than {len(entries):,}" if has_more else f"{len(entries):,}",
        "newer": max(first - ROWS, 0) if first else None,
        "older": first + ROWS if has_more and first + ROWS < MOST_OF_A_DAY else None,
    }
    return Shown(template="settings/audit.html", title="Settings", context=context)


@room.page("/settings/audit/export", role=Role.ADMIN, live=False, is_long=True)
def export(ask: Ask) -> Download:
    day, kind = _day(ask), ask.query.get("format", "csv")
    entries, has_more = read_day(ask.engine, _noon(day), now=ask.now)
    name = f"audit-{day.isoformat()}{f'-newest-{len(entries)}' if has_more else ''}.{kind}"
    match kind:
        case "csv":
            return Download(name=name, body=csv_of(COLUMNS, map(_row, entries)), media="text/csv; charset=utf-8")
        case "json":
            return Download(name=name, body=msgspec.json.encode([_said(each) for each in entries]), media=JSON)
    raise Unanswerable("wrong", f"There is no format {kind[:20]!r}", hint="csv or json")


JSON = "application/json"


def _row(entry: Entry) -> list[object]:
    said = _said(entry)
    return [msgspec.json.encode(value).decode() if isinstance(value, dict | list) else value for value in said.values()]


def _said(entry: Entry) -> dict[str, object]:
    found = {name: getattr(entry, name) for name in COLUMNS}
    return found | {"at": iso(entry.at)}


def _day(ask: Ask) -> date:
    given = ask.query.get("day", "")
    try:
        day = date.fromisoformat(given) if given else to_datetime(ask.now).date()
    except ValueError:
        day = date.min
    if not 1970 < day.year < 9000:
        raise Unanswerable("wrong", "That is no day", hint="Such as 2026-11-28.")
    return day


def _noon(day: date) -> Instant:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
