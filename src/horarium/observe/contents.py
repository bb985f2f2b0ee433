"""What a run carries, as people may see and search it. ``Contents.seen`` is the one place through which runs pass
before anything of them is shown.

Nothing raises: what cannot be read is shown as it is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.errors import DecodingError
from horarium.observe.redacted import BLOCKS, Cut, cuts_of, shown_run, value_of
from horarium.observe.text import json_text, one_line, visible
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PREVIEW = 2048  # characters of an argument or a result that a page shows; beyond, it is a download
KEY_ARGUMENTS = 3  # that a row of a list shows
KEY_CHARS = 40  # of each


class Contents:
    """What the runs of one app carry."""

    def __init__(self, app: Horarium) -> None:
        self._app = app
        self._names: dict[str, tuple[str, ...]] = {}  # of the positional parameters, by task
        self._last: tuple[Run, Run] | None = None  # as it is stored, and as it may be seen: it is asked for in parts

    def seen(self, run: Run) -> Run:
        """Return a run as people may see it (redacted.shown_run). A question is asked of a run as it is stored and, if
        that fits, of what may be seen of it."""
        return self._both(run)[1]

    def args(self, run: Run) -> Raw:
        """Return the positional arguments as they may be seen."""
        return self.seen(run).message.args

    def kwargs(self, run: Run) -> Raw:
        """Return the keyword arguments as they may be seen."""
        return self.seen(run).message.kwargs

    def result(self, run: Run) -> Raw | None:
        """Return the result as it may be seen."""
        return self.seen(run).result

    def restored(self, run: Run, name: str, raw: Raw) -> Raw:
        """Return arguments (``args`` or ``kwargs``) that somebody has edited as they were shown, with what was hidden
        and left as it is in its place again; the very text where there is none."""
        message, seen = run.message, self.seen(run).message
        stored, shown = (message.args, seen.args) if name == "args" else (message.kwargs, seen.kwargs)
        if stored == shown:
            return raw
        try:
            edited, before, after = (msgspec.json.decode(each) for each in (raw, shown, stored))
        except (msgspec.DecodeError, RecursionError):
            return raw
        return Raw(msgspec.json.encode(_restored(edited, before, after)))

    def named(self, run: Run) -> dict[str, Any]:  # Any: whatever was sent
        """Return the arguments by their names; positional ones that have none here by their place: ``0``, ``1``."""
        args, kwargs = _decoded(run.message.args), _decoded(run.message.kwargs)
        names = self._names_of(run.message.task)
        found: dict[str, Any] = {}
        for place, value in enumerate(args if isinstance(args, list) else ()):
            found[names[place] if place < len(names) else str(place)] = value
        return found | (kwargs if isinstance(kwargs, dict) else {})

    def positional(self, run: Run) -> list[Any]:  # Any: whatever was sent
        args = _decoded(run.message.args)
        return args if isinstance(args, list) else []

    def keys(self, run: Run) -> list[tuple[str, str]]:
        """Return the first few arguments, each as its name and a short text."""
        shown = [(one_line(name, KEY_CHARS), _short(value)) for name, value in self.named(run).items()]
        return shown[:KEY_ARGUMENTS]

    def text(self, run: Run) -> str:
        """Return all arguments as one text to be searched."""
        return f"{_utf8(run.message.args)} {_utf8(run.message.kwargs)}"

    def blocks(self, run: Run) -> list[tuple[str, str, str, bool]]:
        """Return what a page shows of arguments and result: a name for its address, a heading, the beginning of the
        text, and whether there is more."""
        args, kwargs = run.message.args, run.message.kwargs
        parts = (
            ("args", "Positional arguments", None if bytes(args) == b"[]" else args),
            ("kwargs", "Keyword arguments", None if bytes(kwargs) == b"{}" else kwargs),
            ("result", "Result", self.result(run)),
            ("meta", "What it reported", self.seen(run).meta),
        )
        cuts = self.cuts(run)
        return [(name, heading, *_beginning(raw, cuts.get(name))) for name, heading, raw in parts if raw is not None]

    def cuts(self, run: Run) -> dict[str, Cut]:
        """Return which of the blocks are too long to be looked through for a page."""
        return cuts_of(*self._both(run))

    def whole(self, run: Run, name: str) -> bytes | None:
        """Return one of the blocks whole, as it may be seen, however long that takes; None for one that there is
        not."""
        if name not in BLOCKS:
            return None
        stored, seen = self._both(run)
        if name in cuts_of(stored, seen):
            seen = shown_run(stored, self._app, limit=None)
        raw = value_of(seen, name)
        return None if raw is None else bytes(raw)

    def _both(self, run: Run) -> tuple[Run, Run]:
        """Return a run as it is stored, if it was asked for as such before, and as it may be seen."""
        if self._last is None or (self._last[0] is not run and self._last[1] is not run):
            self._last = run, shown_run(run, self._app)
        return self._last

    def _names_of(self, task: str) -> tuple[str, ...]:
        """Return the names of a task's positional parameters; none for one that the app does not know."""
        found = self._names.get(task)
        if found is None:
            known = self._app.tasks.get(task)
            found = self._names[task] = () if known is None else known.arguments.names
        return found


def _beginning(raw: Raw, cut: Cut | None) -> tuple[str, bool]:
    """Return the beginning of stored JSON as a page shows it, and whether there is more: indented, it is longer than
    it is stored."""
    text = block_text(raw, cut, PREVIEW)
    return text, cut is not None or len(bytes(raw)) > PREVIEW or json_text(raw) != text


def _restored(edited: Any, shown: Any, stored: Any) -> Any:  # Any: JSON
    if edited == shown:
        return stored
    if isinstance(edited, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {
            key: _restored(value, shown[key], stored[key]) if key in shown and key in stored else value
            for key, value in edited.items()
        }
    if isinstance(edited, list) and isinstance(shown, list) and isinstance(stored, list):
        known = [_restored(*three) for three in zip(edited, shown, stored, strict=False)]
        return known + edited[len(known) :]
    return edited


def block_text(raw: Raw | None, cut: Cut | None, limit: int) -> str:
    """Return stored JSON as a page shows it: no more than ``limit`` characters, and how long the whole is."""
    if cut is None:
        return json_text(raw, limit)
    if not cut.text:
        return f"{cut.size:,} bytes, not shown: too much would have to be looked through for secrets"
    return visible(cut.text[:limit], limit) + f" … of {cut.size:,} bytes"


def text_of(value: object) -> str:
    """Return a value as one writes it behind ``args.x:`` - a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return codec.encode(value).decode()
    except Exception:  # noqa: BLE001 - a value of a tagged form that cannot be said again is compared by its text
        return str(value)


def _short(value: object) -> str:
    return one_line(text_of(value), KEY_CHARS)


def _decoded(raw: Raw) -> Any:  # Any: whatever was sent
    try:
        return codec.decode(raw)
    except DecodingError:
        return None


def _utf8(raw: Raw) -> str:
    return bytes(raw).decode("utf-8", "replace")
