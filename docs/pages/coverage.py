"""The page that says which test shows each row of the checklist: read from the tests' files, none is run.

A step of a journey names its rows where it is written: ``@journey.step("title", where="000:65", rows=(85,))``. Any
other test names them at the end of its name (``..._row_12``, ``..._rows_21_and_22``, ``..._rows_29_to_41``), or in its
docstring ("Rows 9 and 17.").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
CHECKLIST = Path(__file__).with_name("rows.txt")
# tests/chaos counts by another matrix: its names begin with the row.
NOT_OURS = ("chaos", "house")
AT_THE_END = re.compile(r"_rows?_(\d+(?:_(?:and_|to_)?\d+)*)$")
IN_WORDS = re.compile(r"\bRows? (\d+(?:(?:, | and | to )\d+)*)\b")
INTRODUCTION = """\
# What the five guides rely on, and what shows it

<!-- Made by docs/generate.py from the tests. -->

Five guides of real adopters of Celery rely on {rows} things. Each has a test here: a step of the journey that follows
the guide from its first line to its last, on SQLite alone and on Redis with PostgreSQL (what is walked through are
[the examples](../examples/README.md)), or a test of its own, or both. {in_journeys} rows are shown by journeys;
missing: {missing}.

Shown in part, since the rest is not built:

{in_part}
"""
# What no test can show of a row, and why. The row's tests show the rest of it.
IN_PART = {
    26: "RabbitMQ is reached by `horarium bridge`, which carries messages from and to Celery; it is no store.",
    138: "A password on Redis is shown; results are kept as they are, since encrypting them is not built (000:373).",
}
HEAD = "| | Must work | Guide:line | Journey's step | Tests of its own |\n|---|---|---|---|---|\n"


class Row(NamedTuple):
    number: int
    group: str
    what: str
    where: str  # lines of the guides


class Shown(NamedTuple):
    """One test, or one step of a journey, that shows rows."""

    name: str  # "koolclips: Two beats do not fire twice" or "cli/test_x.py::test_y"
    rows: frozenset[int]
    is_step: bool


@cache
def checklist() -> tuple[Row, ...]:
    rows, group = [], ""
    for line in CHECKLIST.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        match line.split("\t"):
            case [number, what, where]:
                rows.append(Row(int(number), group, what, where))
            case _:
                group = line
    return tuple(rows)


def rows_in(text: str) -> frozenset[int]:
    """Return the numbers that are written in one list, such as ``3_4_and_9``, ``29 to 41``, ``9, 13 and 17``."""
    found: set[int] = set()
    for part in re.split(r"_and_| and |, |_(?=\d)", re.sub(r"_to_| to ", "-", text)):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


@cache
def all_shown() -> tuple[Shown, ...]:
    """Return every test and every step that names rows."""
    found: list[Shown] = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        place = path.relative_to(ROOT / "tests")
        if place.parts[0] in NOT_OURS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found += _steps(path.stem.removeprefix("test_").removesuffix("_journey"), node)
                if node.name.startswith("test_"):
                    written = [*AT_THE_END.findall(node.name), *IN_WORDS.findall(ast.get_docstring(node) or "")]
                    if rows := frozenset[int]().union(*map(rows_in, written)):
                        found.append(Shown(f"{place}::{node.name}", rows, is_step=False))
    return tuple(found)


def coverage_page() -> str:
    shown = all_shown()
    by_journeys = {row for each in shown if each.is_step for row in each.rows}
    missing = sorted({row.number for row in checklist()} - {row for each in shown for row in each.rows})
    parts = [
        INTRODUCTION.format(
            rows=len(checklist()),
            in_journeys=len(by_journeys),
            missing=", ".join(map(str, missing)) or "none",
            in_part="\n".join(f"- Row {number}: {why}" for number, why in IN_PART.items()),
        )
    ]
    group = ""
    for row in checklist():
        if row.group != group:
            group = row.group
            parts.append(f"\n## {group}\n\n{HEAD}")
        steps = "<br>".join(each.name for each in shown if each.is_step and row.number in each.rows)
        tests = [f"`{each.name.rpartition('/')[2]}`" for each in shown if not each.is_step and row.number in each.rows]
        number = f"{row.number} (in part)" if row.number in IN_PART else row.number
        parts.append(f"| {number} | {row.what} | {row.where} | {steps} | {_short(tests)} |\n")
    return "".join(parts)


def _steps(system: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Shown]:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "step":
            given = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
            title = ast.literal_eval(call.args[0])
            yield Shown(f"{system}: {title} ({given['where']})", frozenset(given.get("rows", ())), is_step=True)


def _short(tests: list[str]) -> str:
    return "<br>".join([*tests[:2], *([f"and {len(tests) - 2} more"] if len(tests) > 2 else [])])
