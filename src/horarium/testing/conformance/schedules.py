"""Questions about Schedules."""

from __future__ import annotations

import threading

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.records import Page
from horarium.errors import ScheduleConflict
from horarium.outcome import State
from horarium.schedules.record import Fate
from horarium.testing.conformance.candidate import Candidate, ids


class TestSchedules(Candidate):
    def test_a_schedule_comes_back_exactly_as_it_was_saved(self) -> None:
        schedule = self.schedule(
            "täglich",
            timezone="Europe/Vienna",
            args=Raw(b"[1, 2]"),
            kwargs=Raw(b'{"a":null}'),
            options={"queue": "q", "priority": 3, "headers": {"x": [1.5, None]}},
            owner="code",
            enabled=False,
            paused_by="eve",
            pause_note="why not",
            one_off=True,
            max_runs=3,
            start=self.now,
            end=self.now + 9,
            dst_gap="keep",
            dst_fold="both",
            catchup="none",
            catchup_window=1.5,
            next_fire=None,
            last_fire=self.now - 1,
            total_runs=4,
            missed=2,
            error="unknown zone",
        )
        (saved,) = self.save(schedule)
        assert saved == replace(schedule, version=1)
        assert self.stored("täglich") == saved

    def test_what_is_not_there_is_none(self) -> None:
        self.save(self.schedule("b"), self.schedule("a"))
        got = self.engine.schedules.get(["a", "nobody's", "b"])
        assert [schedule.name if schedule else None for schedule in got] == ["a", None, "b"]

    def test_a_name_is_created_once(self) -> None:
        (saved,) = self.save(self.schedule())
        with pytest.raises(ScheduleConflict) as caught:
            self.save(self.schedule())
        assert (caught.value.name, caught.value.expected, caught.value.found) == ("s", 0, 1)
        assert self.stored() == saved

    def test_an_edit_raises_the_version(self) -> None:
        (first,) = self.save(self.schedule())
        (second,) = self.save(replace(first, task="other"))
        assert (second.version, second.task) == (2, "other")
        assert self.stored() == second

    def test_an_edit_of_an_old_version_is_refused(self) -> None:
        (first,) = self.save(self.schedule())
        (second,) = self.save(replace(first, task="other"))
        with pytest.raises(ScheduleConflict) as caught:
            self.save(replace(first, task="third"))
        assert (caught.value.expected, caught.value.found) == (1, 2)
        assert self.stored() == second

    def test_an_edit_of_what_was_deleted_is_refused(self) -> None:
        (first,) = self.save(self.schedule())
        self.engine.schedules.delete(["s"])
        with pytest.raises(ScheduleConflict) as caught:
            self.save(first)
        assert caught.value.found == 0

    def test_one_conflict_keeps_all_of_them_out(self) -> None:
        (old,) = self.save(self.schedule("old"))
        with pytest.raises(ScheduleConflict):
            self.save(self.schedule("new"), replace(old, task="other"), self.schedule("old"))
        assert self.engine.schedules.get(["new"]) == [None]
        assert self.stored("old") == old

    def test_an_edit_takes_no_count_back(self) -> None:
        (read,) = self.save(self.schedule())
        self.fire(self.firing(read, missed=2))
        (edited,) = self.save(replace(read, task="other", next_fire=self.now + 90_000))
        assert (edited.last_fire, edited.total_runs, edited.missed) == (read.next_fire, 1, 2)
        assert edited.next_fire == self.now + 90_000
        assert self.stored() == edited

    def test_deleting_tells_how_many_there_were(self) -> None:
        self.save(self.schedule("a"), self.schedule("b"))
        assert self.engine.schedules.delete(["a", "nobody's", "a"]) == 1
        assert self.engine.schedules.get(["a"]) == [None]
        (again,) = self.save(self.schedule("a"))
        assert again.version == 1

    def test_browsing_goes_by_name_and_shows_each_once(self) -> None:
        names = [f"{number:02}" for number in range(10)]
        owners = ("code", "person", "table")
        self.save(*(self.schedule(name, owner=owners[int(name) % 3]) for name in reversed(names)))
        assert self.browse() == names
        for first, owner in enumerate(owners):
            assert self.browse(owner) == names[first::3]

    def test_a_schedule_that_changes_hands_is_browsed_where_it_belongs(self) -> None:
        kept, taken, gone = self.save(*(self.schedule(name, owner="code") for name in ("kept", "taken", "gone")))
        (given,) = self.save(self.schedule("given", owner="person"))
        self.save(replace(taken, owner="person"), replace(given, owner="code"), replace(kept, task="other"))
        self.engine.schedules.delete([gone.name])
        assert self.browse("code") == ["given", "kept"]
        assert self.browse("person") == ["taken"]
        self.engine.schedules.delete(["given", "kept", "taken"])
        assert self.browse("code") == []

    def test_due_ones_come_earliest_first(self) -> None:
        for name, seconds in (("third", 3), ("first", 1), ("second", 2), ("later", 9)):
            self.save(self.schedule(name, next_fire=self.now + seconds * 1000))
        until = self.now + 3000
        assert [each.name for each in self.engine.schedules.due(until, 10)] == ["first", "second", "third"]
        assert [each.name for each in self.engine.schedules.due(until, 2)] == ["first", "second"]
        assert self.engine.schedules.due(self.now + 999, 10) == []

    def test_an_inactive_schedule_is_not_due(self) -> None:
        self.save(
            self.schedule("disabled", enabled=False),
            self.schedule("paused", paused_by="eve"),
            self.schedule("broken", error="unknown zone"),
            self.schedule("over", next_fire=None),
        )
        assert self.engine.schedules.due(self.now + 10**9, 10) == []

    def test_a_resumed_schedule_is_due_again(self) -> None:
        (paused,) = self.save(self.schedule(paused_by="eve"))
        self.save(replace(paused, paused_by=None))
        assert [each.name for each in self.engine.schedules.due(self.now + 10**9, 10)] == ["s"]

    def browse(self, owner: str | None = None) -> list[str]:
        seen: list[str] = []
        after = None
        while True:
            page = self.engine.schedules.browse(Page(limit=3, after=after), owner=owner)
            assert len(page.schedules) <= 3
            seen += [schedule.name for schedule in page.schedules]
            after = page.next
            if after is None:
                return seen


class TestFiring(Candidate):
    def test_a_firing_stores_its_messages_and_moves_the_schedule_on(self) -> None:
        (schedule,) = self.save(self.schedule())
        due = schedule.next_fire
        assert due is not None
        self.later(60)
        firing = self.firing(schedule, missed=3)
        assert self.fire(firing) == [Fate.SENT]
        assert ids(self.claim()) == [firing.messages[0].id]
        moved = replace(schedule, last_fire=due, next_fire=due + 60_000, total_runs=1, missed=3)
        assert self.stored() == moved

    def test_the_same_firing_wins_once(self) -> None:
        (schedule,) = self.save(self.schedule())
        firing = self.firing(schedule)
        assert self.fire(firing) == [Fate.SENT]
        after = self.stored()
        assert self.fire(firing, firing) == [Fate.LOST, Fate.LOST]
        assert self.stored() == after
        assert self.states() == {State.PENDING: 1}

    def test_the_same_firing_twice_in_one_call_wins_once(self) -> None:
        (schedule,) = self.save(self.schedule())
        firing = self.firing(schedule)
        assert self.fire(firing, firing) == [Fate.SENT, Fate.LOST]
        assert self.stored().total_runs == 1

    def test_a_firing_of_an_old_version_changes_nothing(self) -> None:
        (old,) = self.save(self.schedule())
        (new,) = self.save(replace(old, task="other"))
        assert self.fire(self.firing(old)) == [Fate.LOST]
        assert self.stored() == new
        assert self.states() == {}

    def test_a_firing_of_another_instant_changes_nothing(self) -> None:
        (schedule,) = self.save(self.schedule())
        assert self.fire(self.firing(schedule, expected=self.now)) == [Fate.LOST]
        assert self.fire(self.firing(schedule, expected=None)) == [Fate.LOST]
        assert self.stored() == schedule
        assert self.states() == {}

    def test_a_schedule_that_is_gone_does_not_fire(self) -> None:
        (schedule,) = self.save(self.schedule())
        self.engine.schedules.delete(["s"])
        assert self.fire(self.firing(schedule), self.firing(schedule, kind="manual")) == [Fate.LOST, Fate.LOST]
        assert self.states() == {}

    def test_one_loser_does_not_keep_the_others_from_winning(self) -> None:
        first, second, third = self.save(*(self.schedule(name) for name in "abc"))
        self.fire(self.firing(second))
        assert self.fire(self.firing(first), self.firing(second), self.firing(third)) == [
            Fate.SENT,
            Fate.LOST,
            Fate.SENT,
        ]
        assert self.states() == {State.PENDING: 3}

    def test_a_last_firing_leaves_nothing_to_come(self) -> None:
        (schedule,) = self.save(self.schedule())
        assert self.fire(self.firing(schedule, next_fire=None)) == [Fate.SENT]
        assert self.stored().next_fire is None
        assert self.engine.schedules.due(self.now + 10**9, 10) == []

    def test_when_all_was_missed_nothing_is_sent_and_the_schedule_moves_on(self) -> None:
        (schedule,) = self.save(self.schedule())
        skip = self.firing(schedule, messages=(), missed=5)
        assert self.fire(skip, skip) == [Fate.SENT, Fate.LOST]
        assert self.stored() == replace(schedule, next_fire=skip.next_fire, missed=5)
        assert self.states() == {}

    def test_catching_up_skips_to_the_newest_instant(self) -> None:
        (schedule,) = self.save(self.schedule())
        due = schedule.next_fire
        assert due is not None
        newest = self.firing(schedule, due + 180_000, next_fire=due + 240_000, missed=3)
        assert self.fire(newest) == [Fate.SENT]
        stored = self.stored()
        assert (stored.last_fire, stored.next_fire, stored.missed) == (due + 180_000, due + 240_000, 3)

    def test_an_instant_that_was_fired_is_not_fired_again_after_an_edit_and_the_schedule_goes_on(self) -> None:
        (read,) = self.save(self.schedule())
        self.fire(self.firing(read))
        (edited,) = self.save(replace(read, task="other"))  # with the next_fire from before the firing
        assert edited.next_fire == read.next_fire
        assert self.fire(self.firing(edited)) == [Fate.REPEATED]
        stored = self.stored()
        assert (stored.next_fire, stored.total_runs) == (self.firing(edited).next_fire, 1)
        assert self.states() == {State.PENDING: 1}

    def test_a_manual_firing_moves_nothing_and_counts_nothing(self) -> None:
        (schedule,) = self.save(self.schedule(paused_by="eve"))
        by_hand = self.firing(schedule, kind="manual", version=99, expected=None, next_fire=None)
        assert self.fire(by_hand) == [Fate.SENT]
        assert self.fire(by_hand) == [Fate.REPEATED]
        assert self.stored() == schedule
        assert self.states() == {State.PENDING: 1}

    def test_a_manual_firing_does_not_take_the_place_of_the_automatic_one(self) -> None:
        (schedule,) = self.save(self.schedule())
        message = self.message(nominal=schedule.next_fire)
        by_hand = self.firing(schedule, kind="manual", messages=(message,))
        assert self.fire(by_hand, self.firing(schedule)) == [Fate.SENT, Fate.SENT]
        assert self.states() == {State.PENDING: 2}

    def test_a_message_that_is_stored_already_does_not_stop_a_firing(self) -> None:
        (schedule,) = self.save(self.schedule())
        firing = self.firing(schedule)
        self.put(*firing.messages)
        assert self.fire(firing) == [Fate.SENT]
        assert self.states() == {State.PENDING: 1}

    def test_of_many_schedulers_one_fires_each_instant(self) -> None:
        saved = self.save(*(self.schedule(f"s{number}") for number in range(20)))
        firings = [self.firing(schedule) for schedule in saved]
        fates: list[Fate] = []
        together = threading.Barrier(4)

        def scheduler(start: int) -> None:
            together.wait()
            for each in firings[start:] + firings[:start]:
                fates.extend(self.engine.schedules.fire([each], now=self.now))

        threads = [threading.Thread(target=scheduler, args=(5 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(fates), fates.count(Fate.SENT)) == (80, 20)
        assert self.states() == {State.PENDING: 20}
        assert {self.stored(schedule.name).total_runs for schedule in saved} == {1}
