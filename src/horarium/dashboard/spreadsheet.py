"""Tables for spreadsheets: CSV in which no cell is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

FORMULAS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # what spreadsheets take for the beginning of one
MARK = "\ufeff"  # tells spreadsheets that it is UTF-8


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table. A text that a spreadsheet would calculate begins with an apostrophe, and so is a text there."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return (MARK + made.getvalue()).encode("utf-8", "replace")


def cell(value: object) -> object:
    """Return a value as it may stand in a cell. Numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    text = str(value).replace("\x00", "\\x00")
    return f"'{text}" if text.startswith(FORMULAS) else text
