"""Specs as records and as text."""

from __future__ import annotations

import json
import pickle
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specs_made import specs

from horarium.errors import InvalidSchedule
from horarium.schedules import calendar, clocked, cron, crontab, dates, every, schedule, solar
from horarium.schedules.specs import Spec, as_spec, from_record, to_record


@given(specs)
def test_a_record_gives_back_an_equal_spec(spec: Spec) -> None:
    stored = json.loads(json.dumps(to_record(spec)))
    assert from_record(stored) == spec
    assert to_record(from_record(stored)) == stored


FIVE = {"kind": "every", "milliseconds": 5}


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
    assert to_record(cron("0  6 * * 1")) == {"kind": "cron", "line": "0 6 * * 1"}
    assert to_record(solar("sunset", 52, 13.4)) == {"kind": "solar", "event": "sunset", "lat": 52.0, "lon": 13.4}
    assert to_record(calendar(2, "weeks", at="9:00", on="thu,mon", start="2026-01-05")) == {
        "kind": "calendar",
        "every": 2,
        "unit": "weeks",
        "at": ["09:00"],
        "on": ["mon", "thu"],
        "start": "2026-01-05",
    }
    assert to_record((every(5) | clocked(5)) - dates("2026-01-01") - cron("@daily")) == {
        "kind": "without",
        "spec": {
            "kind": "union",
            "members": [{"kind": "every", "milliseconds": 5000}, {"kind": "clocked", "instant": 5}],
        },
        "exclusions": [{"kind": "dates", "dates": ["2026-01-01"]}, {"kind": "cron", "line": "@daily"}],
    }


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
        {"kind": "cron"},
        {"kind": "cron", "line": "0 6 * *"},
        {"kind": "cron", "line": 5},
        {"kind": "cron", "line": "@daily", "more": 1},
        {"kind": "calendar", "every": 1, "unit": "days", "at": ["09:00"], "on": None},
        {"kind": "calendar", "every": "1", "unit": "days", "at": ["09:00"], "on": None, "start": None},
        {"kind": "calendar", "every": 1, "unit": ["days"], "at": [["09:00"]], "on": {}, "start": 5},
        {"kind": "solar", "event": "sunset", "lat": "52", "lon": 13},
        {"kind": "solar", "event": "moonrise", "lat": 52, "lon": 13},
        {"kind": "union", "members": []},
        {"kind": "union", "members": [5]},
        {"kind": "union", "members": [{"kind": "dates", "dates": ["2026-01-01"]}]},
        {"kind": "without", "spec": FIVE, "exclusions": []},
        {"kind": "without", "spec": FIVE, "exclusions": [{"kind": "every"}]},
        {
            "kind": "without",
            "spec": {"kind": "every", "milliseconds": 5},
            "exclusions": [{"kind": "dates", "dates": [5]}],
        },
        {"kind": "without", "spec": FIVE, "exclusions": [None]},
        {"kind": "dates", "dates": ["2026-01-01"]},
        {"kind": "clocked", "instant": -5},
        None,
        [],
        "crontab",
    ],
)
def test_a_bad_record_is_refused_in_kind(record: object) -> None:
    with pytest.raises(InvalidSchedule):
        from_record(record)


def test_a_record_nested_without_end_is_refused() -> None:
    record: object = {"kind": "every", "milliseconds": 5}
    for _ in range(5000):
        record = {"kind": "union", "members": [record]}
    with pytest.raises(InvalidSchedule, match="expected the record of a crontab or another spec"):
        from_record(record)


@given(specs)
def test_every_spec_is_its_own_spec_and_survives_pickling(spec: Spec) -> None:
    assert as_spec(spec) is spec
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert hash(again) == hash(spec)


def test_a_line_of_text_is_answered_with_what_to_write() -> None:
    with pytest.raises(InvalidSchedule, match=r"write for instance .* or cron\('0 6 \* \* 1'\)"):
        as_spec("0 6 * * 1")
    with pytest.raises(InvalidSchedule, match=r"cron\('@daily'\)"):
        as_spec("@daily")


def test_what_celery_gives_is_taken() -> None:
    now, app = datetime.now, object()
    assert crontab(0, 6, nowfun=now, app=app) == crontab(0, 6)
    assert clocked(clocked_time=datetime(2026, 1, 1), nowfun=now, app=app) == clocked(datetime(2026, 1, 1))
    assert schedule(run_every=timedelta(seconds=5), relative=True, nowfun=now, app=app) == every(5)
    assert solar("sunset", 52, 13, nowfun=now, app=app) == solar("sunset", 52, 13)
    assert solar(event="sunset", lat=52, lon=13).event == "sunset"


def test_numbers_and_timedeltas_are_intervals() -> None:
    assert as_spec(30) == as_spec(30.0) == as_spec(timedelta(seconds=30)) == as_spec(every(30)) == every(30)
    assert as_spec(crontab(5)) == crontab(5)


@pytest.mark.parametrize("value", ["* * * * *", None, True, datetime(2026, 1, 1), object(), 0])
def test_what_is_no_schedule_is_refused(value: object) -> None:
    with pytest.raises(InvalidSchedule, match="expected "):
        as_spec(value)


@given(st.recursive(st.none() | st.integers() | st.text() | st.floats(), lambda j: st.dictionaries(st.text(), j)))
def test_no_record_breaks_the_reader(record: object) -> None:
    with pytest.raises(InvalidSchedule):
        from_record(record)
