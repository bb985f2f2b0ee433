"""What a rule of the doctor says: a fact, how bad it is, and what mends it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from horarium.clock import Seconds

Level: TypeAlias = Literal["ok", "note", "warning", "problem"]


class Finding(Struct, frozen=True, omit_defaults=True):
    """One line of a diagnosis. ``cause`` is a fixed word that programs may compare; ``remedy`` is a command; ``about``
    the name of the one schedule, queue or task that it is about."""

    level: Level
    cause: str
    text: str
    remedy: str = ""
    about: str = ""


def fine(cause: str, text: str) -> Finding:
    return Finding("ok", cause, text)


def note(cause: str, text: str, remedy: str = "", *, about: str = "") -> Finding:
    """Something that stops a task but is meant to: a pause, a future eta."""
    return Finding("note", cause, text, remedy, about)


def warning(cause: str, text: str) -> Finding:
    """Something that works and is weaker than what is promised; the text says what mends it."""
    return Finding("warning", cause, text)


def problem(cause: str, text: str, remedy: str, *, about: str = "") -> Finding:
    return Finding("problem", cause, text, remedy, about)


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was most likely meant."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a clause to put behind a sentence about an unknown name, or nothing."""
    near = nearest_name(name, known)
    return f"; the nearest known name is {near!r}" if near else ""


def lasting(seconds: Seconds) -> str:
    """Return a duration in its largest sensible unit."""
    seconds = abs(seconds)
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def plural(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"
