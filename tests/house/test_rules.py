"""Every rule of schedules names the tests that hold it, every test that is named exists, and none is forgotten."""

from __future__ import annotations

import ast
import re
from functools import cache

from source import ROOT

PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
NAMED = re.compile(r"^- `([\w/.]+)::(\w+)`$", re.MULTILINE)
RULE = re.compile(r"^## S(\d+)\. .+$", re.MULTILINE)
RULES = [str(number) for number in range(1, 22)]
MARKED = re.compile(r"test_s(\d+)_")


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the test functions in a file, those of classes included."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_a_test_of_a_rule_exists() -> None:
    named = sorted(set(NAMED.findall(PAGE)))
    assert [file for file, _ in named if not (ROOT / file).is_file()] == []
    assert [(file, name) for file, name in named if name not in names_in(file) or not name.startswith("test_")] == []


def test_every_line_of_the_page_of_rules_that_looks_like_a_test_is_one() -> None:
    listed = [line for line in PAGE.splitlines() if line.startswith("- ")]
    assert [line for line in listed if NAMED.fullmatch(line) is None] == []


def test_each_rule_of_schedules_is_held_by_tests() -> None:
    assert RULE.findall(PAGE) == RULES
    _, *sections = RULE.split(PAGE)
    for number, text in zip(sections[::2], sections[1::2], strict=True):
        assert len(NAMED.findall(text)) >= 2, f"rule S{number}"


def test_a_test_that_names_a_rule_names_one_that_there_is() -> None:
    found = {
        number for path in (ROOT / "tests").rglob("test_*.py") for number in MARKED.findall(path.read_text("utf-8"))
    }
    assert found - set(RULES) == set()
