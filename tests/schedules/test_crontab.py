"""The language of crontab."""

from __future__ import annotations

import pickle
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.schedules.crontab import crontab

FRI_TO_MON = {5, 6, 0, 1}


@pytest.mark.parametrize(
    ("field", "written", "meant"),
    [
        ("minute", "*", set(range(60))),
        ("minute", 0, {0}),
        ("minute", "0", {0}),
        ("minute", "*/15", {0, 15, 30, 45}),
        ("minute", "5-10", {5, 6, 7, 8, 9, 10}),
        ("minute", "8-20/4", {8, 12, 16, 20}),
        ("minute", "0-30/100", {0}),
        ("minute", " 0 , 30 ", {0, 30}),
        ("minute", "50-10/10", {50, 0, 10}),
        ("minute", [0, 30], {0, 30}),
        ("minute", {7}, {7}),
        ("minute", range(0, 60, 20), {0, 20, 40}),
        ("minute", (0, "30-31"), {0, 30, 31}),
        ("hour", "22-4", {22, 23, 0, 1, 2, 3, 4}),
        ("hour", "22-4/2", {22, 0, 2, 4}),
        ("hour", "*/12", {0, 12}),
        ("hour", "8,17-19", {8, 17, 18, 19}),
        ("day_of_week", "mon", {1}),
        ("day_of_week", "Sunday", {0}),
        ("day_of_week", "sat,SUN", {6, 0}),
        ("day_of_week", "fri-mon", FRI_TO_MON),
        ("day_of_week", "5-1", FRI_TO_MON),
        ("day_of_week", 0, {0}),
        ("day_of_week", 7, {0}),
        ("day_of_week", "7", {0}),
        ("day_of_week", "0-7", set(range(7))),
        ("day_of_week", "5-7", {5, 6, 0}),
        ("day_of_week", "7-2", {0, 1, 2}),
        ("day_of_week", "7-7", {0}),
        ("day_of_week", "1-7/2", {1, 3, 5, 0}),
        ("day_of_week", "*/2", {0, 2, 4, 6}),
        ("day_of_week", ["mon", "wed"], {1, 3}),
        ("day_of_month", "1,15", {1, 15}),
        ("day_of_month", "*/10", {1, 11, 21, 31}),
        ("day_of_month", "30-2", {30, 31, 1, 2}),
        ("month_of_year", "jan", {1}),
        ("month_of_year", "nov-feb", {11, 12, 1, 2}),
        ("month_of_year", "*/3", {1, 4, 7, 10}),
        ("month_of_year", "March,june", {3, 6}),
    ],
)
def test_a_field_means_what_celery_makes_of_it(field: str, written: object, meant: set[int]) -> None:
    assert getattr(crontab(**{field: written}), field) == meant


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("minute", 60),
        ("minute", -1),
        ("minute", "-1"),
        ("minute", "60"),
        ("minute", ""),
        ("minute", "1,,2"),
        ("minute", "1,"),
        ("minute", "*/0"),
        ("minute", "*/60"),
        ("minute", "*/"),
        ("minute", "1-"),
        ("minute", "0-10/0"),
        ("minute", "5/15"),
        ("minute", "*-5"),
        ("minute", "**"),
        ("minute", "*/5/2"),
        ("minute", "mon"),
        ("minute", "1.5"),
        ("minute", 1.5),
        ("minute", True),
        ("minute", None),
        ("minute", []),
        ("minute", b"5"),
        ("minute", "٥"),
        ("minute", "1_0"),
        ("minute", "0," * 200 + "0"),
        ("minute", "9" * 190),
        ("minute", [1.0]),
        ("minute", range(10**9)),
        ("hour", 24),
        ("day_of_week", 8),
        ("day_of_week", "jan"),
        ("day_of_week", "xyz"),
        ("day_of_week", "monn"),
        ("day_of_week", "mon-tuesdy"),
        ("day_of_month", 0),
        ("day_of_month", 32),
        ("month_of_year", 0),
        ("month_of_year", 13),
        ("month_of_year", "mon"),
        ("month_of_year", "juli"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_name_of_its_field(field: str, written: object) -> None:
    with pytest.raises(InvalidSchedule, match=rf"expected {field} to be .* got ") as refused:
        crontab(**{field: written})
    assert isinstance(refused.value, ValueError)
    assert len(str(refused.value)) < 300


def test_a_refusal_says_what_is_allowed_what_came_and_what_to_do() -> None:
    with pytest.raises(InvalidSchedule) as refused:
        crontab(hour="5/6")
    assert str(refused.value) == (
        "expected hour to be * or 0-23, as a number, list, range or step, got '5/6'; to start at 5, write the range: "
        "5-23/6"
    )


@pytest.mark.parametrize(
    "dates",
    [
        {"day_of_month": 30, "month_of_year": 2},
        {"day_of_month": 31, "month_of_year": "apr,jun,sep,nov"},
        {"day_of_month": "30,31", "month_of_year": "feb"},
    ],
)
def test_dates_that_never_come_are_refused(dates: dict[str, object]) -> None:
    with pytest.raises(InvalidSchedule, match="day_of_month that occurs"):
        crontab(0, 0, **dates)


def test_the_29th_of_february_may_be_scheduled() -> None:
    assert crontab(0, 0, day_of_month=29, month_of_year=2).day_of_month == {29}


def test_fields_come_in_celerys_order() -> None:
    """Row 77."""
    spec = crontab(1, 2, 3, 4, 5)
    assert (spec.minute, spec.hour, spec.day_of_week, spec.day_of_month, spec.month_of_year) == (
        {1},
        {2},
        {3},
        {4},
        {5},
    )


def test_a_string_is_read_in_the_order_of_a_crontab_file() -> None:
    assert crontab.from_string(" 1  2 4 5\t3 ") == crontab(1, 2, 3, 4, 5)


@pytest.mark.parametrize("text", ["", "* * * *", "* * * * * *", "@daily", "* " * 200, None, 5])
def test_a_string_of_another_number_of_fields_is_refused(text: object) -> None:
    with pytest.raises(InvalidSchedule, match="expected five fields"):
        crontab.from_string(text)


def test_what_was_written_is_kept_beside_what_was_meant() -> None:
    spec = crontab(minute="*/15", hour=6, day_of_week=("fri", 1))
    assert (spec._orig_minute, spec._orig_hour, spec._orig_day_of_week) == ("*/15", 6, (1, 5))


def test_crontabs_are_equal_by_meaning() -> None:
    assert crontab(0, 6, "mon") == crontab("0", "6", 1) == crontab([0], {6}, "1-1")
    assert hash(crontab(0, 6, "mon")) == hash(crontab("0", "6", 1))
    assert crontab(0, 6) != crontab(0, 7)
    assert crontab(0, 6) != "0 6 * * *"


def test_a_star_is_not_equal_to_the_full_range_because_clock_changes_treat_them_differently() -> None:
    assert crontab(0, "*") != crontab(0, "0-23")
    assert crontab(0, 0, "*") == crontab(0, 0, "0-6")


def test_a_crontab_is_fixed_unless_its_hour_or_minute_starts_with_a_star() -> None:
    assert crontab(0, 6).is_fixed
    assert crontab(0, "0-23").is_fixed
    assert crontab(list(range(60)), 6).is_fixed
    assert not crontab("*/15", 6).is_fixed
    assert not crontab(0, "*/2").is_fixed
    assert not crontab().is_fixed


def test_a_crontab_does_not_change() -> None:
    with pytest.raises(AttributeError, match="make a new one"):
        crontab().minute = {5}


def test_a_crontab_survives_pickling() -> None:
    spec = crontab(minute={0, 30}, hour="*/2", day_of_week="fri-mon")
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_its_repr_reads_back() -> None:
    assert repr(crontab(0, "*/2", "mon-fri")) == "crontab(minute='0', hour='*/2', day_of_week='mon-fri')"
    assert repr(crontab()) == "crontab()"


@given(st.text(alphabet="0123456789*/-, monfrijalxyz", max_size=220))
def test_any_text_is_read_or_refused_in_kind(text: str) -> None:
    for field in ("minute", "hour", "day_of_week", "day_of_month", "month_of_year"):
        with suppress(InvalidSchedule):
            assert getattr(crontab(**{field: text}), field)
