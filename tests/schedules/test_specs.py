"""Specs as records and as text."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs_made import crontabs, specs

from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, crontab, every
from horarium.schedules.specs import Spec, as_spec, from_record, to_record
from horarium.schedules.words import describe


@given(specs)
def test_a_record_gives_back_an_equal_spec(spec: Spec) -> None:
    stored = json.loads(json.dumps(to_record(spec)))
    assert from_record(stored) == spec
    assert to_record(from_record(stored)) == stored


@given(crontabs)
def test_a_crontabs_description_reads_back_in_file_order(spec: crontab) -> None:
    assert crontab.from_string(describe(spec).removeprefix("crontab ")) == spec


def test_records_are_stable() -> None:
    assert to_record(crontab(0, {6, 18}, "mon-fri")) == {
        "kind": "crontab",
        "minute": "0",
        "hour": "6,18",
        "day_of_week": "mon-fri",
        "day_of_month": "*",
        "month_of_year": "*",
    }
    assert to_record(every(1.5)) == {"kind": "every", "milliseconds": 1500}
    assert to_record(clocked(5)) == {"kind": "clocked", "instant": 5}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"kind": "solar"},
        {"kind": "crontab"},
        {"kind": "crontab", "minute": "99", "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"},
        {"kind": "crontab", "minute": None, "hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"},
        {"kind": "every", "milliseconds": "5"},
        {"kind": "every", "milliseconds": 0},
        {"kind": "every", "milliseconds": 10**30},
        {"kind": "every", "milliseconds": 5, "more": 1},
        {"kind": "clocked", "instant": None},
        {"kind": "clocked", "instant": -5},
        None,
        [],
        "crontab",
    ],
)
def test_a_bad_record_is_refused_in_kind(record: object) -> None:
    with pytest.raises(InvalidSchedule):
        from_record(record)


def test_numbers_and_timedeltas_are_intervals() -> None:
    assert as_spec(30) == as_spec(30.0) == as_spec(timedelta(seconds=30)) == as_spec(every(30)) == every(30)
    assert as_spec(crontab(5)) == crontab(5)


@pytest.mark.parametrize("value", ["* * * * *", None, True, datetime(2026, 1, 1), object(), 0])
def test_what_is_no_schedule_is_refused(value: object) -> None:
    with pytest.raises(InvalidSchedule, match="expected "):
        as_spec(value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (crontab(0, 6, "mon"), "crontab 0 6 * * mon"),
        (crontab("0, 30", [1, 2]), "crontab 0,30 1,2 * * *"),
        (every(5400), "every 1 h 30 min"),
        (every(0.25), "every 0.25 s"),
        (every(weeks=1, seconds=5), "every 7 d 5 s"),
        (clocked(datetime(2026, 12, 24, 18)), "once at 2026-12-24 18:00:00+00:00"),
    ],
)
def test_a_spec_is_described_in_a_few_words(spec: Spec, text: str) -> None:
    assert describe(spec) == text


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda j: st.dictionaries(st.text(), j)))
def test_no_record_breaks_the_reader(record: object) -> None:
    with pytest.raises(InvalidSchedule):
        from_record(record)
