"""A worker's log, read back: how many runs there were of what, which went wrong, and which have no end.

Reads the lines that observe/lines.py writes in the default format. Pure: lines in, facts out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

# [2026-11-28 12:04:16,955: INFO/MainProcess] text
ENTRY = re.compile(r"^\[(?P<at>[\d-]+ [\d:,.]+): (?P<level>[A-Z]+)/(?P<process>[^\]]*)\] ?(?P<text>.*)$")
RECEIVED = re.compile(r"^Task (?P<task>\S+)\[(?P<id>[^\]]+)\] received")
ENDED = re.compile(
    r"^Task (?P<task>\S+)\[(?P<id>[^\]]+)\] "
    r"(?P<how>succeeded|raised unexpected|raised expected|rejected|ignored|given up|crashed|retry|given back)"
)
DISCARDED = re.compile(r"^Discarding revoked task: (?P<task>\S+)\[(?P<id>[^\]]+)\]")
OPEN_AGAIN = ("retry", "given back", "crashed")  # it runs again, and is received again
LOUD = frozenset({"ERROR", "CRITICAL"})


class Entry(Struct, frozen=True):
    """One entry of the log: its first line, and what follows until the next one (a traceback)."""

    level: str
    text: str
    lines: tuple[str, ...]  # as they stand, the first one included

    @property
    def trace(self) -> tuple[str, ...]:
        """The traceback that stands below the first line, if one does."""
        return self.lines[1:]


class Summary(Struct, frozen=True, kw_only=True):
    """What a log tells as a whole."""

    entries: int = 0
    errors: int = 0
    received: int = 0
    ends: dict[str, int] = msgspec.field(default_factory=dict)  # by how
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # received, by name


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries; lines before the first one, such as the banner, are passed over."""
    head: re.Match[str] | None = None
    block: list[str] = []
    for line in lines:
        line = line.rstrip("\n")
        found = ENTRY.match(line)
        if found is None:
            if head is not None:
                block.append(line)
            continue
        if head is not None:
            yield Entry(head["level"], head["text"], tuple(block))
        head, block = found, [line]
    if head is not None:
        yield Entry(head["level"], head["text"], tuple(block))


def summary(log: Iterable[Entry]) -> Summary:
    """Add up what happened."""
    number = errors = 0
    ends: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    for entry in log:
        number += 1
        errors += entry.level in LOUD
        if received := RECEIVED.match(entry.text):
            tasks[received["task"]] += 1
        elif ended := ENDED.match(entry.text):
            ends[ended["how"]] += 1
        elif DISCARDED.match(entry.text):
            ends["discarded"] += 1
    return Summary(entries=number, errors=errors, received=tasks.total(), ends=dict(ends), tasks=dict(tasks))


def traces(log: Iterable[Entry]) -> Counter[str]:
    """Count the tracebacks, each by its text."""
    return Counter("\n".join(entry.trace) for entry in log if any(map(str.strip, entry.trace)) and entry.level in LOUD)


def incomplete(log: Iterable[Entry]) -> dict[str, str]:
    """Return the runs that were received and have no end in the log, id to task, in the order of the log."""
    unended: dict[str, str] = {}
    for entry in log:
        if received := RECEIVED.match(entry.text):
            unended[received["id"]] = received["task"]
        elif ended := ENDED.match(entry.text):
            if ended["how"] not in OPEN_AGAIN:
                unended.pop(ended["id"], None)
        elif discarded := DISCARDED.match(entry.text):
            unended.pop(discarded["id"], None)
    return unended


def is_of_a_run(entry: Entry) -> bool:
    """Whether an entry tells of one run's way."""
    return any(pattern.match(entry.text) for pattern in (RECEIVED, ENDED, DISCARDED))
