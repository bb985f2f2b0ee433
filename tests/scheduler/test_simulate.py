"""``horarium.testing.simulate``: a day of the app's schedules in a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from beat_store import Store

from horarium.app.app import Horarium
from horarium.errors import InvalidSchedule
from horarium.schedules import crontab, every
from horarium.testing import simulate

MakeApp = Callable[..., Horarium]


def entry(schedule: object, **more: object) -> dict[str, object]:
    return {"task": "ping", "schedule": schedule, **more}


def test_a_day_shows_what_fires_when_and_with_which_arguments(make_app: MakeApp) -> None:
    app = make_app({"a": entry(every(hours=6), args=[7]), "b": entry(crontab(30, 4), options={"queue": "slow"})})
    day = simulate(app)
    assert [(run.schedule, run.at.hour, run.args, run.queue) for run in day.runs] == [
        ("b", 4, (), "slow"),
        ("a", 6, (7,), "default"),
        ("a", 12, (7,), "default"),
        ("a", 18, (7,), "default"),
    ]
    assert day.of("b")[0].at == datetime(2026, 1, 1, 4, 30, tzinfo=UTC)
    assert day.errors == {}


def test_a_naive_start_is_meant_in_the_apps_zone_and_clock_changes_are_as_in_reality(make_app: MakeApp) -> None:
    app = make_app({"a": entry(crontab(30, 2))}, timezone="Europe/Berlin")
    day = simulate(app, hours=48, start=datetime(2027, 3, 27, 12))
    assert [run.at.isoformat() for run in day.runs] == ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]


def test_the_apps_store_and_clock_are_not_touched(make_app: MakeApp, store: Store) -> None:
    app = make_app({"a": entry(60)})
    before = app.now()
    simulate(app, hours=1)
    assert (store.names(), store.messages(), app.now()) == ([], [], before)


def test_a_schedule_that_skips_overlaps_finds_none_where_runs_end_at_once(make_app: MakeApp) -> None:
    app = make_app({"a": entry(60, overlap="skip")})
    assert len(simulate(app, hours=1).runs) == 59


def test_jitter_shows_in_the_start_and_not_in_the_due_instant(make_app: MakeApp) -> None:
    app = make_app({"a": entry(every(minutes=10), jitter=300)})
    runs = simulate(app, hours=2).runs
    assert [run.at.minute for run in runs] == [10, 20, 30, 40, 50, 0, 10, 20, 30, 40, 50]
    assert any(run.start > run.nominal for run in runs)
    assert all(0 <= run.start - run.nominal < 300_000 for run in runs)


def test_schedules_of_people_are_simulated_when_they_are_given(make_app: MakeApp) -> None:
    app = make_app({})
    app.schedules.create("by-hand", "ping", every(hours=6))
    app.schedules.create("paused", "ping", every(hours=6))
    app.schedules.pause("paused")
    day = simulate(app, start=datetime(2026, 1, 1, tzinfo=UTC), schedules=app.schedules.find())
    assert [run.schedule for run in day.runs] == ["by-hand"] * 3


def test_a_schedule_that_cannot_fire_is_told_with_the_reason(make_app: MakeApp) -> None:
    app = make_app({"a": {"task": "pong", "schedule": 3600}, "b": entry(every(hours=12))})
    day = simulate(app)
    assert "got 'pong'" in day.errors["a"]
    assert [run.schedule for run in day.runs] == ["b"]


def test_an_entry_that_cannot_be_read_fails_the_test_that_asks(make_app: MakeApp) -> None:
    with pytest.raises(InvalidSchedule, match="schedule 'a'"):
        simulate(make_app({"a": entry("often")}))


def test_a_runaway_ends(make_app: MakeApp) -> None:
    with pytest.raises(AssertionError, match="at most 50 runs"):
        simulate(make_app({"a": entry(1)}), limit=50)


def test_what_is_due_at_the_beginning_is_part_of_the_day_and_what_is_due_at_its_end_of_the_next(
    make_app: MakeApp,
) -> None:
    app = make_app({"a": entry(crontab(0, 0)), "b": entry(every(hours=24))})
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [simulate(app, start=start + timedelta(days=number)).runs for number in range(2)]
    assert [[(run.schedule, run.at) for run in runs] for runs in days] == [
        [("a", start)],
        [("a", start + timedelta(days=1))],
    ]


def test_a_day_of_minutely_schedules_takes_seconds(make_app: MakeApp) -> None:
    app = make_app({f"s{number}": entry(crontab()) for number in range(10)})
    begun = perf_counter()
    assert len(simulate(app).runs) == 10 * 1440
    assert perf_counter() - begun < 60  # it takes about 3 s on two cores that are busy with other things
