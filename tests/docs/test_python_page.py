"""The page of the Python API has every name that is exported, and what it leaves out is there to be left out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import horarium
from horarium import testing

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from pages.python import INNER, STAND_INS, prose  # noqa: E402
from pages.signatures import called, members_of  # noqa: E402

PAGE = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
CLASSES = [
    name
    for name in horarium.__all__
    if issubclass(type(kind := getattr(horarium, name)), type) and not kind.__module__.startswith("horarium.schedules")
]
EXPORTED = [*(name for name in horarium.__all__ if name != "__version__"), *testing.__all__]


@pytest.mark.parametrize("name", EXPORTED)
def test_every_exported_name_has_a_heading_and_says_something(name: str) -> None:
    _, found, below = PAGE.partition(f"\n### {name}\n\n")
    assert found
    paragraphs = below.partition("\n#")[0].split("\n\n")
    assert [each for each in paragraphs if each[0].isupper() or each.startswith(("`task.", "`captured`"))]


def test_nothing_has_two_headings() -> None:
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(set(headings))


def test_what_is_left_out_is_there_and_no_page_tells_callers_of_it() -> None:
    told = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "how-to").glob("*.md"))
    for kind, names in INNER.items():
        assert names <= {name for name, _ in members_of(kind)}, kind
        assert [name for name in names if re.search(rf"(?:app|task|result|request)\.{name}\(", told)] == []


@pytest.mark.parametrize("name", CLASSES)
def test_each_member_of_a_class_is_told_of_once_or_left_out(name: str) -> None:
    kind = getattr(horarium, name)
    inner = {each for base, names in INNER.items() if issubclass(kind, base) for each in names}
    said = [each for each, _ in members_of(kind) if re.search(rf"\*\*{each}\*\*|`{each}[(:`]", PAGE)]
    assert {each for each, _ in members_of(kind)} - inner == set(said) - inner


def test_prose_keeps_code_and_hides_what_looks_like_markup() -> None:
    assert prose("One *two* ``a_b | *c`` <x>\n\n  and _this_ one_word [1].") == (
        r"One \*two\* `a_b | *c` \<x> and \_this\_ one_word \[1\]."
    )


def test_a_call_is_written_as_the_code_has_it() -> None:
    def call(
        self: Any, first: int, /, *rest: str, last: float = 5.0, other: object = object(), **more: Any
    ) -> None: ...

    written = "call(first: int, /, *rest: str, last: float = 5, other: object = ..., **more) -> None"
    assert called("call", call, is_member=True) == written


def test_the_page_is_the_same_where_there_is_an_app() -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT / "docs")!r})
import horarium
app = horarium.Horarium("shop", store="memory://")
from pages.python import python_page
assert python_page() == open({str(ROOT / "docs" / "reference" / "python.md")!r}, encoding="utf-8").read()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert STAND_INS.keys() <= set(horarium.__all__)
