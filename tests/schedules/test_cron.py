"""The language of cron lines."""

from __future__ import annotations

import pickle
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.schedules import cron, crontab
from horarium.schedules.cron import NICKNAMES

OCTOBER = (2026, 10)  # begins on a Thursday, has 31 days


@pytest.mark.parametrize(
    ("days", "weekdays", "meant"),
    [
        ("*", "*", list(range(1, 32))),
        ("1,15", "*", [1, 15]),
        ("*", "1", [5, 12, 19, 26]),
        ("13", "5", [2, 9, 13, 16, 23, 30]),  # either: both are restricted
        ("*/10", "5", []),  # both: a star is no restriction, and 1, 11, 21, 31 October are no Fridays
        ("*/2", "4", [1, 15, 29]),
        ("1-31", "1", list(range(1, 32))),  # either; the full range is no star
        ("13", "*/2", [13]),  # both: it is a Tuesday
        ("L", "*", [31]),
        ("1,l", "*", [1, 31]),
        ("L", "1", [5, 12, 19, 26, 31]),
        ("*", "5L", [30]),
        ("*", "friL", [30]),
        ("*", "1#2", [12]),
        ("*", "MON#2,7#1", [4, 12]),
        ("*", "4#5", [29]),
        ("*", "1#5", []),
        ("1", "2#3", [1, 20]),
        ("*", "fri-mon", [2, 3, 4, 5, 9, 10, 11, 12, 16, 17, 18, 19, 23, 24, 25, 26, 30, 31]),
        ("*", "0", [4, 11, 18, 25]),
        ("*", "7", [4, 11, 18, 25]),
        ("*", "6-7", [3, 4, 10, 11, 17, 18, 24, 25, 31]),
        ("30-2", "*", [1, 2, 30, 31]),
    ],
)
def test_the_day_fields_mean_what_debian_makes_of_them(days: str, weekdays: str, meant: list[int]) -> None:
    assert list(cron(f"0 6 {days} * {weekdays}").days(*OCTOBER)) == meant


@pytest.mark.parametrize(("year", "last"), [(2026, 28), (2028, 29), (2100, 28)])
def test_the_last_day_follows_the_month(year: int, last: int) -> None:
    assert cron("0 0 L 2 *").days(year, 2) == (last,)


def test_times_are_read_by_the_parser_of_crontab() -> None:
    for minute, hour in [("*/15", "8-18/2"), ("50-10/10", "22-4"), ("0,30", "*")]:
        assert cron(f"{minute} {hour} * * *").times == crontab(minute, hour).times


@pytest.mark.parametrize(("name", "line"), NICKNAMES.items())
def test_a_nickname_is_its_line(name: str, line: str) -> None:
    assert cron(name) == cron(line) == cron(f" {name.upper()} ")
    assert hash(cron(name)) == hash(cron(line))
    assert cron(name).text == name
    assert cron(name).line() == line


def test_reboot_is_no_time() -> None:
    with pytest.raises(InvalidSchedule, match=r"expected a time, got '@reboot'.*send it from your code at start"):
        cron("@reboot")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 25 * * 1", r"expected hour .* got '25'; .*\(hour begins at character 3 of '0 25 \* \* 1'\)"),
        ("0,75 6 * * 1", r"expected minute .* got '75' at character 3 of '0,75'.*minute begins at character 1"),
        ("0  6 * * monn", r"expected day_of_week .* got 'monn'; did you mean 'mon'\?.*begins at character 10"),
        ("0 6 * decc *", r"month_of_year .* did you mean 'dec'\?"),
        ("0 6 * * 5/2", r"to start at 5, write the range: 5-7/2"),
        ("*/0 6 * * *", r"expected minute"),
        ("0-30/0 6 * * *", r"a step is at least 1"),
        ("0 6 ? * 1", r"expected day_of_month .* for any value, write \*"),
        ("0 6 L-3 * *", r"expected day_of_month .* L is the last day of the month"),
        ("0 6 15W * *", r"expected day_of_month .* L is the last day of the month"),
        ("0 6 1-L * *", r"expected day_of_month"),
        ("0 6 * * L", r"expected day_of_week .* write 5L for the last Friday"),
        ("0 6 * * 1#6", r"at most five of a weekday"),
        ("0 6 * * 1#", r"write 5L for the last Friday of the month, 1#2 for its second Monday"),
        ("0 6 * * 8L", r"expected day_of_week"),
        ("0 6 * * xyzL", r"expected day_of_week"),
        ("0 6L * * *", r"expected hour .* L and # are of the days"),
        ("0 6 30 2 *", r"expected a day_of_month that occurs in month_of_year 2, got 30"),
        ("0 6 31 4,6 */2", r"expected a day_of_month that occurs"),
        ("0 6 * *", r"expected five fields .* got '0 6 \* \*'; write for instance '0 6 \* \* 1' or '@daily'"),
        ("0 0 6 * * *", r"expected five fields"),
        ("", r"expected five fields"),
        ("* " * 500, r"expected five fields"),
        ("@dayly", r"did you mean '@daily'\?"),
        ("@every 5m", r"for an interval, write every\(minutes=5\)|did you mean"),
        (None, r"expected a line of a crontab file, got None"),
        (5, r"expected a line of a crontab file, got 5"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_a_remedy(line: object, said: str) -> None:
    with pytest.raises(InvalidSchedule, match=said) as refused:
        cron(line)
    assert len(str(refused.value)) < 350


def test_a_crontab_string_says_its_place_too() -> None:
    with pytest.raises(InvalidSchedule, match=r"hour begins at character 3 of '0 25 \* \* 1'"):
        crontab.from_string("0 25 * * 1")


def test_a_day_that_a_month_lacks_is_no_matter_where_a_weekday_may_fit() -> None:
    assert cron("0 6 31 2 1").days(2026, 2) == (2, 9, 16, 23)


def test_a_cron_is_fixed_unless_its_hour_or_minute_starts_with_a_star() -> None:
    assert cron("0 6 * * *").is_fixed
    assert cron("0 0-23 * * *").is_fixed
    assert not cron("@hourly").is_fixed
    assert not cron("*/15 6 * * *").is_fixed


def test_lines_are_equal_by_meaning() -> None:
    assert cron("0 6 * * mon") == cron("0  06 * * 1") != cron("0 6 * * 2")
    assert cron("0 6 1 * mon") != cron("0 6 1 * */7")  # either, both
    assert cron("0 6 * * 1") != crontab(0, 6, 1)


def test_a_cron_is_a_value() -> None:
    spec = cron("0 6 1,L * friL")
    assert pickle.loads(pickle.dumps(spec)) == spec == eval(repr(spec))
    assert len({spec, cron("0 6 1,l * 5L")}) == 1
    with pytest.raises(AttributeError, match="make a new one"):
        spec.text = "@daily"


@given(st.text(alphabet="0123456789*/-,#Ll monfrijl@", max_size=60))
def test_any_line_is_read_or_refused_in_kind(text: str) -> None:
    with suppress(InvalidSchedule):
        assert cron(text).times


def test_all_days_of_a_leap_cycle_lie_in_their_months() -> None:
    spec = cron("0 0 28-31,L * 1#5,5L")
    for year in range(2024, 2029):
        for month in range(1, 13):
            assert all(date(year, month, day) for day in spec.days(year, month))
