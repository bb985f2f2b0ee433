"""The files that instruments deliver: CSV with the columns ``sample`` and ``value``, of any length."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Summary(NamedTuple):
    readings: int
    lowest: float
    highest: float
    mean: float


def summarise(path: Path) -> Summary:
    """Read a file line by line; no more than one line is in memory. Raises: ValueError for a file without a reading."""
    number, total, lowest, highest = 0, 0.0, float("inf"), float("-inf")
    for value in _values(path):
        number += 1
        total += value
        lowest, highest = min(lowest, value), max(highest, value)
    if not number:
        raise ValueError(f"expected at least one reading in {path.name}, got none")
    return Summary(number, lowest, highest, total / number)


def _values(path: Path) -> Iterator[float]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield float(row["value"])
