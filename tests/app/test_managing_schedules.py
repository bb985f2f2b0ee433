"""``app.schedules``: each verb against a store in memory, in time that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.app.schedules import Schedules
from horarium.clock import ManualClock, to_datetime
from horarium.engines.records import QUEUE_TOPIC, SCHEDULE_TOPIC
from horarium.errors import (
    InvalidArguments,
    InvalidSchedule,
    NotRegistered,
    OwnedByCode,
    ScheduleConflict,
    ScheduleNotFound,
    ScheduleRefused,
)
from horarium.event import ScheduleOverruled
from horarium.scheduler.beat import Scheduler
from horarium.schedules import clocked, crontab, every
from horarium.schedules.record import Schedule
from horarium.testing import drain

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)  # where the clock begins


@pytest.fixture
def ran() -> list[Any]:
    """What the task ``ping`` was called with."""
    return []


@pytest.fixture
def shop(app: Horarium, ran: list[Any]) -> Horarium:
    app.add_task(lambda number=0, city="": ran.append((number, city)), {"name": "ping"})
    return app


@pytest.fixture
def schedules(shop: Horarium) -> Schedules:
    return shop.schedules


def tick(app: Horarium) -> None:
    Scheduler(app).tick(app.engine.now())


def sync(app: Horarium) -> int:
    return Scheduler(app).sync(app.engine.now())


class TestCreating:
    def test_a_created_schedule_is_a_persons_and_fires(
        self, shop: Horarium, clock: ManualClock, ran: list[Any]
    ) -> None:
        made = shop.schedules.create("often", "ping", every(60), args=[7], by="ann", note="a trial")
        assert (made.owner, made.version, made.next_fire) == ("person", 1, clock.now() + MINUTE)
        clock.advance(60)
        tick(shop)
        drain(shop)
        assert ran == [(7, "")]
        [edit] = made.edits
        assert (edit.what, edit.by, edit.note, edit.at) == ("created", "ann", "a trial", made.created)

    def test_a_sync_of_code_leaves_it(self, shop: Horarium) -> None:
        shop.schedules.create("often", "ping", every(60))
        assert sync(shop) == 0
        assert shop.schedules.get("often").version == 1

    def test_all_keys_of_an_entry_are_options(self, schedules: Schedules) -> None:
        made = schedules.create(
            "daily",
            "ping",
            crontab(0, 6),
            kwargs={"city": "Kyiv"},
            timezone="Europe/Kyiv",
            catchup="none",
            max_runs=3,
            end=datetime(2026, 2, 1, tzinfo=UTC),
            options={"queue": "slow", "priority": 9, "expires": timedelta(minutes=5)},
        )
        assert (made.timezone, made.catchup, made.max_runs) == ("Europe/Kyiv", "none", 3)
        assert made.options == {"queue": "slow", "priority": 9, "expires": 300.0}

    @pytest.mark.parametrize(
        ("wrong", "error", "words"),
        [
            ({"timezone": "Europe/Berln"}, InvalidSchedule, "did you mean 'Europe/Berlin'"),
            ({"catchupp": "none"}, InvalidSchedule, "did you mean 'catchup'"),
            ({"task": "pin"}, NotRegistered, "did you mean 'ping'"),
            ({"args": [1, "x", 3]}, InvalidArguments, "ping"),
            ({"options": {"queu": "x"}}, InvalidArguments, "did you mean 'queue'"),
            ({"schedule": "often"}, InvalidSchedule, "expected schedule to be"),
            ({"schedule": clocked(MIDNIGHT - timedelta(days=1))}, InvalidSchedule, "none later than now"),
            ({"end": MIDNIGHT - timedelta(days=1)}, InvalidSchedule, "none later than now"),
        ],
    )
    def test_what_is_wrong_is_refused_at_once_with_what_was_meant(
        self, schedules: Schedules, wrong: dict[str, Any], error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words):
            schedules.create("bad", **{"task": "ping", "schedule": every(60), **wrong})
        assert list(schedules.find()) == []

    def test_a_taken_name_is_a_conflict(self, schedules: Schedules) -> None:
        schedules.create("often", "ping", every(60))
        with pytest.raises(ScheduleConflict):
            schedules.create("often", "ping", every(30))

    def test_a_name_of_the_code_is_taken_before_any_scheduler_has_stored_it(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"nightly": {"task": "ping", "schedule": crontab(0, 2)}}
        with pytest.raises(
            ScheduleConflict, match="expected a name that no schedule has, got 'nightly', which is taken"
        ):
            shop.schedules.create("nightly", "ping", every(30))
        assert list(shop.schedules.find()) == []

    def test_the_schedulers_are_told(self, shop: Horarium) -> None:
        listener = shop.engine.notifier.listen([SCHEDULE_TOPIC])
        shop.schedules.create("often", "ping", every(60))
        assert listener.wait(5)
        shop.schedules.pause("often")
        assert listener.wait(5)
        listener.close()

    def test_one_that_was_deleted_and_made_again_is_another_one(self, schedules: Schedules) -> None:
        first = schedules.create("often", "ping", every(60))
        schedules.delete("often")
        assert schedules.create("often", "ping", every(60)).id != first.id


class TestFinding:
    def test_an_unknown_name_is_answered_with_the_nearest(self, schedules: Schedules) -> None:
        schedules.create("nightly", "ping", every(60))
        with pytest.raises(ScheduleNotFound, match="did you mean 'nightly'"):
            schedules.get("nightley")

    def test_what_only_the_code_knows_has_version_0(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        found = shop.schedules.get("a")
        assert (found.version, found.owner, found.app) == (0, "code", "shop")

    def test_pages_follow_one_another(self, schedules: Schedules) -> None:
        for name in "cab":
            schedules.create(name, "ping", every(60))
        first = schedules.list(2)
        assert [each.name for each in first.schedules] == ["a", "b"]
        assert [each.name for each in schedules.list(2, first.next).schedules] == ["c"]

    def test_schedules_are_found_by_pattern_task_and_owner(self, shop: Horarium) -> None:
        shop.add_task(lambda: None, {"name": "pong"})
        shop.conf.beat_schedule = {"report-code": {"task": "ping", "schedule": 60}}
        sync(shop)
        shop.schedules.create("report-1", "ping", every(60))
        shop.schedules.create("report-2", "pong", every(60))
        shop.schedules.create("other", "pong", every(60))
        assert [each.name for each in shop.schedules.find("report-*")] == ["report-1", "report-2", "report-code"]
        assert [each.name for each in shop.schedules.find(task="pong")] == ["other", "report-2"]
        assert [each.name for each in shop.schedules.find(owner="code")] == ["report-code"]

    def test_next_is_told_in_the_schedules_zone(self, schedules: Schedules) -> None:
        schedules.create("noon", "ping", crontab(0, 12), timezone="America/New_York")
        first, second = schedules.next("noon", 2)
        assert first == datetime(2026, 1, 1, 12, tzinfo=ZoneInfo("America/New_York"))
        assert (first.hour, (second - first).days) == (12, 1)


class TestUpdating:
    def test_what_is_given_changes_and_nothing_else(self, schedules: Schedules, clock: ManualClock) -> None:
        before = schedules.create("daily", "ping", crontab(0, 6), args=[1], max_runs=5)
        after = schedules.update("daily", schedule=crontab(0, 7), args=[2])
        assert (after.version, bytes(after.args), after.max_runs, after.id) == (2, b"[2]", 5, before.id)
        assert after.next_fire == clock.now() + 7 * HOUR

    def test_none_gives_a_key_its_default_again(self, schedules: Schedules) -> None:
        schedules.create("daily", "ping", crontab(0, 6), max_runs=5)
        assert schedules.update("daily", max_runs=None).max_runs is None

    def test_an_old_version_is_a_conflict(self, schedules: Schedules) -> None:
        read = schedules.create("daily", "ping", crontab(0, 6))
        schedules.update("daily", args=[1])
        with pytest.raises(ScheduleConflict, match="expected version 1"):
            schedules.update(read, args=[2])
        with pytest.raises(ScheduleConflict):
            schedules.update("daily", 1, args=[2])
        assert bytes(schedules.get("daily").args) == b"[1]"

    def test_nothing_new_is_not_stored(self, schedules: Schedules) -> None:
        made = schedules.create("daily", "ping", crontab(0, 6))
        assert schedules.update("daily", schedule=crontab(0, 6)) == made

    @pytest.mark.parametrize(("key", "value"), [("tsak", "ping"), ("timezone", "Mars"), ("max_runs", 0)])
    def test_what_is_wrong_is_refused(self, schedules: Schedules, key: str, value: object) -> None:
        made = schedules.create("daily", "ping", crontab(0, 6))
        with pytest.raises(InvalidSchedule):
            schedules.update("daily", **{key: value})
        assert schedules.get("daily") == made

    def test_an_edit_neither_fires_nor_loses_what_was_due(
        self, shop: Horarium, clock: ManualClock, ran: list[Any]
    ) -> None:
        shop.schedules.create("often", "ping", every(60))
        clock.advance(10 * 60)  # no scheduler was there
        edited = shop.schedules.update("often", schedule=every(3600))
        tick(shop)
        assert (shop.schedules.get("often").missed, drain(shop)) == (10, [])
        assert edited.next_fire == clock.now() - 10 * MINUTE + HOUR

    def test_codes_definition_needs_to_be_taken_over_and_then_stays(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        sync(shop)
        with pytest.raises(OwnedByCode):
            shop.schedules.update("a", schedule=30)
        taken = shop.schedules.update("a", schedule=30, take_over=True)
        assert taken.owner == "person"
        told: list[Any] = []
        assert Scheduler(shop, observer=_Teller(told.append)).sync(shop.engine.now()) == 0
        assert told == [ScheduleOverruled(schedule="a")]
        assert shop.schedules.get("a") == taken

    def test_deleting_what_was_taken_over_gives_it_back(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        shop.schedules.update("a", schedule=30, take_over=True)
        shop.schedules.delete("a")
        sync(shop)
        assert shop.schedules.get("a").owner == "code"

    def test_codes_are_deleted_only_when_taken_over(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        sync(shop)
        with pytest.raises(OwnedByCode):
            shop.schedules.delete("a")
        assert shop.schedules.delete("a", take_over=True) == 1

    def test_of_several_names_one_that_is_unknown_keeps_all(self, schedules: Schedules) -> None:
        schedules.create("a", "ping", every(60))
        with pytest.raises(ScheduleNotFound):
            schedules.delete("a", "b")
        assert schedules.get("a").version == 1

    def test_code_that_changes_a_schedule_is_written_down_too(self, shop: Horarium) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        sync(shop)
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 30}}
        sync(shop)
        made, edited = shop.schedules.get("a").edits
        assert (made.what, made.by, edited.what) == ("created", "code of shop", "edited")
        assert edited.changes == {
            "spec": ({"kind": "every", "milliseconds": 60_000}, {"kind": "every", "milliseconds": 30_000})
        }


class TestHolding:
    def test_a_pause_of_what_code_defines_survives_its_sync(self, shop: Horarium, clock: ManualClock) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        shop.schedules.pause("a", note="holidays", by="ann")  # no scheduler has run yet
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 30}}
        sync(shop)
        clock.advance(120)
        tick(shop)
        found = shop.schedules.get("a")
        assert (found.paused_by, found.pause_note, found.owner, drain(shop)) == ("ann", "holidays", "code", [])

    def test_a_pause_with_an_end_survives_a_new_timing_in_the_code(self, shop: Horarium, clock: ManualClock) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        shop.schedules.pause("a", until=MIDNIGHT + timedelta(hours=1))
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 30}}
        sync(shop)
        assert shop.schedules.get("a").next_fire == clock.now() + HOUR

    def test_resuming_fires_nothing_for_the_pause(self, shop: Horarium, clock: ManualClock, ran: list[Any]) -> None:
        shop.schedules.create("often", "ping", every(60))
        shop.schedules.pause("often")
        clock.advance(90)
        shop.schedules.resume("often")
        tick(shop)
        assert shop.schedules.get("often").missed == 0
        clock.advance(30)
        tick(shop)
        drain(shop)
        assert len(ran) == 1

    def test_a_pause_with_an_end_needs_nobody(self, shop: Horarium, clock: ManualClock, ran: list[Any]) -> None:
        shop.schedules.create("often", "ping", every(60))
        shop.schedules.pause("often", until=datetime(2026, 1, 1, 0, 5))
        for _ in range(5):
            clock.advance(60)
            tick(shop)
        drain(shop)
        assert len(ran) == 1

    def test_resuming_what_is_not_paused_changes_nothing(self, schedules: Schedules) -> None:
        made = schedules.create("often", "ping", every(60))
        assert schedules.resume("often") == made

    def test_an_edit_that_fits_any_version_is_tried_anew(self, shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
        shop.schedules.create("often", "ping", every(60))
        save, others = shop.engine.schedules.save, [1, 2]

        def contended(schedules: Any, *, now: int) -> Any:
            if others:
                others.pop()
                [found] = shop.engine.schedules.get(["often"])
                assert found is not None
                save([replace(found, pause_note="somebody else")], now=now)
            return save(schedules, now=now)

        monkeypatch.setattr(shop.engine.schedules, "save", contended)
        assert shop.schedules.pause("often").version == 4

    def test_a_skipped_firing_does_not_happen_and_the_next_does(
        self, shop: Horarium, clock: ManualClock, ran: list[Any]
    ) -> None:
        shop.schedules.create("often", "ping", every(60))
        shop.schedules.skip("often", MIDNIGHT + timedelta(minutes=2))
        for _ in range(3):
            clock.advance(60)
            tick(shop)
        drain(shop)
        assert (len(ran), shop.schedules.get("often").missed) == (2, 0)

    def test_a_moved_firing_happens_then_once(self, shop: Horarium, clock: ManualClock, ran: list[Any]) -> None:
        shop.schedules.create("hourly", "ping", every(hours=1))
        shop.schedules.move("hourly", MIDNIGHT + timedelta(hours=1), MIDNIGHT + timedelta(minutes=20))
        fired = []
        for minute in range(1, 121):
            clock.advance(60)
            tick(shop)
            fired += [minute] * len(drain(shop))
        assert fired == [20, 120]

    def test_a_naive_moment_is_meant_in_the_schedules_zone(self, schedules: Schedules) -> None:
        schedules.create("noon", "ping", crontab(0, 12), timezone="America/New_York")
        skipped = schedules.skip("noon", datetime(2026, 1, 2, 12))
        assert [to_datetime(each).hour for each in skipped.passed_over] == [17]

    def test_an_instant_that_is_no_firing_is_refused(self, schedules: Schedules) -> None:
        schedules.create("noon", "ping", crontab(0, 12))
        with pytest.raises(ScheduleRefused, match="the nearest is 2026-01-02 12:00:00"):
            schedules.skip("noon", datetime(2026, 1, 2, 13))


class TestRunningByHand:
    def test_a_run_by_hand_is_a_firing_in_all_but_its_kind(self, shop: Horarium, clock: ManualClock) -> None:
        shop.schedules.create(
            "daily", "ping", crontab(0, 6), args=[3], options={"queue": "slow", "priority": 8, "expires": 60}
        )
        before = shop.schedules.get("daily")
        [handle] = shop.schedules.run_now("daily", by="ann")
        run = handle.run
        assert run is not None
        message = run.message
        assert (message.queue, message.priority, message.expires) == ("slow", 8, clock.now() + MINUTE)
        assert (bytes(message.args), message.schedule, message.nominal) == (b"[3]", "daily", clock.now())
        assert message.cause is not None
        assert (message.cause.kind, message.cause.by) == ("manual", "ann")
        assert shop.schedules.get("daily") == before

    def test_several_are_run_at_once(self, shop: Horarium, ran: list[Any]) -> None:
        for number in (1, 2):
            shop.schedules.create(f"s{number}", "ping", every(60), args=[number])
        handles = shop.schedules.run_now("s1", "s2", "s1")
        drain(shop)
        assert sorted(ran) == [(1, ""), (1, ""), (2, "")]
        assert len({handle.id for handle in handles}) == 3

    def test_an_unknown_name_among_them_fires_none(self, shop: Horarium, ran: list[Any]) -> None:
        shop.schedules.create("a", "ping", every(60))
        with pytest.raises(ScheduleNotFound):
            shop.schedules.run_now("a", "b")
        assert drain(shop) == []

    def test_a_paused_one_and_one_that_only_the_code_knows_run(self, shop: Horarium, ran: list[Any]) -> None:
        shop.conf.beat_schedule = {"a": {"task": "ping", "schedule": 60}}
        shop.schedules.run_now("a")
        shop.schedules.pause("a")
        shop.schedules.run_now("a")
        drain(shop)
        assert len(ran) == 2

    def test_a_run_by_hand_does_not_take_the_place_of_the_firing(
        self, shop: Horarium, clock: ManualClock, ran: list[Any]
    ) -> None:
        shop.schedules.create("often", "ping", every(60))
        clock.advance(60)
        shop.schedules.run_now("often")
        tick(shop)
        drain(shop)
        assert len(ran) == 2


class TestTwins:
    def test_each_verb_has_a_twin_for_coroutines(self, schedules: Schedules) -> None:
        async def story() -> Schedule:
            await schedules.acreate("often", "ping", every(60))
            await schedules.apause("often", note="quiet")
            await schedules.aresume("often")
            await schedules.aupdate("often", args=[1])
            await schedules.arun_now("often")
            assert len((await schedules.ahistory("often")).runs) == 1
            assert len(await schedules.anext("often", 3)) == 3
            return await schedules.aget("often")

        assert asyncio.run(story()).version == 4
        verbs = "create get list update delete pause resume skip unskip move run_now next history backfill".split()
        assert [verb for verb in verbs if not asyncio.iscoroutinefunction(getattr(schedules, f"a{verb}"))] == []


class _Teller:
    """Hands every event on."""

    is_detailed = False

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self.tell = tell

    def enter(self, process: str) -> None:
        pass


def test_a_running_scheduler_sees_an_edit_at_once() -> None:
    """It sleeps for a minute at the most: only the notification can have woken it."""
    with Horarium("shop", store="memory://", set_as_current=False) as app:
        app.add_task(lambda: None, {"name": "ping"})
        scheduler = Scheduler(app, max_interval=60)
        listener = app.engine.notifier.listen([QUEUE_TOPIC + "default"])
        running = threading.Thread(target=scheduler.run, name="scheduler")
        running.start()
        try:
            app.schedules.create("later", "ping", every(hours=1))
            assert not listener.wait(0)
            app.schedules.update("later", schedule=every(seconds=0.2))
            assert listener.wait(20)
        finally:
            scheduler.stop()
            running.join(20)
            listener.close()
        assert not running.is_alive()


@pytest.mark.parametrize("moment", [10**30, datetime.max, "tomorrow", timedelta(hours=1), 1.9e12, True, -1])
def test_what_is_no_moment_is_refused_and_nothing_is_stored(shop: Horarium, moment: Any) -> None:
    before = shop.schedules.create("often", "ping", every(60))
    verbs: list[Callable[[], object]] = [
        lambda: shop.schedules.pause("often", until=moment),
        lambda: shop.schedules.skip("often", moment),
        lambda: shop.schedules.unskip("often", moment),
        lambda: shop.schedules.move("often", before.next_fire or 0, moment),
        lambda: shop.schedules.backfill("often", moment, which="all"),
    ]
    for verb in verbs:
        with pytest.raises(ScheduleRefused, match="expected a datetime or UTC milliseconds, from 1970 to 9998"):
            verb()
    assert shop.schedules.get("often") == before


@pytest.mark.parametrize("text", [5, "half \ud800", "a\0b"])
def test_a_note_that_would_make_a_schedule_unreadable_is_refused(shop: Horarium, text: Any) -> None:
    before = shop.schedules.create("often", "ping", every(60))
    verbs: list[Callable[[], object]] = [
        lambda: shop.schedules.create("new", "ping", every(60), note=text),
        lambda: shop.schedules.update("often", schedule=every(30), note=text),
        lambda: shop.schedules.pause("often", by=text),
    ]
    for verb in verbs:
        with pytest.raises(ScheduleRefused, match="to be text, got"):
            verb()
    assert list(shop.schedules.find()) == [before]
