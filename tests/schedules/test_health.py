"""How a schedule fares, from its record alone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from records_made import DAY, HOUR, MINUTE, NOW, SECOND, stored

from horarium.schedules import clocked, crontab, every
from horarium.schedules.health import Condition, health
from horarium.schedules.record import Backfill, Schedule
from horarium.schedules.specs import Spec

HOURLY = every(hours=1)
FIRST = NOW + HOUR


def judged(schedule: Schedule, now: int) -> Condition:
    return health(schedule, now).condition


def ran(spec: Spec = HOURLY, *, last: int, succeeded: int | None, coming: int | None, **fields: Any) -> Schedule:
    """Return a schedule whose newest firing was that of ``last``."""
    counts = {"last_fire": last, "succeeded": succeeded, "next_fire": coming, "total_runs": 1}
    return replace(stored(spec), **counts, **fields)


def test_s21_one_that_is_not_due_yet_never_ran() -> None:
    found = health(stored(HOURLY), NOW + MINUTE)
    assert (found.condition, found.is_alarming) == (Condition.NEVER_RAN, False)
    assert found.text == "has not fired yet; it is due at 2026-06-01 13:00:00 UTC"


def test_s21_one_that_has_succeeded_is_well() -> None:
    schedule = ran(last=FIRST, succeeded=FIRST, coming=FIRST + HOUR)
    found = health(schedule, FIRST + 59 * MINUTE)
    assert (found.condition, found.text) == (Condition.OK, "the last success was that of 2026-06-01 13:00:00 UTC")


def test_s21_what_has_not_succeeded_by_its_due_time_plus_grace_is_late() -> None:
    schedule = ran(last=FIRST, succeeded=None, coming=FIRST + HOUR, grace=300.0)
    assert judged(schedule, FIRST + 5 * MINUTE) is Condition.OK
    found = health(schedule, FIRST + 5 * MINUTE + 1)
    assert (found.condition, found.due, found.is_alarming) == (Condition.LATE, FIRST, True)
    assert found.text == "due at 2026-06-01 13:00:00 UTC, has not succeeded since; no run of it has ended yet"


def test_s21_what_was_not_fired_is_late_as_well() -> None:
    found = health(stored(HOURLY, grace=300.0), FIRST + 6 * MINUTE)
    assert (found.condition, found.due) == (Condition.LATE, FIRST)
    assert "has not fired" in found.text


def test_s21_jitter_comes_on_top_of_the_grace() -> None:
    schedule = ran(last=FIRST, succeeded=None, coming=FIRST + HOUR, grace=300.0, jitter=600.0)
    assert judged(schedule, FIRST + 15 * MINUTE) is Condition.OK
    assert judged(schedule, FIRST + 15 * MINUTE + 1) is Condition.LATE


@pytest.mark.parametrize(
    ("spec", "grace"),
    [
        (every(10), MINUTE),
        (every(minutes=5), 5 * MINUTE),
        (HOURLY, HOUR),
        (every(days=1), HOUR),
        (clocked(FIRST), HOUR),
    ],
)
def test_s21_the_grace_is_the_time_to_the_next_instant_within_a_minute_and_an_hour(spec: Spec, grace: int) -> None:
    due = stored(spec).next_fire
    assert due is not None
    schedule = ran(spec, last=due, succeeded=None, coming=None)
    assert judged(schedule, due + grace) is not Condition.LATE
    assert judged(schedule, due + grace + 1) is Condition.LATE


def test_s21_one_that_fires_often_and_never_succeeds_is_late_though_its_last_firing_is_new() -> None:
    schedule = ran(every(10), last=NOW + HOUR, succeeded=None, coming=NOW + HOUR + 10 * SECOND)
    found = health(schedule, NOW + HOUR + SECOND)
    assert (found.condition, found.due) == (Condition.LATE, NOW + 10 * SECOND)


def test_s21_what_was_missed_makes_it_late_until_a_later_one_succeeds() -> None:
    missed = ran(crontab(0, 6), last=NOW - 6 * HOUR, succeeded=NOW - 6 * HOUR, coming=NOW + 42 * HOUR, missed=1)
    assert judged(missed, NOW + 19 * HOUR) is Condition.OK
    assert judged(missed, NOW + 19 * HOUR + 1) is Condition.LATE
    caught_up = replace(missed, last_fire=NOW + 42 * HOUR, succeeded=NOW + 42 * HOUR, next_fire=NOW + 66 * HOUR)
    assert judged(caught_up, NOW + 43 * HOUR) is Condition.OK


def test_s21_what_was_skipped_while_a_long_run_was_active_is_not_owed() -> None:
    fields = {"overlap": "skip", "skipped": 2, "grace": 4.0 * 3600, "ended": FIRST + 150 * MINUTE}
    schedule = ran(last=FIRST, succeeded=FIRST, coming=FIRST + 3 * HOUR, **fields)
    assert judged(schedule, FIRST + 170 * MINUTE) is Condition.OK


def test_s21_a_long_run_that_has_not_ended_is_late_even_if_others_are_skipped() -> None:
    schedule = ran(last=FIRST, succeeded=None, coming=FIRST + 3 * HOUR, overlap="skip", skipped=2)
    assert judged(schedule, FIRST + HOUR + 1) is Condition.LATE


def test_s21_one_that_waits_for_its_earlier_run_says_so_when_it_is_late() -> None:
    schedule = ran(last=FIRST, succeeded=FIRST, coming=FIRST + HOUR, overlap="queue_one", held=True)
    found = health(schedule, FIRST + 2 * HOUR + 1)
    assert found.condition is Condition.LATE
    assert "waits for an earlier run to end" in found.text


def test_s21_what_came_due_in_a_pause_is_not_owed() -> None:
    resumed = ran(last=FIRST, succeeded=FIRST, coming=FIRST + 10 * HOUR, changed=FIRST + 9 * HOUR + MINUTE)
    assert judged(resumed, FIRST + 9 * HOUR + 2 * MINUTE) is Condition.OK


def test_s21_what_was_passed_over_is_not_owed() -> None:
    schedule = ran(last=FIRST, succeeded=FIRST, coming=FIRST + 2 * HOUR, passed_over=(FIRST + HOUR,), grace=60.0)
    assert judged(schedule, FIRST + 119 * MINUTE) is Condition.OK


def test_s21_a_failure_is_told_with_their_number_and_the_last_success() -> None:
    failing = ran(last=FIRST + HOUR, succeeded=FIRST, coming=FIRST + 2 * HOUR, failures=1)
    found = health(failing, FIRST + HOUR + MINUTE)
    assert (found.condition, found.is_alarming) == (Condition.FAILING, True)
    assert found.text == "the last run failed; the last success was that of 2026-06-01 13:00:00 UTC"
    assert health(replace(failing, failures=3), FIRST).text.startswith("3 failures in a row")
    assert "no run of it has succeeded yet" in health(replace(failing, succeeded=None, ended=NOW), FIRST).text


@pytest.mark.parametrize(
    ("fields", "condition", "text"),
    [
        ({"error": "no such zone"}, Condition.IN_ERROR, "cannot fire: no such zone"),
        ({"enabled": False}, Condition.DISABLED, "the code says enabled: False"),
        ({"paused_by": "ann", "pause_note": "moving"}, Condition.PAUSED, "paused by ann (moving)"),
        (
            {"paused_by": "ann", "paused_until": FIRST + DAY},
            Condition.PAUSED,
            "paused by ann until 2026-06-02 13:00:00 UTC",
        ),
        ({"spec": {"kind": "moon"}}, Condition.IN_ERROR, "cannot fire: expected the record"),
        ({"next_fire": -(10**18), "last_fire": None}, Condition.IN_ERROR, "cannot be judged: OverflowError"),
    ],
)
def test_s21_one_that_stands_still_says_why(fields: dict[str, Any], condition: Condition, text: str) -> None:
    schedule = replace(
        ran(last=FIRST, succeeded=None, coming=FIRST + HOUR, failures=2 * ("spec" not in fields)), **fields
    )
    if "next_fire" in fields:
        schedule = replace(schedule, failures=0)
    found = health(schedule, FIRST + 5 * HOUR)
    assert found.condition is condition
    assert found.text.startswith(text)


def test_s21_a_pause_that_is_over_stands_in_nobodys_way() -> None:
    schedule = ran(last=FIRST, succeeded=FIRST, coming=FIRST + HOUR, paused_by="ann", paused_until=FIRST + MINUTE)
    assert judged(schedule, FIRST + 2 * MINUTE) is Condition.OK


def test_s21_one_with_nothing_more_to_come_has_ended() -> None:
    assert judged(ran(clocked(NOW), last=NOW, succeeded=NOW, coming=None), NOW + DAY) is Condition.ENDED


def test_s21_a_backfill_tells_how_far_it_has_come() -> None:
    backfill = Backfill(of="daily", instants=(1, 2, 3, 4, 5))
    found = health(replace(stored(HOURLY, backfill=backfill), total_runs=2, last_fire=2), NOW + DAY)
    assert (found.condition, found.text) == (Condition.OK, "2 of 5 instants of 'daily' are fired")


def test_one_that_a_person_ran_before_it_fired_has_run() -> None:
    found = health(replace(stored(HOURLY), succeeded=NOW, ended=NOW + SECOND), NOW + MINUTE)
    assert (found.condition, found.text) == (Condition.OK, "the last success was that of 2026-06-01 12:00:00 UTC")
