"""Specs as hypothesis makes them."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.schedules import calendar, clocked, cron, crontab, dates, every, solar, union, without

WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "7"]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def field(lowest: int, highest: int, names: list[str] | None = None) -> st.SearchStrategy[object]:
    number = st.integers(lowest, highest)
    word = number.map(str) if names is None else number.map(str) | st.sampled_from(names)
    step = st.integers(1, highest)
    part = st.one_of(
        word,
        st.builds("{}-{}".format, word, word),
        st.builds("{}-{}/{}".format, word, word, step),
        st.builds("*/{}".format, step),
    )
    text = st.lists(part, min_size=1, max_size=3).map(",".join)
    return st.just("*") | number | st.sets(number, min_size=1, max_size=5) | text


def made(fields: tuple[object, ...]) -> crontab | None:
    try:
        return crontab(*fields)
    except InvalidSchedule:  # 31 April
        return None


crontabs = (
    st.tuples(field(0, 59), field(0, 23), field(0, 6, WEEKDAYS), field(1, 31), field(1, 12, MONTHS))
    .map(made)
    .filter(lambda spec: spec is not None)
)


def made_line(fields: tuple[str, ...]) -> cron | None:
    try:
        return cron(" ".join(fields))
    except InvalidSchedule:
        return None


def text_field(lowest: int, highest: int, names: list[str] | None = None) -> st.SearchStrategy[str]:
    return field(lowest, highest, names).filter(lambda value: isinstance(value, int | str)).map(str)


days_of_month = text_field(1, 31) | st.sampled_from(["L", "1,L", "13,L", "28-30,l"])
days_of_week = text_field(0, 6, WEEKDAYS) | st.sampled_from(["5L", "friL", "1#1", "7#5", "mon#2,thu#4", "2,3#3,4l"])
crons = (
    st.tuples(text_field(0, 59), text_field(0, 23), days_of_month, text_field(1, 12, MONTHS), days_of_week)
    .map(made_line)
    .filter(lambda spec: spec is not None)
) | st.sampled_from(["@daily", "@hourly", "@monthly", "@weekly", "@yearly"]).map(cron)

times = st.lists(st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=3)
starts = st.dates(date(1970, 1, 1), date(2037, 12, 31))
monthly = st.integers(1, 31).map(str) | st.sampled_from(
    ["last", "1st mon", "2nd tue", "5th sun", "last fri", "last wed"]
)
yearly = st.sampled_from(["24 dec", "29 feb", "last feb", "4th thu nov", "last mon may", "31 jan", "5th sun jun"])
some = {"min_size": 1, "max_size": 3}
calendars = st.one_of(
    st.builds(calendar, st.integers(1, 40), st.just("days"), at=times, start=starts),
    st.builds(
        calendar,
        st.integers(1, 9),
        st.just("weeks"),
        at=times,
        start=starts,
        on=st.none() | st.lists(st.sampled_from(WEEKDAYS[:7]), **some),
    ),
    st.builds(
        calendar, st.integers(1, 9), st.just("months"), at=times, start=starts, on=st.none() | st.lists(monthly, **some)
    ),
    st.builds(
        calendar, st.integers(1, 4), st.just("years"), at=times, start=starts, on=st.none() | st.lists(yearly, **some)
    ),
)

intervals = st.integers(1, 10**10).map(lambda milliseconds: every(milliseconds / 1000))
instants = st.integers(0, 2_145_916_800_000)  # to 2038
suns = st.builds(
    solar,
    st.sampled_from(["sunrise", "solar_noon", "sunset"]),
    st.sampled_from([52.52, -33.9, 0.0]),
    st.sampled_from([13.4, 151.2, -170.0]),
)
walls = crontabs | crons | calendars
plain = walls | intervals | instants.map(clocked)

ranges = st.builds(lambda start, days: (start, start + timedelta(days)), starts, st.integers(0, 400))
date_lists = st.lists(starts | ranges, min_size=1, max_size=8).map(lambda given: dates(*given))
exclusions = date_lists | walls
unions = st.lists(plain, min_size=2, max_size=3).map(lambda members: union(*members))
lessened = st.builds(
    lambda spec, excluded: without(spec, *excluded), plain | unions, st.lists(exclusions, min_size=1, max_size=2)
)
specs = plain | unions | lessened
