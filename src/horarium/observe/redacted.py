"""Runs and calls as people may see them. Whoever shows a run shows what comes from here.

Stored arguments are whole as long as they may be needed to run, and results are what callers ask for; so both are
redacted when they are shown. What was redacted when it was stored (log lines, errors) goes through here again: the
rules may have changed since. Without an effect on what is stored.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.app.redacting import REDACTED, RESULT_TOO, KnowsTasks, marks_of, redactor_of
from horarium.message import NO_ARGS, NO_KWARGS, Message, Signature
from horarium.outcome import Progress, Run
from horarium.redaction import CUT, MASK, MASK_RAW, Lines, Redactor, beginning
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from collections.abc import Collection

LIMIT = 262_144  # bytes of one value that are shown; of a longer one the beginning is, as a text
IN_LISTS = 4096  # of a value in a list of many runs
# Bytes of one value that are looked through, at most; of a larger one nothing is shown but its size. Whatever is shown
# is looked through whole first: a secret that is cut through is not found. Most values take 5 ms for each MiB; one made
# to be slow, of small dicts, takes 600.
LOOKED_THROUGH = 1_048_576
LOOKED_THROUGH_IN_LISTS = 32_768
DEEPEST = 20  # signatures within signatures


BLOCKS = ("args", "kwargs", "result", "meta")  # of what a run carries


class Cut(Struct, frozen=True):
    """What is shown of a value that is too long: the beginning of its JSON, as a text, and how many bytes it has. The
    text is empty for one that cannot be looked through."""

    text: str
    size: int


def shown_run(run: Run, app: KnowsTasks, *, limit: int | None = LIMIT) -> Run:
    """Return a run as people may see it: message, result, error, attempts, meta, progress and log lines.

    Of no value more than ``limit`` bytes are shown (None: all are shown whole, however long looking through them
    takes). A value is looked through whole first; one that is too large for that is not shown, and with arguments that
    are too large, nothing that may tell of them is. Values of a task that the app does not know are redacted by names
    and forms alone. Never raises.
    """
    sight = _Sight(app, run.message, limit)
    values = sight.values or ()
    redactor, lines = sight.redactor, Lines(sight.redactor)
    tells = run.result is not None and run.message.headers.get(REDACTED) == RESULT_TOO
    return replace(
        run,
        message=_shown_message(run.message, app, sight),
        result=MASK_RAW if tells else sight.raw(run.result),
        meta=sight.raw(run.meta),
        error=None if run.error is None else redactor.error(run.error, values),
        attempts=tuple(
            attempt if attempt.error is None else replace(attempt, error=redactor.error(attempt.error, values))
            for attempt in run.attempts
        ),
        progress=_shown_progress(run.progress, redactor, values),
        logs=tuple(lines.line(line, values) for line in run.logs),
    )


def cuts_of(stored: Run, shown: Run) -> dict[str, Cut]:
    """Return which of the BLOCKS were too long for shown_run: there the JSON of the
    shown run is a text, and no value of the task's."""
    found: dict[str, Cut] = {}
    for name in BLOCKS:
        whole, seen = value_of(stored, name), value_of(shown, name)
        if whole is None or seen is None or seen is whole:
            continue
        size = len(bytes(whole))
        ending = CUT.format(size)
        if bytes(seen).endswith(f'{ending}"'.encode()) and bytes(whole) != bytes(seen):
            found[name] = Cut(msgspec.json.decode(seen, type=str).removesuffix(ending), size)
    return found


def value_of(run: Run, name: str) -> Raw | None:
    """Return one of the BLOCKS."""
    found: Raw | None = getattr(run.message if name in ("args", "kwargs") else run, name)
    return found


def shown_message(message: Message, app: KnowsTasks, *, limit: int | None = LIMIT) -> Message:
    """Return a message as people may see it: its arguments, its headers, and the calls that follow it."""
    return _shown_message(message, app, _Sight(app, message, limit))


def shown_call(task: str, args: Raw, kwargs: Raw, app: KnowsTasks, *, limit: int | None = LIMIT) -> tuple[Raw, Raw]:
    """Return the arguments of a call, such as a schedule's, as people may see them."""
    return _Sight(app, Signature(task=task, args=args, kwargs=kwargs), limit).shown_call()


def shown_schedule(schedule: Schedule, app: KnowsTasks) -> Schedule:
    """Return a schedule as people may see it: its call, and what edits have made of that."""
    args, kwargs = shown_call(schedule.task, schedule.args, schedule.kwargs, app)
    edits = tuple(replace(edit, changes=_shown_changes(edit.changes, schedule.task, app)) for edit in schedule.edits)
    return replace(
        schedule, args=args, kwargs=kwargs, options=redactor_of(app.conf).value(schedule.options), edits=edits
    )


class _Sight:
    """What one call, and what came of it, is looked at with."""

    def __init__(self, app: KnowsTasks, call: Message | Signature, limit: int | None) -> None:
        self._call = call
        self.limit = limit
        self.redactor, self._marks = redactor_of(app.conf), marks_of(app.tasks.get(call.task))
        self._most = None if limit is None else LOOKED_THROUGH if limit > IN_LISTS else LOOKED_THROUGH_IN_LISTS

    @cached_property
    def values(self) -> tuple[str, ...] | None:
        """The secret ones among the arguments; None: these are too large to be looked through, and nobody knows."""
        args, kwargs = self._call.args, self._call.kwargs
        if self._may_be_looked_through(args, kwargs):
            return self.redactor.values(args, kwargs, self._marks)
        return () if self.redactor.has_no_names(args, kwargs, self._marks) else None

    def shown_call(self, *, has_gap: bool = False) -> tuple[Raw, Raw]:
        """Return the arguments as they may be seen. ``has_gap``: they will be given a value in front."""
        args, kwargs = self._call.args, self._call.kwargs
        if not self._may_be_looked_through(args, kwargs):
            return _size_alone(args), _size_alone(kwargs)
        shown = self.redactor.call(args, kwargs, self._marks, self.values)
        if has_gap:
            shown = self.redactor.call(*shown, self._marks.behind_one)
        return self._beginning(shown[0], args), self._beginning(shown[1], kwargs)

    def raw(self, raw: Raw | None) -> Raw | None:
        """Return a value of the run's own as it may be seen."""
        if raw is None:
            return None
        if self.values is None or not self._may_be_looked_through(raw):
            return _size_alone(raw)
        return self._beginning(self.redactor.raw(raw, self.values), raw)

    def key(self, key: str) -> str:
        """Return a key, which is often made of arguments, as it may be seen."""
        return MASK if self.values is None else self.redactor.text(key, self.values)

    def headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        """Return headers or options as they may be seen; those too large to be looked through, as their size. Any:
        JSON."""
        if self._most is None:
            return self._headers(headers)
        left, fit, sizes = self._most, {}, {}
        for name, value in headers.items():
            size = len(msgspec.json.encode(value))
            if size <= left:
                fit[name] = value
                left -= size
            else:
                sizes[name] = CUT.format(size)
        return self._headers(fit) | sizes

    def _headers(self, headers: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.redactor.value(headers, self.values or ())
        return found

    def _beginning(self, redacted: Raw, stored: Raw) -> Raw:
        return redacted if self.limit is None else beginning(redacted, len(bytes(stored)), self.limit)

    def _may_be_looked_through(self, *raws: Raw) -> bool:
        return self._most is None or sum(len(bytes(raw)) for raw in raws) <= self._most


def _size_alone(raw: Raw) -> Raw:
    return raw if bytes(raw) in (b"[]", b"{}") else Raw(msgspec.json.encode(CUT.format(len(bytes(raw)))))


def _shown_message(message: Message, app: KnowsTasks, sight: _Sight) -> Message:
    args, kwargs = sight.shown_call(has_gap=message.gate is not None)
    return replace(
        message,
        args=args,
        kwargs=kwargs,
        headers=sight.headers(message.headers),
        links=_shown_signatures(message.links, app, sight.limit, DEEPEST),
        error_links=_shown_signatures(message.error_links, app, sight.limit, DEEPEST),
        slot=None if message.slot is None else replace(message.slot, key=sight.key(message.slot.key)),
        unique=None if message.unique is None else replace(message.unique, key=sight.key(message.unique.key)),
    )


def _shown_changes(changes: dict[str, Any], task: str, app: KnowsTasks) -> dict[str, Any]:
    """Any: JSON, as edits note it."""
    shown = dict(changes)
    for field in shown.keys() & {"args", "kwargs", "options"}:
        shown[field] = tuple(_shown_part(field, value, task, app) for value in changes[field])
    return shown


def _shown_part(field: str, value: Any, task: str, app: KnowsTasks) -> Any:
    if not isinstance(value, list if field == "args" else dict):
        return redactor_of(app.conf).value(value)
    raw = Raw(msgspec.json.encode(value))
    args, kwargs = (raw, NO_KWARGS) if field == "args" else (NO_ARGS, raw)
    return msgspec.json.decode(shown_call(task, args, kwargs, app)[field != "args"])


def _shown_signatures(
    calls: tuple[Signature, ...], app: KnowsTasks, limit: int | None, left: int
) -> tuple[Signature, ...]:
    return tuple(_shown_signature(call, app, limit, left) for call in calls) if left else ()


def _shown_signature(call: Signature, app: KnowsTasks, limit: int | None, left: int) -> Signature:
    sight = _Sight(app, call, limit)
    args, kwargs = sight.shown_call(has_gap=not call.immutable)
    changes: dict[str, Any] = {"args": args, "kwargs": kwargs, "options": sight.headers(call.options)}
    for field in ("tasks", "links", "error_links"):
        changes[field] = _shown_signatures(getattr(call, field), app, limit, left - 1)
    if call.body is not None:
        changes["body"] = _shown_signature(call.body, app, limit, left - 1) if left else None
    return replace(call, **changes)


def _shown_progress(progress: Progress | None, redactor: Redactor, values: Collection[str]) -> Progress | None:
    return None if progress is None else replace(progress, note=redactor.text(progress.note, values))
