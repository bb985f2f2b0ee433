"""The due instants of a whole schedule: spread, passed over, added."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from records_made import DAY, HOUR, MINUTE, NOW, stored
from specs_made import crontabs, intervals

from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, crontab, every
from horarium.schedules.line import Line, next_of, rules_of
from horarium.schedules.next import latest_fire, next_fire
from horarium.schedules.record import Schedule
from horarium.schedules.shifts import shift
from horarium.schedules.specs import Spec


def by_hand(schedule: Schedule, spec: Spec, number: int) -> list[int]:
    """Return the first instants of a line after NOW, from the rules as they are told to people."""
    rules = rules_of(schedule)._asdict()
    before = latest_fire(spec, NOW - 2 * round(schedule.spread * 1000), NOW, rules_of(schedule))
    regular = [next_fire(spec, NOW, **rules) if before is None else before]
    while regular[-1] is not None and len(regular) < number + 10:
        regular.append(next_fire(spec, regular[-1], **rules))
    known = [each for each in regular if each is not None]
    offset = shift(round(schedule.spread * 1000), schedule.id)
    moved = {each + offset % (later - each) for each, later in pairwise(known)}
    return sorted(each for each in (moved - set(schedule.passed_over)) | set(schedule.added) if each > NOW)[:number]


class TestNextOf:
    def test_a_plain_schedule_goes_by_its_spec(self) -> None:
        assert next_of(stored(crontab(0, 6)), NOW) == NOW + 18 * HOUR

    def test_an_instant_that_is_passed_over_is_not_due(self) -> None:
        schedule = replace(stored(every(hours=1)), passed_over=(NOW + HOUR, NOW + 2 * HOUR, NOW + 4 * HOUR))
        assert [next_of(schedule, after) for after in (NOW, NOW + 3 * HOUR)] == [NOW + 3 * HOUR, NOW + 5 * HOUR]

    def test_an_instant_that_was_added_is_due_and_the_others_stay(self) -> None:
        schedule = replace(stored(every(hours=1)), added=(NOW + 90 * MINUTE,))
        assert list(Line.of(schedule).between(NOW, NOW + 2 * HOUR)) == [NOW + HOUR, NOW + 90 * MINUTE, NOW + 2 * HOUR]

    def test_a_moved_instant_is_one_passed_over_and_one_added(self) -> None:
        schedule = replace(stored(every(hours=1)), passed_over=(NOW + HOUR,), added=(NOW + 30 * MINUTE,))
        assert list(Line.of(schedule).between(NOW, NOW + 2 * HOUR)) == [NOW + 30 * MINUTE, NOW + 2 * HOUR]

    def test_an_instant_that_is_passed_over_and_added_is_due(self) -> None:
        schedule = replace(stored(every(hours=1)), passed_over=(NOW + HOUR,), added=(NOW + HOUR,))
        assert list(Line.of(schedule).between(NOW, NOW + 2 * HOUR)) == [NOW + HOUR, NOW + 2 * HOUR]

    def test_nothing_is_due_before_the_start_or_after_the_end(self) -> None:
        schedule = stored(every(hours=1), start=NOW + 5 * HOUR, end=NOW + 6 * HOUR)
        early_and_late = replace(schedule, added=(NOW + MINUTE, NOW + 7 * HOUR))
        assert next_of(early_and_late, NOW) == NOW + 5 * HOUR
        assert next_of(early_and_late, NOW + 6 * HOUR) is None

    def test_a_clocked_instant_before_the_start_is_due_at_the_start(self) -> None:
        assert next_of(stored(clocked(NOW), start=NOW + HOUR), 0) == NOW + HOUR


class TestSpread:
    def test_s12_the_offset_is_below_spread_and_always_the_same(self) -> None:
        spread = stored(crontab(0, 6), spread=3600.0)
        firsts = list(Line.of(spread).between(NOW, NOW + 3 * DAY))
        offset = shift(HOUR, spread.id)
        assert 0 < offset < HOUR
        assert firsts == [NOW + 18 * HOUR + day * DAY + offset for day in range(3)]

    def test_s12_many_hourly_schedules_do_not_fall_on_one_second(self) -> None:
        offsets = [shift(HOUR, f"id-{number}") // MINUTE for number in range(6000)]
        in_each_minute = [offsets.count(minute) for minute in range(60)]
        assert min(in_each_minute) > 50 and max(in_each_minute) < 160

    def test_s12_it_never_moves_an_instant_to_the_next_one(self) -> None:
        schedule = stored(every(minutes=1), spread=3600.0)
        first = next_of(schedule, NOW)
        assert first is not None and NOW <= first - MINUTE < NOW + MINUTE
        assert Line.of(schedule).count(NOW, NOW + 60 * MINUTE) in (59, 60)

    def test_a_schedule_made_between_its_instant_and_the_moved_one_fires_at_the_moved_one(self) -> None:
        spread = stored(crontab(0, 12), now=NOW + 1, spread=3600.0)
        assert spread.next_fire == NOW + shift(HOUR, spread.id)


@given(
    crontabs | intervals,
    st.sampled_from([0.0, 0.5, 30.0, 3600.0, 100_000.0]),
    st.lists(st.integers(0, 30), max_size=4),
    st.lists(st.integers(0, 10), max_size=3),
    st.data(),
)
def test_next_latest_and_count_agree_with_a_line_made_by_hand(
    spec: Spec, spread: float, passed: list[int], added: list[int], data: st.DataObject
) -> None:
    try:
        schedule = stored(spec, timezone="Europe/Berlin", spread=spread)
    except InvalidSchedule:  # fires in more than ten years
        return
    regular = by_hand(schedule, spec, 40)
    schedule = replace(
        schedule,
        passed_over=tuple(regular[position] for position in passed if position < len(regular)),
        added=tuple(
            (regular[position] + regular[position + 1]) // 2 for position in added if position < len(regular) - 1
        ),
    )
    schedule = replace(schedule, passed_over=tuple(set(schedule.passed_over) - set(schedule.added)))
    expected = by_hand(schedule, spec, 30)
    if not expected:
        return
    line = Line.of(schedule)
    found = list(line.between(NOW, expected[-1]))
    assert found == expected
    close = [max(NOW, min(each + by, expected[-1])) for each in expected[:3] for by in (-1, 0, 1)]
    moments = st.integers(NOW, expected[-1]) | st.sampled_from(close)
    after, until = sorted(data.draw(moments) for _ in range(2))
    inside = [each for each in expected if after < each <= until]
    assert line.count(after, until) == len(inside)
    assert line.latest(after, until) == (inside[-1] if inside else None)
