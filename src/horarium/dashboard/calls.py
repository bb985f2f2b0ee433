"""Calls that people type in: which tasks there are to call, and how arguments are read. For the forms of several
rooms."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from horarium import codec
from horarium.dashboard.ask import Ask
from horarium.errors import HorariumError

MOST_CHARS = 256 * 1024  # of arguments
KINDS: dict[str, tuple[type, str]] = {"args": (list, "[1115]"), "kwargs": (dict, '{"full": true}')}


def known_tasks(ask: Ask) -> set[str]:
    """Return the names of tasks that can be sent: this app's, and those of live workers."""
    elsewhere = {name for each in ask.engine.inspector.workers(now=ask.now) if each.alive for name in each.member.tasks}
    return {*ask.app.tasks, *elsewhere}


def read_arguments(name: str, text: str) -> Any:  # Any: a list or an object of JSON
    """Return what the text of ``args`` or ``kwargs`` says; empty means none. Raises: ValueError."""
    kind, example = KINDS[name]
    if len(text) > MOST_CHARS:
        raise ValueError(f"expected at most {MOST_CHARS:,} characters of {name}, got {len(text):,}; type in less")
    try:
        value = codec.decode(Raw(text.encode())) if text.strip() else kind()
    except (HorariumError, UnicodeEncodeError) as error:
        cause = str(error.__cause__ or error)[:200]
        raise ValueError(f"expected {name} to be JSON such as {example}, got {text[:60]!r} ({cause})") from error
    if not isinstance(value, kind):
        raise ValueError(f"expected {name} to be JSON such as {example}, got {text[:60]!r}")
    return value
