"""Each row of the checklist has a test that says so by the row's number; docs/seeds-coverage.md lists them, and says
of which rows a part is shown only.
"""

from __future__ import annotations

import sys

from source import ROOT

sys.path.insert(0, str(ROOT / "docs"))

from pages.coverage import IN_PART, all_shown, checklist, coverage_page, rows_in

ROWS = {row.number for row in checklist()}


def test_the_checklist_is_whole() -> None:
    assert set(range(1, 139)) == ROWS
    assert all(row.what and row.where and row.group for row in checklist())


def test_the_ways_of_writing_rows_are_all_read() -> None:
    assert rows_in("12") == {12}
    assert rows_in("3_4_5") == {3, 4, 5}
    assert rows_in("21_and_22") == rows_in("21 and 22") == {21, 22}
    assert rows_in("29_to_31_and_40") == rows_in("29 to 31, 40") == {29, 30, 31, 40}
    assert any(each.is_step for each in all_shown())


def test_every_row_has_a_test() -> None:
    assert sorted(ROWS - {row for each in all_shown() for row in each.rows}) == []


def test_the_page_says_which_rows_are_shown_in_part_and_why() -> None:
    page = coverage_page()
    assert IN_PART.keys() <= ROWS
    for number, why in IN_PART.items():
        assert f"- Row {number}: {why}" in page
        assert f"\n| {number} (in part) |" in page


def test_no_test_names_a_row_that_there_is_not() -> None:
    assert [each for each in all_shown() if not each.rows <= ROWS] == []
