"""What has happened as lines over time: which time is meant, what is read for it, and what each line says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from horarium.clock import ManualClock, to_instant
from horarium.engines.memory import MemoryEngine
from horarium.observe.charts import (
    CHARTS,
    POINTS,
    TITLES,
    Extent,
    Only,
    affordable,
    extent_of,
    read_extent,
    spark_points,
)
from horarium.observe.counted import Past
from horarium.observe.glance import glance
from horarium.tally import BOUNDS, Reading, Tally, bin_of

NOW = to_instant(datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC))
HOUR = 3_600_000


def histogram(*seconds: float) -> tuple[int, ...]:
    bins = [0] * (len(BOUNDS) + 1)
    for each in seconds:
        bins[bin_of(each)] += 1
    return tuple(bins)


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine(ManualClock(NOW))


def tally(at: int, queue: str = "mail", task: str = "shop.send", ran: tuple[float, ...] = (), **counts: int) -> Tally:
    return Tally(at=at, task=task, queue=queue, counts=counts, ran=histogram(*ran) if ran else ())


@pytest.mark.parametrize(
    ("start", "end", "length", "width"),
    [
        ("", "", HOUR, "10s"),
        ("15m", "", HOUR // 4, "10s"),
        ("6h", "", 6 * HOUR, "1m"),
        ("24h", "", 24 * HOUR, "1m"),
        ("30d", "", 30 * 24 * HOUR, "1h"),
        ("2026-11-28T09:00Z", "2026-11-28T09:30Z", HOUR // 2, "1m"),  # of ten seconds nothing is kept so long
        ("2026-10-01T09:00Z", "2026-10-01T09:30Z", HOUR, "1h"),
    ],
)
def test_a_time_is_drawn_in_the_finest_buckets_that_are_kept(start: str, end: str, length: int, width: str) -> None:
    extent = read_extent(start, end, "UTC", now=NOW)
    assert extent.width == width
    assert len(extent.instants) <= POINTS
    assert abs((extent.until - extent.since) - length) <= extent.step
    assert extent.ends <= NOW


def test_only_what_ends_now_moves_on_with_the_clock() -> None:
    assert read_extent("6h", "", "UTC", now=NOW).back == "6h"
    assert read_extent("6h", "1h", "UTC", now=NOW).back == ""
    assert read_extent("2026-11-28T09:00", "", "UTC", now=NOW).back == ""


def test_a_moment_without_an_offset_is_the_viewers() -> None:
    berlin = read_extent("2026-11-28T10:00", "2026-11-28T11:00", "Europe/Berlin", now=NOW)
    assert berlin.since == to_instant(datetime(2026, 11, 28, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "end"), [("soon", ""), ("1h", "2h"), ("2027-01-01", ""), ("1h", "x"), ("99999999999d", ""), ("'<", "")]
)
def test_what_is_no_time_is_refused_with_what_was_expected(start: str, end: str) -> None:
    with pytest.raises(ValueError, match="expected a time"):
        read_extent(start, end, "UTC", now=NOW)


def test_outcomes_are_rates_of_each_step(engine: MemoryEngine) -> None:
    at = NOW - 60_000
    engine.series.add([tally(at, succeeded=20, failed=5, crashed=1, retried=2, revoked=4)], now=NOW)
    engine.series.add([tally(at, task="shop.other", succeeded=10)], now=NOW)
    extent = read_extent("15m", "", "UTC", now=NOW)
    chart = CHARTS["outcomes"](engine.series, extent, Only())
    place = (at - extent.since) // extent.step
    values = {line.name: line.values[place] for line in chart.lines}
    assert values == {"succeeded": 3.0, "failed": 0.6, "retried": 0.2, "cancelled or expired": 0.4}
    assert sum(sum(value or 0 for value in line.values) for line in chart.lines) == pytest.approx(4.2)
    only = CHARTS["outcomes"](engine.series, extent, Only(tasks=("shop.other",)))
    assert only.lines[0].values[place] == 1.0


def test_the_step_that_is_not_over_is_a_rate_of_what_has_passed() -> None:
    now = NOW - NOW % HOUR + 45 * 60_000
    engine = MemoryEngine(ManualClock(now))
    engine.series.add([tally(now - 60_000, succeeded=2700)], now=now)
    chart = CHARTS["outcomes"](engine.series, read_extent("7d", "", "UTC", now=now), Only())
    assert chart.lines[0].values[-1] == 1.0  # 2700 in 45 minutes, not in an hour


def test_a_step_that_has_hardly_begun_is_left_out() -> None:
    now = NOW - NOW % HOUR + 60_000
    assert read_extent("7d", "", "UTC", now=now).until == now - 60_000


def test_where_very_many_tasks_are_counted_coarser_steps_are_read(engine: MemoryEngine) -> None:
    engine.series.add([tally(NOW - 60_000, task=f"t{number}", succeeded=1) for number in range(40)], now=NOW)
    day, hour = (read_extent(back, "", "UTC", now=NOW) for back in ("24h", "1h"))
    coarse = affordable(engine.series, day, Only(), now=NOW)
    assert (coarse.width, coarse.back, len(coarse.instants)) == ("1h", "24h", 24)
    assert affordable(engine.series, day, Only(tasks=("t1",)), now=NOW) == day
    assert affordable(engine.series, hour, Only(), now=NOW) == hour


def test_run_times_are_percentiles_and_unknown_where_nothing_ran(engine: MemoryEngine) -> None:
    at = NOW - 60_000
    engine.series.add([tally(at, ran=(0.08,) * 98 + (8.0, 8.0), succeeded=100)], now=NOW)
    chart = CHARTS["run-times"](engine.series, read_extent("15m", "", "UTC", now=NOW), Only())
    place = chart.at.index(at - at % 10_000)
    p50, p95, p99 = (line.values[place] for line in chart.lines)
    assert p50 is not None and p95 is not None and p99 is not None
    assert 0.05 <= p50 <= p95 <= 0.1 < 5.0 < p99 <= 10.0
    assert chart.lines[0].values[place - 1] is None


def test_the_queues_that_waited_longest_have_lines(engine: MemoryEngine) -> None:
    at = NOW - 60_000
    readings = [Reading(at=at, queue=f"q{number}", ready=number, oldest=float(number)) for number in range(8)]
    engine.series.add([], readings, now=NOW)
    chart = CHARTS["waiting"](engine.series, read_extent("15m", "", "UTC", now=NOW), Only())
    assert [line.queue for line in chart.lines] == ["q3", "q4", "q5", "q6", "q7"]
    assert chart.more == 3
    assert max(value or 0 for value in chart.lines[-1].values) == 7.0


def test_every_chart_has_a_title_and_is_empty_without_anything(engine: MemoryEngine) -> None:
    assert TITLES.keys() == CHARTS.keys()
    for name, draw in CHARTS.items():
        chart = draw(engine.series, extent_of(NOW - HOUR, NOW, now=NOW), Only())
        assert (chart.name, chart.title, chart.is_empty) == (name, TITLES[name], True)


def test_a_small_chart_has_a_gap_where_nothing_is_known() -> None:
    assert spark_points([0, 2, None, 4, 4], width=40, height=20) == ["0.0,20.0 10.0,10.0", "30.0,0.0 40.0,0.0"]
    assert spark_points([None, None], width=40, height=20) == []


def test_the_four_numbers_are_of_the_last_minute_and_hour(engine: MemoryEngine) -> None:
    told = [
        tally(NOW - 30_000, succeeded=45, ran=(0.3,) * 45),
        tally(NOW - 30 * 60_000, succeeded=40, failed=15, retried=9),
        tally(NOW - 5 * HOUR, succeeded=600),
    ]
    engine.series.add(told, [Reading(at=NOW - 5 * HOUR, queue="mail", ready=1, oldest=9.0)], now=NOW)
    found = glance(engine.series, {}, now=NOW)
    assert found.per_minute == 45
    assert (found.failed, found.failures) == (0.15, 15)  # an attempt that is retried is no end
    assert found.p95 is not None and 0.2 < found.p95 <= 0.5
    assert (len(found.rates), found.rates[-6], found.waits[-6]) == (25, 10.0, 9.0)
    assert found.oldest is None and not found.is_blank


def test_extents_are_values() -> None:
    extent = Extent(since=0, until=60_000, ends=45_000, width="10s", step=30_000)
    assert [extent.lasts(at) for at in extent.instants] == [30.0, 15.0]


def test_what_is_over_for_good_is_read_once_and_what_is_not_each_time(engine: MemoryEngine) -> None:
    past, hour = Past(), NOW - NOW % 60_000 - HOUR
    engine.series.add([tally(NOW - 40 * 60_000, succeeded=7), tally(NOW - 2 * 60_000, succeeded=1)], now=NOW)

    def counts(now: int) -> int:
        sums = past.sums(engine.series, "1m", hour, now=now)
        return sum(each.counts["succeeded"] for each in sums if each is not None)

    assert counts(NOW) == 8
    late = [tally(NOW - 40 * 60_000, succeeded=100), tally(NOW - 2 * 60_000, succeeded=2), tally(NOW, succeeded=3)]
    engine.series.add(late, now=NOW)
    assert counts(NOW) == 13  # all but what nobody adds to any more
    assert counts(NOW + 20 * 60_000) == 13
    assert len(past.sums(engine.series, "1m", hour, now=NOW)) == 61
