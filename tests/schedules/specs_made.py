"""Specs as hypothesis makes them."""

from __future__ import annotations

from hypothesis import strategies as st

from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, crontab, every

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
intervals = st.integers(1, 10**10).map(lambda milliseconds: every(milliseconds / 1000))
instants = st.integers(0, 2_145_916_800_000)  # to 2038
specs = crontabs | intervals | instants.map(clocked)
