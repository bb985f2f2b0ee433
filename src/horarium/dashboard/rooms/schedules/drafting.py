"""A schedule as it stands in the editor's form: read field by field, each complaint with its field; and written back.

Whatever a field holds is judged by the same code as an entry of ``beat_schedule``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import msgspec
from msgspec import Raw, Struct

from horarium import codec
from horarium.clock import Instant, to_datetime
from horarium.errors import HorariumError, InvalidSchedule
from horarium.observe.moments import parse_moment, parse_span, zone_or_utc
from horarium.observe.written import read_exclusions, read_written, span_text, written_exclusions, written_of
from horarium.schedules.entries import read_entry
from horarium.schedules.interval import every
from horarium.schedules.language import MAX_TEXT
from horarium.schedules.record import Align, Catchup, DstFold, DstGap, Overlap, Schedule
from horarium.schedules.recurrence import without
from horarium.schedules.specs import Spec, from_record
from horarium.schedules.zones import zone_of

KINDS = {
    "cron": "Cron",
    "crontab": "Crontab, as Celery's",
    "every": "Every",
    "calendar": "Calendar",
    "at": "Once",
    "solar": "Sun",
}
KEPT = "kept"  # the kind of a spec that the form has no line for: it stays as it is
CHOICES: dict[str, dict[str, str]] = {
    "dst_gap": {
        "shift": "run at the first valid time after",
        "keep": "run later by as much as is left out",
        "skip": "do not run",
    },
    "dst_fold": {"first": "run the first time", "last": "run the second time", "both": "run both times"},
    "overlap": {
        "allow": "run beside it",
        "skip": "skip this one",
        "queue_one": "wait, one at the most",
        "cancel_previous": "cancel the earlier one",
        "replace_queued": "replace one that still waits",
    },
    "catchup": {
        "latest": "run the newest one",
        "all": "run all",
        "earliest": "run the oldest one",
        "none": "run none",
    },
    "align": {
        "creation": "its creation",
        "epoch": "1970, the same for all",
        "after_finish": "the end of the last run",
    },
}
assert {name: tuple(words) for name, words in CHOICES.items()} == {
    "dst_gap": get_args(DstGap),
    "dst_fold": get_args(DstFold),
    "overlap": get_args(Overlap),
    "catchup": get_args(Catchup),
    "align": get_args(Align),
}
_SPANS = ("jitter", "spread", "grace", "catchup_window")
_COUNTS = ("max_runs", "max_active", "pause_after")
_SENT_SPANS = ("expires", "time_limit", "soft_time_limit")
LONGEST = {
    "name": 255,
    "task": 255,
    "args": 100_000,
    "kwargs": 100_000,
    "options": 10_000,
    "description": 2000,
    "except_dates": 20_000,
}
FIELDS = (
    *("name", "task", "kind", *KINDS, "solar_event", "solar_lat", "solar_lon", "except_dates", "except_holidays"),
    *("timezone", *CHOICES, "args", "kwargs", "queue", "priority", *_SENT_SPANS, "options", "start", "end", "one_off"),
    *(*_SPANS, *_COUNTS, "description"),
)


class Draft(Struct, kw_only=True):
    """What the form says. ``keys`` are those of an entry, as far as they could be read; ``wrong`` by field."""

    values: dict[str, str]
    keys: dict[str, Any] = msgspec.field(default_factory=dict)  # Any: values of an entry
    wrong: dict[str, str] = msgspec.field(default_factory=dict)


def empty(zone: str) -> dict[str, str]:
    """Return the values of a form that nobody has written in yet."""
    chosen = {name: next(iter(words)) for name, words in CHOICES.items()}
    written = {"kind": "cron", "cron": "0 6 * * *", "timezone": zone, "args": "[]", "kwargs": "{}"}
    return dict.fromkeys(FIELDS, "") | chosen | written | {"solar_event": "sunset"}


def values_of(schedule: Schedule) -> dict[str, str]:
    """Return a stored schedule as the values of a form that read back as the same."""
    zone = zone_or_utc(schedule.timezone)
    values = empty(schedule.timezone) | {"cron": ""} | _spec_values(schedule, zone)
    values |= {name: getattr(schedule, name) for name in ("name", "task", "timezone", "description", *CHOICES)}
    values |= {name: bytes(getattr(schedule, name)).decode("utf-8", "replace") for name in ("args", "kwargs")}
    values |= {name: _local(instant, zone) for name in ("start", "end") if (instant := getattr(schedule, name))}
    for name in (*_SPANS, *_COUNTS):
        value = getattr(schedule, name)
        values[name] = "" if not value else span_text(round(value * 1000)) if name in _SPANS else str(value)
    values["one_off"] = "yes" if schedule.one_off else ""
    values["max_active"] = "" if schedule.max_active == 1 else values["max_active"]
    others = dict(schedule.options)
    for name in ("queue", "priority", *_SENT_SPANS):
        if isinstance(others.get(name), str | int | float) and not isinstance(others[name], bool):
            values[name] = str(others.pop(name))
    values["options"] = msgspec.json.encode(others).decode() if others else ""
    return values


def read(given: Mapping[str, tuple[str, ...]], *, zone: str, now: Instant, stored: Schedule | None = None) -> Draft:
    """Read a form that was sent. Raises nothing: what cannot be read is told with its field."""
    draft = Draft(values={name: given.get(name, ("",))[0] for name in FIELDS})
    for name, value in draft.values.items():
        if len(value) > LONGEST.get(name, MAX_TEXT):
            draft.wrong[name] = f"expected at most {LONGEST.get(name, MAX_TEXT)} characters, got {len(value)}"
            draft.values[name] = value[: LONGEST.get(name, MAX_TEXT)]
    reader = _Reader(draft, zone, now, stored)
    reader.read()
    return draft


class _Reader:
    """Reads the fields into keys. A field with a complaint is left out of them."""

    def __init__(self, draft: Draft, zone: str, now: Instant, stored: Schedule | None) -> None:
        self._draft = draft
        self._values = draft.values
        self._stored = stored
        self._now = now
        self._app_zone = zone
        self.zone = zone

    def read(self) -> None:
        self._key("timezone", lambda text: text)
        if "timezone" in self._draft.keys:
            self.zone = self._draft.keys["timezone"] or self._app_zone
            self._try("timezone", lambda: zone_of(self.zone))
            self.zone = zone_or_utc(self.zone)
        self._task()
        self._spec()
        self._key("args", _read_list)
        self._key("kwargs", _read_object)
        for name in CHOICES:
            self._key(name, lambda text: text)
        for name in _SPANS:
            self._key(name, parse_span)
        for name in _COUNTS:
            self._key(name, _number)
        for name in ("start", "end"):
            self._key(name, self._moment)
        self._draft.keys["one_off"] = bool(self._values["one_off"]) or None
        self._key("description", lambda text: text)
        self._options()

    def _task(self) -> None:
        if not self._values["task"].strip():
            self._draft.wrong["task"] = "expected the name of a task, got nothing"
        else:
            self._key("task", lambda text: text)

    def _spec(self) -> None:
        kind, values = self._values["kind"], self._values
        if kind == KEPT and self._stored is not None:
            return
        if kind not in KINDS:
            self._draft.wrong["kind"] = f"expected one of {', '.join(KINDS)}, got {kind[:40]!r}"
            return
        text = f"{values['solar_event']} {values['solar_lat']} {values['solar_lon']}"
        text = values[kind] if kind != "solar" else text
        if kind in self._draft.wrong:
            return
        if not text.strip():
            self._draft.wrong[kind] = "expected a line that says when it fires, got nothing"
            return
        spec = self._try(kind, lambda: read_written(kind, text, self.zone))
        exclusions = self._try(
            "except_dates", lambda: read_exclusions(values["except_dates"], values["except_holidays"])
        )
        if spec is not None and exclusions is not None:
            excepted = self._try("except_dates", lambda: without(spec, *exclusions) if exclusions else spec)
            if excepted is not None:
                self._draft.keys["schedule"] = excepted

    def _options(self) -> None:
        """Read what the messages bear along; the fields beside the JSON go before what stands in it."""
        given = self._values["options"].strip() or "{}"
        options: dict[str, Any] = self._try("options", lambda: _read_object(given)) or {}
        for name, read in (
            ("queue", str.strip),
            ("priority", _number),
            *((name, parse_span) for name in _SENT_SPANS),
        ):
            text = self._values[name].strip()
            if text and name not in self._draft.wrong:
                value = self._try(name, lambda read=read, text=text: read(text))  # type: ignore[misc]
                if value is not None and self._fits("options", {name: value}, field=name):
                    options[name] = value
        if self._fits("options", options):
            self._draft.keys["options"] = options

    def _moment(self, text: str) -> Any:
        try:
            return to_datetime(parse_moment(text, self.zone))
        except ValueError as error:
            raise ValueError(f"expected a moment such as 2027-03-28T02:30, got {text[:60]!r} ({error})") from error

    def _key(self, name: str, read: Callable[[str], Any]) -> None:
        """Read a field that is a key of an entry; empty means the default."""
        if name in self._draft.wrong:
            return
        text = self._values[name].strip()
        if not text:
            self._draft.keys[name] = None
            return
        value = self._try(name, lambda: read(text))
        if value is not None and self._fits(name, value):
            self._draft.keys[name] = value

    def _fits(self, key: str, value: Any, *, field: str = "") -> bool:
        """Judge one key as an entry of code is judged."""
        entry = {"task": "task", "schedule": every(60), key: value}
        read = self._try(field or key, lambda: read_entry("it", entry, timezone="UTC", now=self._now))
        return read is not None

    def _try(self, field: str, once: Callable[[], Any]) -> Any:
        """Return what a function returns; its complaint goes to the field."""
        try:
            return once()
        except (HorariumError, ValueError, OverflowError) as error:
            self._draft.wrong.setdefault(field, bare(error))
            return None


def bare(error: Exception) -> str:
    """Return what an error says, without the name of the schedule, which the form shows."""
    text = str(error)
    return text.partition("': ")[2] if text.startswith("schedule '") and "': " in text else text


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the fields in which two forms differ: name, what is in mine, what is in theirs."""
    for name in FIELDS:
        if mine.get(name, "").strip() != theirs.get(name, "").strip():
            yield name, mine.get(name, ""), theirs.get(name, "")


def _spec_values(schedule: Schedule, zone: str) -> dict[str, str]:
    try:
        taken = written_exclusions(from_record(schedule.spec))
    except InvalidSchedule:  # it is in error, and there is nothing to keep
        return {"kind": "cron"}
    written = None if taken is None else written_of(_inner(taken), zone)
    if taken is None or written is None:
        return {"kind": KEPT}
    kind, text = written
    values = {"kind": kind, "except_dates": taken[1], "except_holidays": taken[2]}
    if kind == "solar":
        event, lat, lon = text.split()
        return values | {"solar_event": event, "solar_lat": lat, "solar_lon": lon}
    return values | {kind: text}


def _inner(taken: tuple[Spec, str, str]) -> Spec:
    return taken[0]


def _local(instant: Instant, zone: str) -> str:
    return to_datetime(instant).astimezone(zone_of(zone)).isoformat()


def _number(text: str) -> int:
    if not (text.isdecimal() and text.isascii() and len(text) < 12):
        raise ValueError(f"expected a whole number, got {text[:40]!r}")
    return int(text)


def _read_list(text: str) -> Any:
    return _read_json(text, list, 'a JSON list such as ["eu", 7]')


def _read_object(text: str) -> Any:
    return _read_json(text, dict, 'a JSON object such as {"full": false}')


def _read_json(text: str, kind: type[list[Any]] | type[dict[str, Any]], word: str) -> Any:
    try:
        value = codec.decode(Raw(text.encode()))
    except (HorariumError, UnicodeEncodeError) as error:
        raise ValueError(f"expected {word}, got {text[:60]!r} ({_cause(error)})") from error
    if not isinstance(value, kind):
        raise ValueError(f"expected {word}, got {text[:60]!r}")
    return value


def _cause(error: BaseException) -> str:
    return str(error.__cause__ or error)[:200]
