"""The form of a kept log line: when, how grave, who said it, and what. Written by workers, read by whoever shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from msgspec import Struct

from horarium.clock import Instant, to_datetime, to_instant

PRINTED = "print"  # who said it, of what a task has printed
_FORM = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z (\S+) ([^:]*): ", re.ASCII)


class LogLine(Struct, frozen=True, kw_only=True):
    """A line taken apart. Of one that is not in the form (a gap, another program's) all is text."""

    text: str  # may hold line breaks: a traceback
    at: Instant | None = None
    level: str = ""
    name: str = ""  # of the logger, or PRINTED


def written(at: Instant, level: str, name: str, text: str) -> str:
    """Return a line as it is kept: ``2026-11-28T19:30:42.123Z WARNING shop.tasks: text``."""
    return f"{_moment(at)} {level} {name.replace(':', '.') if ':' in name else name}: {text}"


def all_written(parts: Iterable[tuple[Instant, str, str, str]]) -> list[str]:
    """Return what ``written`` makes of each."""
    moment = _moment
    return [
        f"{moment(at)} {level} {name.replace(':', '.') if ':' in name else name}: {text}"
        for at, level, name, text in parts
    ]


@lru_cache(maxsize=8)  # lines come in bursts
def _moment(at: Instant) -> str:
    second, rest = divmod(at, 1000)
    return f"{_second(second)}.{rest:03d}Z"


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return to_datetime(second * 1000).isoformat()[:19]


def read(line: str) -> LogLine:
    """Take a kept line apart. Never raises."""
    found = _FORM.match(line)
    if found is None:
        return LogLine(text=line)
    try:
        at = to_instant(datetime.fromisoformat(f"{found[1]}+00:00"))
    except ValueError:  # the 31st of February
        return LogLine(text=line)
    return LogLine(text=line[found.end() :], at=at, level=found[2], name=found[3])
