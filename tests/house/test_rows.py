"""Each row of the checklist has a test that says so by the row's number.

The checklist is what five guides of real adopters rely on (138 rows). A test names the rows that it shows at the end of
its name (``..._row_12``, ``..._rows_21_and_22``, ``..._rows_29_to_41``), or in its docstring ("Rows 9 and 17.").
"""

from __future__ import annotations

import ast
import re
from functools import cache

from source import ROOT

ROWS = range(1, 139)
# Shown in part, since the rest is not built: 26 (RabbitMQ is reached by `horarium bridge`, and is no store) and
# 138 (results are not encrypted).
# tests/chaos counts by another matrix: its names begin with the row.
NOT_OURS = "chaos"
AT_THE_END = re.compile(r"_rows?_(\d+(?:_(?:and_|to_)?\d+)*)$")
IN_WORDS = re.compile(r"\bRows? (\d+(?:(?:, | and | to )\d+)*)\b")


def rows_in(text: str) -> set[int]:
    """Return the numbers that are written in one list, such as ``3_4_and_9``, ``29 to 41``, ``9, 13 and 17``."""
    found: set[int] = set()
    for part in re.split(r"_and_| and |, |_(?=\d)", re.sub(r"_to_| to ", "-", text)):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


@cache
def shown() -> dict[int, list[str]]:
    """Return the tests that name each row."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT / "tests")
        if place.parts[0] in (NOT_OURS, "house"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                written = [*AT_THE_END.findall(node.name), *IN_WORDS.findall(ast.get_docstring(node) or "")]
                for row in {row for text in written for row in rows_in(text)}:
                    found.setdefault(row, []).append(f"{place}::{node.name}")
    return found


def test_the_ways_of_writing_rows_are_all_read() -> None:
    assert rows_in("12") == {12}
    assert rows_in("3_4_5") == {3, 4, 5}
    assert rows_in("21_and_22") == rows_in("21 and 22") == {21, 22}
    assert rows_in("29_to_31_and_40") == rows_in("29 to 31, 40") == {29, 30, 31, 40}


def test_every_row_has_a_test() -> None:
    assert sorted(set(ROWS) - set(shown())) == []


def test_no_test_names_a_row_that_there_is_not() -> None:
    assert {row: tests for row, tests in shown().items() if row not in ROWS} == {}
