"""Catch-up, jitter, pauses, single instants and backfills, as a scheduler sends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from beat_ear import Ear
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.event import Fired, Missed, SchedulePaused, ScheduleResumed
from horarium.message import Cause, derived_id
from horarium.outcome import ErrorRecord, Failed
from horarium.scheduler.beat import Scheduler
from horarium.scheduler.firing import TOGETHER
from horarium.schedules import crontab, every
from horarium.schedules.line import next_of
from horarium.schedules.policy import create
from horarium.schedules.record import Backfill, Edit, Firing, Schedule
from horarium.schedules.specs import to_record
from horarium.testing import drain

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
FAILED = Failed(error=ErrorRecord(class_path="ValueError", text="no"))
MakeApp = Callable[..., Horarium]


def entry(schedule: object = every(minutes=1), **more: object) -> dict[str, dict[str, object]]:
    return {"s": {"task": "ping", "schedule": schedule, **more}}


def started(app: Horarium, ear: Ear | None = None) -> Scheduler:
    scheduler = Scheduler(app, observer=ear)
    scheduler.sync(app.engine.now())
    if ear is not None:
        ear.events.clear()
    return scheduler


class TestCatchup:
    def test_s10_all_sends_each_missed_instant_spaced_and_in_order(
        self, make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry(catchup="all", catchup_limit=3, catchup_spacing=timedelta(seconds=20))), ear)
        now = clock.advance(300)
        scheduler.tick(now)
        assert store.fired() == [begin + 3 * MINUTE, begin + 4 * MINUTE, begin + 5 * MINUTE]
        assert [message.due - now for message in store.sent()] == [0, 20 * SECOND, 40 * SECOND]
        assert ear.heard(Missed) == [Missed(schedule="s", count=2)]
        assert len(ear.heard(Fired)) == 3

    def test_s10_expires_counts_from_each_nominal_instant(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry(catchup="all", options={"expires": 90})))
        scheduler.tick(clock.advance(180))
        assert [message.expires for message in store.sent()] == [begin + n * MINUTE + 90 * SECOND for n in (1, 2, 3)]

    def test_s10_many_that_catch_up_together_are_sent_in_transactions_of_a_bounded_size(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        entries = {f"s{number:02}": {"task": "ping", "schedule": every(1), "catchup": "all"} for number in range(25)}
        scheduler = started(make_app(entries))
        sizes, fire = [], store.engine.schedules.fire

        def measured(firings: list[Firing], *, now: int) -> object:
            sizes.append(sum(len(firing.messages) for firing in firings))
            return fire(firings, now=now)

        store.engine.schedules.fire = measured  # type: ignore[method-assign]
        scheduler.tick(clock.advance(100))
        assert sizes == [TOGETHER, TOGETHER, 500]
        assert len(store.sent()) == 2500


class TestJitter:
    def test_s12_a_firing_starts_later_than_its_nominal_instant_and_each_by_something_else(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry(jitter=30)))
        for _ in range(10):
            scheduler.tick(clock.advance(60))
        delays = [message.due - (message.nominal or 0) for message in store.sent()]
        assert store.fired() == [begin + n * MINUTE for n in range(1, 11)]
        assert all(0 <= delay < 30 * SECOND for delay in delays) and len(set(delays)) == 10

    def test_s12_a_countdown_of_the_options_comes_on_top_of_it(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry(jitter=30, options={"countdown": 100})))
        for _ in range(10):
            scheduler.tick(clock.advance(60))
        delays = {message.due - (message.nominal or 0) for message in store.sent()}
        assert all(100 * SECOND <= delay < 130 * SECOND for delay in delays) and len(delays) == 10

    def test_s12_a_spread_schedule_fires_at_its_own_offset_and_says_it_is_nominal(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry(crontab(0), spread=timedelta(hours=1))))
        schedule = store.schedule("s")
        assert schedule.next_fire == next_of(schedule, clock.now())
        scheduler.tick(clock.advance((schedule.next_fire - clock.now()) / 1000))
        assert store.fired() == [schedule.next_fire]
        assert (schedule.next_fire - clock.now()) % HOUR == 0


class TestPauses:
    def test_s14_the_first_firing_after_the_end_of_a_pause_takes_it_off(
        self, make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry()), ear)
        until = begin + 10 * MINUTE
        store.save(replace(store.schedule("s"), paused_by="ann", paused_until=until, next_fire=until))
        for _ in range(9):
            scheduler.tick(clock.advance(60))
        assert store.sent() == []
        scheduler.tick(clock.advance(60))
        schedule = store.schedule("s")
        assert store.fired() == [until]
        assert (schedule.paused_by, schedule.paused_until, schedule.missed) == (None, None, 0)
        assert ear.events[0] == ScheduleResumed(schedule="s")
        scheduler.tick(clock.advance(60))
        assert store.fired() == [until, until + MINUTE]

    def test_s14_a_pause_that_is_edited_at_its_end_is_the_editors(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry()))
        until = clock.now() + 10 * MINUTE
        store.save(replace(store.schedule("s"), paused_by="ann", paused_until=until, next_fire=until))
        save = store.engine.schedules.save

        def somebody_is_faster(schedules: list[Schedule], *, now: int) -> list[Schedule]:
            store.engine.schedules.save = save  # type: ignore[method-assign]
            store.save(replace(store.schedule("s"), paused_until=None))
            return save(schedules, now=now)

        store.engine.schedules.save = somebody_is_faster  # type: ignore[method-assign]
        scheduler.tick(clock.advance(600))
        scheduler.tick(clock.advance(60))
        assert (store.sent(), store.schedule("s").paused_by) == ([], "ann")

    def test_s14_failures_in_a_row_pause_a_schedule_at_its_next_due_instant(
        self, make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
    ) -> None:
        scheduler = started(make_app(entry(pause_after=2)), ear)
        for _ in range(2):
            scheduler.tick(clock.advance(60))
            store.run_next(FAILED)
        assert scheduler.tick(clock.advance(60)) == 1.0
        schedule = store.schedule("s")
        assert (schedule.paused_by, schedule.pause_note, schedule.is_active) == (
            "horarium",
            "2 failures in a row",
            False,
        )
        assert (schedule.edits[-1].by, schedule.edits[-1].what) == ("horarium", "paused")
        assert ear.heard(SchedulePaused) == [SchedulePaused(schedule="s", by="horarium", reason="2 failures in a row")]
        assert len(store.sent()) == 2

    def test_s14_a_success_between_failures_begins_the_count_anew(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry(pause_after=2)))
        for failed in (True, False, True):
            scheduler.tick(clock.advance(60))
            store.run_next(*([FAILED] if failed else []))
        scheduler.tick(clock.advance(60))
        assert store.schedule("s").paused_by is None

    def test_s14_whoever_resumes_it_gives_it_as_many_tries_as_before(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry(pause_after=2)))
        for _ in range(2):
            scheduler.tick(clock.advance(60))
            store.run_next(FAILED)
        scheduler.tick(clock.advance(60))
        store.save(replace(store.schedule("s"), paused_by=None, next_fire=clock.now() + MINUTE))
        scheduler.tick(clock.advance(60))
        store.run_next(FAILED)
        scheduler.tick(clock.advance(60))
        assert (len(store.sent()), store.schedule("s").paused_by) == (4, None)

    def test_s14_a_pause_by_itself_survives_a_restart(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry(pause_after=1)))
        scheduler.tick(clock.advance(60))
        store.run_next(FAILED)
        scheduler.tick(clock.advance(60))
        started(make_app(entry(pause_after=1, kwargs={"city": "Ghent"}))).tick(clock.advance(60))
        assert store.schedule("s").paused_by == "horarium"
        assert len(store.sent()) == 1


class TestSingleInstants:
    def test_s15_what_is_passed_over_is_not_sent_and_what_was_added_is(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry()))
        moved = replace(
            store.schedule("s"), passed_over=(begin + 2 * MINUTE,), added=(begin + 2 * MINUTE + 30 * SECOND,)
        )
        store.save(moved)
        for _ in range(18):
            scheduler.tick(clock.advance(10))
        assert store.fired() == [begin + MINUTE, begin + 2 * MINUTE + 30 * SECOND, begin + 3 * MINUTE]
        assert store.schedule("s").missed == 0

    def test_s13_they_survive_a_sync(self, make_app: MakeApp, store: Store, clock: ManualClock) -> None:
        started(make_app(entry()))
        store.save(replace(store.schedule("s"), passed_over=(clock.now() + MINUTE,)))
        started(make_app(entry(kwargs={"city": "Ghent"})))
        assert store.schedule("s").passed_over == (clock.now() + MINUTE,)


class TestBackfills:
    def test_s16_past_instants_are_sent_in_their_order_so_many_at_a_time(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry()))
        past = tuple(clock.now() - number * HOUR for number in (3, 1, 2, 5))
        backfill = create(
            replace(
                store.schedule("s"),
                id="backfill-1",
                name="s-backfill",
                owner="person",
                backfill=Backfill(of="s", instants=past),
                max_active=2,
            ),
            now=clock.now(),
        )
        store.save(backfill)
        scheduler.tick(clock.advance(1))
        assert store.schedule("s-backfill").held
        assert sorted(store.fired("s-backfill")) == sorted(past[:2])
        for _ in past:
            store.run_next()
            scheduler.tick(clock.advance(1))
        done = store.schedule("s-backfill")
        assert (done.total_runs, done.next_fire, done.missed) == (4, None, 0)
        messages = {message.nominal: message for message in store.sent("s-backfill")}
        assert messages.keys() == set(past)
        assert all(message.id == derived_id("backfill-1", nominal, "backfill") for nominal, message in messages.items())

    def test_s18_a_run_knows_that_it_is_backfilled_and_who_asked(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        now = clock.now()
        wanted = Schedule(
            id="b",
            name="b",
            task="ping",
            spec=to_record(every(hours=1)),
            anchor=now - 10 * HOUR,
            created=now,
            changed=now,
            backfill=Backfill(of="s", instants=(now - HOUR,)),
            edits=(Edit(at=now, by="ann", what="created"),),
        )
        store.save(create(wanted, now=now))
        Scheduler(make_app()).tick(clock.advance(1))
        [message] = store.sent("b")
        assert message.cause == Cause(kind="backfill", previous=now - 2 * HOUR, by="ann")

    def test_a_backfill_in_error_is_healed_once_and_not_for_ever(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        scheduler = started(make_app(entry()))
        wanted = replace(store.schedule("s"), id="b", name="b", owner="person", task="pong")
        store.save(create(replace(wanted, backfill=Backfill(of="s", instants=(clock.now(),))), now=clock.now()))
        scheduler.tick(clock.advance(1))
        assert "pong" in (store.schedule("b").error or "")
        assert scheduler.patrol(clock.advance(5)) == 0
        store.worker_joins("pong")
        assert scheduler.patrol(clock.advance(5)) == 1
        scheduler.tick(clock.now())
        assert [message.task for message in store.sent("b")] == ["pong"]


class TestCause:
    def test_s18_a_run_knows_its_previous_instant_and_whether_it_was_caught_up(
        self, make_app: MakeApp, store: Store, clock: ManualClock
    ) -> None:
        begin = clock.now()
        scheduler = started(make_app(entry()))
        scheduler.tick(clock.advance(60))
        scheduler.tick(clock.advance(60))
        scheduler.tick(clock.advance(175))
        assert [message.cause for message in store.sent()] == [
            Cause(),
            Cause(previous=begin + MINUTE),
            Cause(previous=begin + 3 * MINUTE, caught_up=True),
        ]

    def test_s18_the_task_can_ask_for_all_of_it(self, make_app: MakeApp, store: Store, clock: ManualClock) -> None:
        begin, heard = clock.now(), []
        app = make_app({"s": {"task": "ask", "schedule": every(minutes=1)}})

        def ask(self: Task) -> None:
            asked = self.request
            heard.append((asked.nominal, asked.previous_nominal, asked.caught_up, asked.firing_kind, asked.fired_by))

        app.add_task(ask, {"name": "ask", "bind": True})
        scheduler = started(app)
        scheduler.tick(clock.advance(60))
        scheduler.tick(clock.advance(155))
        app.tasks["ask"].delay()
        drain(app)
        assert heard == [
            (begin + MINUTE, None, False, "auto", ""),
            (begin + 3 * MINUTE, begin + 2 * MINUTE, True, "auto", ""),
            (None, None, False, None, ""),
        ]
