"""The past of a schedule: its history, and backfills of what is missing in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from horarium.app.app import Horarium
from horarium.clock import Instant, ManualClock, to_datetime
from horarium.errors import ScheduleRefused
from horarium.scheduler.beat import Scheduler
from horarium.schedules import crontab, every
from horarium.schedules.backfill import MOST_INSTANTS, progress
from horarium.testing import drain

HOUR = 3_600_000
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)  # where the clock begins


@pytest.fixture
def ran() -> list[Instant]:
    """The hours, since midnight, of the instants that the task ran for."""
    return []


@pytest.fixture
def shop(app: Horarium, ran: list[Instant]) -> Horarium:
    def ping(self: Any) -> None:
        hour = (to_datetime(self.request.nominal) - MIDNIGHT).total_seconds() / 3600
        ran.append(round(hour))
        if hour in failing:
            raise ValueError(hour)

    failing: set[float] = set()
    app.add_task(ping, {"name": "ping", "bind": True, "max_retries": 0})
    app.failing = failing  # type: ignore[attr-defined]
    return app


def beat(app: Horarium, clock: ManualClock, hours: int, *, working: bool = True) -> None:
    """Let so many hours pass, with or without a scheduler and a worker."""
    for _ in range(hours):
        clock.advance(3600)
        if working:
            Scheduler(app).tick(clock.now())
            drain(app)


def work(app: Horarium) -> None:
    """Let a scheduler and a worker go on until nothing is left to do."""
    for _ in range(100):
        app.clock.advance(0.01)  # type: ignore[attr-defined]
        Scheduler(app).tick(app.engine.now())
        if not drain(app):
            return
    raise AssertionError("there is no end to it")


def hours(instants: tuple[Instant, ...]) -> list[int]:
    return [round((to_datetime(each) - MIDNIGHT).total_seconds() / 3600) for each in instants]


def at(hour: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hour)


class TestHistory:
    def test_the_newest_run_comes_first_with_its_lateness(self, shop: Horarium, clock: ManualClock) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        beat(shop, clock, 2)
        clock.advance(3605)  # the third one is five seconds late
        Scheduler(shop).tick(clock.now())
        drain(shop)
        history = shop.schedules.history("hourly")
        assert [each.lateness for each in history.runs] == [5.0, 0.0, 0.0]
        assert (history.succeeded, history.failed, history.success_rate) == (3, 0, 1.0)
        assert {each.kind for each in history.runs} == {"auto"}

    def test_failures_lower_the_rate(self, shop: Horarium, clock: ManualClock) -> None:
        shop.failing |= {1.0, 2.0}  # type: ignore[attr-defined]
        shop.schedules.create("hourly", "ping", crontab(0))
        beat(shop, clock, 4)
        assert shop.schedules.history("hourly").success_rate == 0.5

    def test_without_a_run_there_is_no_rate(self, shop: Horarium) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        history = shop.schedules.history("hourly")
        assert (history.runs, history.success_rate) == ((), None)

    def test_runs_by_hand_and_of_backfills_are_among_them(self, shop: Horarium, clock: ManualClock) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        beat(shop, clock, 1)
        clock.advance(60)
        shop.schedules.run_now("hourly", by="ann")
        drain(shop)
        clock.advance(60)
        shop.schedules.backfill("hourly", at(-3), at(0), which="all", by="eve")
        work(shop)
        history = shop.schedules.history("hourly")
        assert [each.kind for each in history.runs] == ["backfill"] * 3 + ["manual", "auto"]
        assert history.runs[0].lateness is None
        cause = history.runs[0].run.message.cause
        assert cause is not None
        assert cause.by == "eve"

    def test_it_ends_at_its_limit(self, shop: Horarium, clock: ManualClock) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        beat(shop, clock, 5)
        assert len(shop.schedules.history("hourly", 3).runs) == 3


class TestChoosing:
    @pytest.fixture
    def gappy(self, shop: Horarium, clock: ManualClock) -> Horarium:
        """Hours 1 to 10, of which 4, 5 and 6 have no run; 2 and 8 failed."""
        shop.failing |= {2.0, 8.0}  # type: ignore[attr-defined]
        shop.schedules.create("hourly", "ping", crontab(0), catchup="none")
        beat(shop, clock, 3)
        beat(shop, clock, 3, working=False)
        beat(shop, clock, 4)
        return shop

    def test_missing_are_the_instants_without_a_run(self, gappy: Horarium) -> None:
        plan = gappy.schedules.backfill("hourly", at(1), dry_run=True)
        assert (hours(plan.instants), plan.count, plan.schedule) == ([4, 5, 6], 3, None)

    def test_failed_are_those_whose_run_failed(self, gappy: Horarium) -> None:
        assert hours(gappy.schedules.backfill("hourly", at(1), which="failed", dry_run=True).instants) == [2, 8]

    def test_all_are_all_from_the_start_and_before_the_end(self, gappy: Horarium) -> None:
        plan = gappy.schedules.backfill("hourly", at(3), at(6), which="all", dry_run=True)
        assert hours(plan.instants) == [3, 4, 5]

    def test_a_dry_run_stores_nothing(self, gappy: Horarium) -> None:
        before = list(gappy.schedules.find())
        gappy.schedules.backfill("hourly", at(1), dry_run=True)
        assert list(gappy.schedules.find()) == before

    def test_what_a_backfill_has_fired_is_not_missing_any_more(self, gappy: Horarium) -> None:
        gappy.schedules.backfill("hourly", at(1))
        work(gappy)
        assert gappy.schedules.backfill("hourly", at(1)).count == 0

    def test_what_succeeded_at_the_second_time_has_not_failed(self, gappy: Horarium) -> None:
        gappy.failing.clear()  # type: ignore[attr-defined]
        gappy.schedules.backfill("hourly", at(1), which="failed")
        work(gappy)
        assert gappy.schedules.backfill("hourly", at(1), which="failed", dry_run=True).count == 0

    def test_what_came_before_the_schedule_is_missing(self, shop: Horarium) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        plan = shop.schedules.backfill("hourly", at(-48), at(-45), dry_run=True)
        assert hours(plan.instants) == [-48, -47, -46]

    def test_what_a_backfill_has_fired_is_known_as_long_as_it_is_stored_though_its_runs_are_forgotten(
        self, shop: Horarium
    ) -> None:
        shop.schedules.create("hourly", "ping", crontab(0))
        shop.schedules.backfill("hourly", at(-4), at(-2))
        work(shop)
        shop.engine.results.forget([each.run.id for each in shop.schedules.history("hourly").runs])
        assert hours(shop.schedules.backfill("hourly", at(-4), at(0), dry_run=True).instants) == [-2, -1]

    def test_where_nobody_knows_what_ran_nothing_is_guessed(self, gappy: Horarium) -> None:
        gappy.conf.result_expires = 5 * 3600
        gappy.engine.results.forget([each.run.id for each in gappy.schedules.history("hourly").runs])
        with pytest.raises(ScheduleRefused, match=r"nobody knows .* 2026-01-01 01:00:00.*which='all'"):
            gappy.schedules.backfill("hourly", at(1))
        assert hours(gappy.schedules.backfill("hourly", at(5), dry_run=True).instants)[:2] == [5, 6]

    @pytest.mark.parametrize(
        ("start", "end", "options", "words"),
        [
            (2, 1, {}, "begin before it ends"),
            (1, 999, {}, "range that is past"),
            (1, 2, {"which": "some"}, "expected which to be missing, failed, all"),
        ],
    )
    def test_a_range_that_makes_no_sense_is_refused(
        self, gappy: Horarium, start: int, end: int, options: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(ScheduleRefused, match=words):
            gappy.schedules.backfill("hourly", at(start), at(end), **options)

    def test_too_many_are_refused_with_where_to_split(self, shop: Horarium) -> None:
        shop.schedules.create("minutely", "ping", crontab())
        start = MIDNIGHT - timedelta(minutes=MOST_INSTANTS + 5)
        with pytest.raises(ScheduleRefused, match=r"at most 10000 .* end at 2025-12-31 23:55:00"):
            shop.schedules.backfill("minutely", start)
        assert shop.schedules.backfill("minutely", start, MIDNIGHT - timedelta(minutes=5), dry_run=True).count == 10_000


class TestBackfilling:
    @pytest.fixture
    def hourly(self, shop: Horarium) -> Horarium:
        shop.schedules.create("hourly", "ping", crontab(0), options={"expires": 60, "queue": "slow"})
        return shop

    def test_a_backfill_fires_the_instants_in_order_and_ends(self, hourly: Horarium, ran: list[int]) -> None:
        made = hourly.schedules.backfill("hourly", at(-4), at(0)).schedule
        assert made is not None
        assert (made.name, made.owner) == ("hourly/backfill-1", "person")
        work(hourly)
        assert ran == [-4, -3, -2, -1]
        ended = hourly.schedules.get(made.name)
        assert (ended.next_fire, progress(ended).done) == (None, 4)  # type: ignore[union-attr]

    def test_the_newest_may_come_first(self, hourly: Horarium, ran: list[int]) -> None:
        hourly.schedules.backfill("hourly", at(-4), at(0), order="newest")
        work(hourly)
        assert ran == [-1, -2, -3, -4]

    def test_so_many_are_active_at_a_time(self, hourly: Horarium, clock: ManualClock) -> None:
        made = hourly.schedules.backfill("hourly", at(-10), at(0), max_active=3).schedule
        assert made is not None
        for _ in range(5):
            Scheduler(hourly).tick(clock.advance(0.01))
        assert hourly.engine.inspector.counts().states == {"PENDING": 3}
        found = hourly.schedules.get(made.name)
        assert (progress(found).done, progress(found).total, found.held) == (3, 10, True)  # type: ignore[union-attr]

    def test_a_second_one_has_a_name_of_its_own_even_after_the_first_is_gone(self, hourly: Horarium) -> None:
        hourly.schedules.backfill("hourly", at(-2), at(0), which="all")
        hourly.schedules.delete("hourly/backfill-1")
        second = hourly.schedules.backfill("hourly", at(-2), at(0), which="all").schedule
        assert second is not None
        assert second.name == "hourly/backfill-2"
        assert [each.name for each in hourly.schedules.backfills("hourly")] == ["hourly/backfill-2"]

    def test_deleting_it_cancels_what_it_has_not_sent(self, hourly: Horarium, ran: list[int]) -> None:
        made = hourly.schedules.backfill("hourly", at(-4), at(0)).schedule
        assert made is not None
        Scheduler(hourly).tick(hourly.engine.now())
        hourly.schedules.delete(made.name)
        work(hourly)
        assert ran == [-4]

    def test_it_goes_when_its_schedule_goes(self, hourly: Horarium) -> None:
        hourly.schedules.backfill("hourly", at(-4), at(0))
        assert hourly.schedules.delete("hourly") == 1
        assert list(hourly.schedules.find()) == []

    def test_it_can_be_paused_and_resumed(self, hourly: Horarium, ran: list[int]) -> None:
        made = hourly.schedules.backfill("hourly", at(-3), at(0)).schedule
        assert made is not None
        hourly.schedules.pause(made.name)
        work(hourly)
        assert ran == []
        hourly.schedules.resume(made.name)
        work(hourly)
        assert ran == [-3, -2, -1]

    def test_its_runs_expire_after_they_are_sent_and_not_after_their_instants(
        self, hourly: Horarium, clock: ManualClock
    ) -> None:
        hourly.schedules.backfill("hourly", at(-3), at(0))
        Scheduler(hourly).tick(hourly.engine.now())
        [run] = (each.run for each in hourly.schedules.history("hourly").runs)
        assert (run.message.expires, run.message.queue) == (clock.now() + 60_000, "slow")

    def test_it_is_told_in_the_edits_of_its_schedule(self, hourly: Horarium) -> None:
        hourly.schedules.backfill("hourly", at(-3), at(0), by="ann")
        edit = hourly.schedules.get("hourly").edits[-1]
        assert (edit.what, edit.by, edit.note) == ("backfilled", "ann", "hourly/backfill-1")

    def test_it_does_not_move_its_schedule(self, hourly: Horarium) -> None:
        before = hourly.schedules.get("hourly")
        hourly.schedules.backfill("hourly", at(-3), at(0))
        after = hourly.schedules.get("hourly")
        assert (after.next_fire, after.changed, after.total_runs) == (before.next_fire, before.changed, 0)

    def test_it_is_not_backfilled_itself(self, hourly: Horarium) -> None:
        hourly.schedules.backfill("hourly", at(-3), at(0))
        with pytest.raises(ScheduleRefused, match="backfill 'hourly'"):
            hourly.schedules.backfill("hourly/backfill-1", at(-3), at(0))

    def test_an_interval_has_no_instants_before_its_creation(self, shop: Horarium) -> None:
        shop.schedules.create("often", "ping", every(hours=1))
        assert shop.schedules.backfill("often", at(-3), at(0), which="all").count == 0


def test_a_backfill_leaves_a_persons_schedule_of_its_name_alone(shop: Horarium, clock: ManualClock) -> None:
    shop.schedules.create("hourly", "ping", every(hours=1), by="ann")
    shop.schedules.create("hourly/backfill-1", "ping", every(hours=1), by="ann")
    beat(shop, clock, 2, working=False)
    made = shop.schedules.backfill("hourly", MIDNIGHT, which="all", by="ann").schedule
    assert made is not None and made.name == "hourly/backfill-2"
    shop.schedules.delete("hourly")
    assert [each.name for each in shop.schedules.find()] == ["hourly/backfill-1"]


def test_an_unknown_order_is_refused(shop: Horarium, clock: ManualClock) -> None:
    shop.schedules.create("hourly", "ping", every(hours=1))
    beat(shop, clock, 2, working=False)
    with pytest.raises(ScheduleRefused, match="expected order to be oldest or newest, got 'odd'"):
        shop.schedules.backfill("hourly", MIDNIGHT, which="all", order="odd")  # type: ignore[arg-type]
