"""Every line of the checklist for security names tests that exist, or says what is not built; none is forgotten."""

from __future__ import annotations

import ast
import re
from functools import cache

from source import ROOT

PAGE = (ROOT / "docs" / "security-checklist.md").read_text(encoding="utf-8")
NAMED = re.compile(r"^- `([\w/.]+)::(\w+)`$", re.MULTILINE)
LINE = re.compile(r"^## ([TCF]\d+)\. .+$", re.MULTILINE)
MISSING = re.compile(r"^\*\*Not built:\*\* \S", re.MULTILINE)
# Threats, the checklist, what is fed with hostile input: as many as the programme of reliability and security has.
LINES = [*(f"T{n}" for n in range(1, 7)), *(f"C{n}" for n in range(1, 15)), *(f"F{n}" for n in range(1, 9))]
# What is not built, by the line that asks for it: a change of these is a change of what the page says.
NOT_BUILT = ["T2", "T3", "T4", "C1", "C2", "C5", "C8", "C10", "C11", "C12", "C13", "C14", "F2", "F5", "F7"]


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the test functions in a file, those of classes included."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def sections() -> dict[str, str]:
    _, *parts = LINE.split(PAGE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_a_test_of_the_security_page_exists() -> None:
    named = sorted(set(NAMED.findall(PAGE)))
    assert len(named) > 80
    assert [file for file, _ in named if not (ROOT / file).is_file()] == []
    assert [(file, name) for file, name in named if name not in names_in(file) or not name.startswith("test_")] == []


def test_every_line_of_the_security_page_that_looks_like_a_test_is_one() -> None:
    listed = [line for line in PAGE.splitlines() if line.startswith("- ")]
    assert [line for line in listed if NAMED.fullmatch(line) is None] == []


def test_every_line_of_the_checklist_stands_there_with_tests_or_what_is_not_built() -> None:
    assert LINE.findall(PAGE) == LINES
    assert [line for line, text in sections().items() if not NAMED.search(text) and not MISSING.search(text)] == []


def test_what_is_not_built_is_said_where_it_is_asked_for() -> None:
    assert [line for line, text in sections().items() if MISSING.search(text)] == NOT_BUILT
