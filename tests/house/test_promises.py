"""Every promise names the tests that hold it, and every test that is named exists."""

from __future__ import annotations

import ast
import re
from functools import cache

from source import ROOT

PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = re.compile(r"^- `([\w/.]+)::(\w+)`$", re.MULTILINE)
PROMISE = re.compile(r"^## (\d)\. .+$", re.MULTILINE)
FEWEST = 5  # tests of a promise


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the test functions in a file, those of classes included."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_a_test_that_is_named_exists() -> None:
    named = sorted(set(NAMED.findall(PAGE)))
    assert [file for file, _ in named if not (ROOT / file).is_file()] == []
    assert [(file, name) for file, name in named if name not in names_in(file) or not name.startswith("test_")] == []


def test_every_line_of_the_page_that_looks_like_a_test_is_one() -> None:
    listed = [line for line in PAGE.splitlines() if line.startswith("- ")]
    assert [line for line in listed if NAMED.fullmatch(line) is None] == []


def test_each_of_the_seven_promises_is_held_by_tests() -> None:
    assert PROMISE.findall(PAGE) == list("1234567")
    _, *sections = PROMISE.split(PAGE)
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        assert len(NAMED.findall(text)) >= FEWEST, f"promise {number}"
