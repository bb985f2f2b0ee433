"""What a scheduler is to find: entries that run once a day, some of which come due at one instant.

A file, because a scheduler whose entries are code reads them as it starts, in a process of its own. An interval of a
day that began a day before the instant is what all of them know, and what all of them compute quickest.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

DAY = timedelta(days=1)
LATER = timedelta(hours=12)  # after the instant: when those come due that are not meant


class Plan(NamedTuple):
    entries: int
    due: int  # so many of them come due at the instant
    instant: float  # seconds since the epoch

    def each(self) -> Iterator[tuple[str, datetime]]:
        """Yield the name of each entry and when it comes due; those due at the instant are spread over all."""
        instant = datetime.fromtimestamp(self.instant, UTC)
        for number in range(self.entries):
            is_due = number * self.due // self.entries < (number + 1) * self.due // self.entries
            yield f"entry{number:07}", instant if is_due else instant + LATER


def write(plan: Plan) -> None:
    """Keep the plan for the scheduler's process."""
    _path().write_text(json.dumps(plan))


def read() -> Plan:
    """Return the plan that was kept; an empty one before there is any."""
    return Plan(*json.loads(_path().read_text())) if _path().exists() else Plan(0, 0, 0.0)


def _path() -> Path:
    return Path(os.environ["BENCH_PLAN"])
