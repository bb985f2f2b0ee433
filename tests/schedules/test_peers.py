"""Crontabs against two peers. What differs on purpose is listed here, each with its reason; nothing else may.

- Both day fields restricted: they follow Vixie cron and take either, we follow Celery and take both.
- croniter around clock changes: it fires a time in a gap at the hour before or after and a running spec once in a
  repeated hour; so it is asked in UTC only. cronsim follows Debian's cron, which is our default.
- cronsim 2.8 at Lord Howe, whose clocks go back by half an hour: it leaves out 03:00 and 03:15 of ``*/15 3 * * *`` on
  that day, which the clock shows once; so that zone is left to the oracle.
- Wrapping ranges (fri-mon, 22-4) and sets of numbers are Celery's own; they are written out for the peers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim

from horarium.clock import to_datetime, to_instant
from horarium.schedules import crontab
from horarium.schedules.next import next_fire

ZONES = ["America/New_York", "Europe/Dublin", "America/Sao_Paulo", "Antarctica/Troll", "Africa/Casablanca"]
FIRINGS = 150


@pytest.mark.parametrize("seed", range(40))
def test_croniter_agrees_in_utc(seed: int) -> None:
    text, start = line(Random(seed)), datetime(2024, 1, 1, tzinfo=UTC)
    theirs = croniter(text, start)
    assert ours(text, start, "UTC") == [theirs.get_next(datetime) for _ in range(FIRINGS)], text


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(15))
def test_cronsim_agrees_through_clock_changes(zone: str, seed: int) -> None:
    random = Random(f"{zone}{seed}")
    text, start = line(random), datetime(random.randint(1990, 2035), 1, 1, tzinfo=ZoneInfo(zone))
    theirs = CronSim(text, start)
    assert ours(text, start, zone) == [next(theirs).astimezone(UTC) for _ in range(FIRINGS)], text


def ours(text: str, start: datetime, zone: str) -> list[datetime]:
    found, after = [], to_instant(start)
    for _ in range(FIRINGS):
        after = next_fire(crontab.from_string(text), after, zone=zone, anchor=0)
        found.append(to_datetime(after))
    return found


def line(random: Random) -> str:
    """A line that means the same to all three."""
    minute = random.choice(["0", "30", "*/15", "*", "5,35", "10-50/20", "59"])
    hour = random.choice(["*", "*/2", "0", "1", "2", "3", "0-3", "2,14", "1-23/2", "23"])
    month = random.choice(["*", "*", "3,4,10,11", "mar-nov", "*/2"])
    days = random.choice([("*", "*"), ("*", "*"), ("*", "0"), ("*", "mon-fri"), ("*", "7"), ("1,15", "*"), ("31", "*")])
    if days[0] == "31" and month != "*":
        days = ("28-30", "*")
    return f"{minute} {hour} {days[0]} {month} {days[1]}"
