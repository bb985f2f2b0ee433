"""What the pages say of other libraries: nothing without a source, and as many as were measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPARISON = (ROOT / "docs" / "why" / "comparison.md").read_text(encoding="utf-8")
NUMBERS = {8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}


def first_words(table: str) -> list[str]:
    """Return the first word of each row: the library, without what comes with it."""
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return [re.findall(r"\w+", row.split("|")[1])[0] for row in rows if re.search(r"\w", row.split("|")[1])]


def section(page: str, heading: str) -> str:
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    "heading", ["What was looked at", "What they need, and what they do", "Choose another one if..."]
)
def test_whatever_is_said_of_a_library_has_a_row_of_sources(heading: str) -> None:
    text = section(COMPARISON, heading)
    named = {*first_words(text), *re.findall(r"^- \*\*(\w+)\*\*", text, re.MULTILINE)} - {"Horarium"}
    assert len(named) == 8
    assert named <= set(first_words(section(COMPARISON, "Sources")))


@pytest.mark.parametrize("page", ["README.md", "docs/README.md"])
def test_the_number_of_measured_others_is_the_one_of_the_figures(page: str) -> None:
    figures = (ROOT / "bench" / "README.md").read_text(encoding="utf-8").split("\n|  | tasks/s |")[1].split("\n\n")[0]
    labels = re.findall(r"^\| ([^(|,][^|,]*)", figures, re.MULTILINE)
    measured = {label.strip() for label in labels} - {"Horarium", "---"}
    assert f"side by side with {NUMBERS[len(measured)]} others" in (ROOT / page).read_text(encoding="utf-8")
