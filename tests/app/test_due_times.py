"""What became of each due time of the past: why did last night's job not run?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from horarium import Horarium
from horarium.app.due_times import DueTime, due_times
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.scheduler.beat import Scheduler
from horarium.schedules.cron import cron
from horarium.schedules.interval import every
from horarium.testing import drain

DAY = 86_400
NIGHT = "30 2 * * *"


class Yard:
    """An app in memory at 2026-01-01 00:00 UTC, whose nights pass when they are told to."""

    def __init__(self, app: Horarium, clock: ManualClock) -> None:
        self.app = app
        self.clock = clock

    def add(self, name: str = "nightly", spec: Any = None, **keys: Any) -> None:
        self.app.schedules.create(name, "work", spec or cron(NIGHT), by="ana", timezone="UTC", **keys)

    def night(self, number: int = 1, *, beats: bool = True, works: bool = True) -> None:
        """Let nights pass, with a scheduler and a worker or without them."""
        for _ in range(number):
            self.clock.advance(2.5 * 3600)
            if beats:
                Scheduler(self.app).tick(self.clock.now())
            if works:
                drain(self.app)
            self.clock.advance(21.5 * 3600)

    def due(self, name: str = "nightly", limit: int = 20) -> list[DueTime]:
        return list(due_times(self.app, self.app.schedules.get(name), now=self.clock.now(), limit=limit))

    def fates(self, name: str = "nightly") -> list[str]:
        return [each.fate for each in self.due(name)]


@pytest.fixture
def yard() -> Iterator[Yard]:
    clock = ManualClock()
    with Horarium("yard", store="memory://", set_as_current=False, result_expires=30 * DAY) as app:

        @app.task(name="work")
        def work() -> None: ...

        with app.connection.replaced(MemoryEngine(clock=clock), clock):
            yield Yard(app, clock)


def test_a_due_time_that_ran_is_its_run_and_how_late_it_started(yard: Yard) -> None:
    yard.add()
    yard.night(2)
    newest, _ = yard.due()
    assert newest.at == int(datetime(2026, 1, 2, 2, 30, tzinfo=UTC).timestamp() * 1000)
    assert newest.run is not None and newest.run.state == "SUCCESS"
    assert (newest.fate, newest.lateness, newest.text) == ("ran", 0.0, "")


def test_a_night_without_a_scheduler_is_missed_and_says_so(yard: Yard) -> None:
    yard.add(catchup="none")
    yard.night(3, beats=False)
    yard.night()
    assert yard.fates() == ["ran", "missed", "missed", "missed"]
    assert "no scheduler was there" in yard.due()[1].text
    assert "catchup: none" in yard.due()[1].text


def test_what_is_due_and_not_dealt_with_waits_and_then_is_missed(yard: Yard) -> None:
    yard.add()
    yard.clock.advance(2.5 * 3600 + 5)
    assert yard.due()[0].text == "due, and not fired yet"
    yard.clock.advance(DAY / 2)
    assert (yard.fates(), "is one running?" in yard.due()[0].text) == (["missed"], True)


def test_a_paused_night_names_who_paused_it_and_why(yard: Yard) -> None:
    yard.add()
    yard.night()
    yard.app.schedules.pause("nightly", by="ben", note="audit")
    yard.night(2)
    yard.app.schedules.resume("nightly", by="ben")
    yard.night()
    assert yard.fates() == ["ran", "paused", "paused", "ran"]
    assert yard.due()[1].text == "it was paused by ben at 2026-01-02 00:00:00+00:00 (audit)"


def test_a_pause_with_an_end_ends_there(yard: Yard) -> None:
    yard.add()
    yard.app.schedules.pause("nightly", by="ben", until=yard.clock.now() + DAY * 1000)
    yard.night(2)
    assert yard.fates() == ["ran", "paused"]


def test_a_firing_skipped_ahead_of_time_names_who_skipped_it(yard: Yard) -> None:
    yard.add()
    yard.app.schedules.skip("nightly", datetime(2026, 1, 1, 2, 30, tzinfo=UTC), by="ben", note="holiday")
    yard.night(2)
    assert yard.fates() == ["ran", "skipped"]
    assert yard.due()[1].text == "skipped by ben (holiday)"


def test_a_firing_skipped_for_a_run_that_is_active_names_the_run(yard: Yard) -> None:
    yard.add(overlap="skip")
    yard.night(2, works=False)
    newest, first = yard.due()
    assert first.run is not None
    assert newest.fate == "overlap"
    assert first.run.id[:8] in newest.text


def test_a_backfilled_instant_is_the_backfills_run(yard: Yard) -> None:
    yard.add(catchup="none")
    yard.night(1, beats=False)
    yard.night(1)
    yard.app.schedules.backfill("nightly", datetime(2026, 1, 1, tzinfo=UTC), by="ana")
    Scheduler(yard.app).tick(yard.clock.now())
    drain(yard.app)
    assert [(each.fate, each.is_backfill) for each in yard.due()] == [("ran", False), ("ran", True)]


def test_runs_that_are_not_kept_any_more_are_not_called_missed(yard: Yard) -> None:
    yard.app.conf.result_expires = DAY
    yard.add()
    yard.night(4)
    yard.app.engine.results.forget([each.run.id for each in yard.due()[2:] if each.run is not None])
    assert yard.fates() == ["ran", "ran", "unknown", "unknown"]
    assert "not kept (result_expires)" in yard.due()[3].text


def test_only_what_was_due_by_the_present_definition_is_told(yard: Yard) -> None:
    yard.add()
    yard.night(2)
    yard.app.schedules.update("nightly", schedule=cron("30 2 * * mon-sun"), timezone="Asia/Tokyo", by="ben")
    assert yard.fates() == []
    yard.clock.advance(DAY)
    assert len(yard.due()) == 1


def test_as_many_as_are_asked_for_are_told_of_a_quick_one(yard: Yard) -> None:
    yard.add("quick", every(10))
    yard.clock.advance(DAY)
    found = yard.due("quick", limit=5)
    assert [yard.clock.now() - each.at for each in found] == [0, 10_000, 20_000, 30_000, 40_000]


def test_there_is_nothing_to_tell_of_what_counts_from_its_own_runs(yard: Yard) -> None:
    yard.add("after", every(60), align="after_finish")
    yard.clock.advance(DAY)
    assert yard.due("after") == []
