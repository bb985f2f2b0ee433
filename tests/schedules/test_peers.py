"""Crontabs and crons against two peers. What differs on purpose is listed here with its reason; nothing else may.

Of crontab:

- Both day fields restricted: they follow Vixie cron and take either, we follow Celery and take both.
- croniter around clock changes: it fires a time in a gap at the hour before or after and a running spec once in a
  repeated hour; so it is asked in UTC only. cronsim follows Debian's cron, which is our default.
- cronsim 2.8 at Lord Howe, whose clocks go back by half an hour: it leaves out 03:00 and 03:15 of ``*/15 3 * * *`` on
  that day, which the clock shows once; so that zone is left to the oracle.
- Wrapping ranges (fri-mon, 22-4) and sets of numbers are Celery's own; they are written out for the peers.

Of cron, where both day fields may be restricted: ``DIFFERENCES`` below, and as above around clock changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from croniter.croniter import CroniterError
from cronsim import CronSim, CronSimError

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import cron, crontab
from horarium.schedules.next import next_fire

ZONES = ["America/New_York", "Europe/Dublin", "America/Sao_Paulo", "Antarctica/Troll", "Africa/Casablanca"]
FIRINGS = 150

# Lines of cron, who of the peers answers otherwise (or refuses where we do not, or the other way), and why it stays so.
ITER, SIM = "croniter", "cronsim"
DIFFERENCES = [
    (
        "0 0 */2 * 1",
        {ITER},
        "what begins with * is unrestricted, as in Debian's cron; croniter takes either day",
    ),
    ("0 0 13 * */2", {ITER}, "the same"),
    ("0 0 * * 5L", {ITER}, "croniter writes it L5; cronsim and Quartz write 5L"),
    ("0 0 * * friL", {ITER, SIM}, "a name is as good as its number"),
    ("0 0 * * 1,4#3", {ITER}, "croniter does not mix plain weekdays with #"),
    ("0 0 1 * 1#2", {ITER}, "either day; croniter finds none"),
    ("0 22-4 * * *", {SIM}, "ranges may wrap here, as in crontab; Debian's cron and cronsim refuse them"),
    ("0 0 * * fri-mon", {SIM}, "the same"),
    ("0 0 30-2 * *", {SIM}, "the same"),
    ("0 0 * nov-feb *", {SIM}, "the same"),
    ("0 0 * * monday", {ITER, SIM}, "names may be written in full, as in crontab"),
    ("0 0 * january *", {ITER, SIM}, "the same"),
    (
        "5/15 0 * * *",
        {ITER, SIM},
        "Debian's cron reads 5 alone, the peers 5-59/15; refused, with advice",
    ),
    ("*/60 0 * * *", {ITER, SIM}, "a step beyond the field is a mistake; we refuse it"),
    ("0 0 ? * 1", {ITER}, "? is Quartz's; we refuse it and say to write *"),
    ("0 0 15W * *", {ITER}, "W is Quartz's; neither Debian's cron nor cronsim has it"),
    ("@daily", {SIM}, "cronsim has no nicknames"),
    ("@hourly", {SIM}, "the same"),
]
ALIKE = [
    "0 0 13 * 5",
    "0 0 1-31 * 1",
    "0 0 1-31/2 * 1",
    "0 0 13 * 0-6",
    "0 0 L * *",
    "0 0 1,L * *",
    "0 0 L * 1",
    "0 0 * * 1#2",
    "0 0 * * mon#2",
    "0 0 * * 1#5",
    "0 0 * * 7#1",
    "0 0 * * 1#2,4#3",
    "0 0 * * 5-7",
    "0 0 * * 0-7/2",
    "0 0 31 2 1",
    "0 0 29 2 *",
    "*/7 */5 * * *",
    "0 0 * * L",  # refused by all
    "0 0 * * 1#6",
    "0 0 30 2 *",
    "@reboot",
]


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


@pytest.mark.parametrize("seed", range(60))
def test_lines_of_cron_agree_with_cronsim_through_clock_changes(seed: int) -> None:
    random = Random(f"cron{seed}")
    text, zone = cron_line(random), random.choice(ZONES)
    start = datetime(random.randint(1990, 2035), 1, 1, tzinfo=ZoneInfo(zone))
    theirs = CronSim(text, start)
    expected = [next(theirs).astimezone(UTC) for _ in range(FIRINGS)]
    assert ours(text, start, zone, spec=cron(text)) == expected, text


@pytest.mark.parametrize(("text", "others"), [(text, others) for text, others, _ in DIFFERENCES])
def test_a_difference_that_is_listed_is_still_there(text: str, others: set[str]) -> None:
    answers = all_answers(text)
    assert {peer for peer in (ITER, SIM) if answers[peer] != answers["ours"]} == others, answers


@pytest.mark.parametrize("text", ALIKE)
def test_what_is_not_listed_is_alike(text: str) -> None:
    answers = all_answers(text)
    assert answers["ours"] == answers[ITER] == answers[SIM]


def test_each_difference_has_its_reason() -> None:
    assert all(why for _, _, why in DIFFERENCES)


def all_answers(text: str) -> dict[str, list[datetime] | str]:
    """What each of the three makes of a line: its first firings, or that it is refused."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found: dict[str, list[datetime] | str] = {}
    try:
        found["ours"] = ours(text, start, "UTC", spec=cron(text), count=6)
    except InvalidSchedule:
        found["ours"] = "refused"
    try:
        theirs = croniter(text, start)
        found[ITER] = [theirs.get_next(datetime) for _ in range(6)]
    except CroniterError:
        found[ITER] = "refused"
    try:
        simulated = CronSim(text, start)
        found[SIM] = [next(simulated) for _ in range(6)]
    except CronSimError:
        found[SIM] = "refused"
    return found


def ours(
    text: str, start: datetime, zone: str, *, spec: crontab | cron | None = None, count: int = FIRINGS
) -> list[datetime]:
    found, after = [], to_instant(start)
    for _ in range(count):
        after = next_fire(spec or crontab.from_string(text), after, zone=zone, anchor=0)
        found.append(to_datetime(after))
    return found


def cron_line(random: Random) -> str:
    """A line that means the same to Debian's cron, to cronsim and to us."""
    minute, hour, *_ = line(random).split()
    days = random.choice(["*", "*", "13", "1,15", "*/10", "1-7", "L", "1,L", "28-31"])
    weekdays = random.choice(["*", "*", "1", "mon-fri", "*/2", "5L", "1#2", "tue#5", "2,4#1", "0", "6-7"])
    return f"{minute} {hour} {days} {random.choice(['*', '*', 'mar-nov', '*/2'])} {weekdays}"


def line(random: Random) -> str:
    """A line that means the same to all three."""
    minute = random.choice(["0", "30", "*/15", "*", "5,35", "10-50/20", "59"])
    hour = random.choice(["*", "*/2", "0", "1", "2", "3", "0-3", "2,14", "1-23/2", "23"])
    month = random.choice(["*", "*", "3,4,10,11", "mar-nov", "*/2"])
    days = random.choice([("*", "*"), ("*", "*"), ("*", "0"), ("*", "mon-fri"), ("*", "7"), ("1,15", "*"), ("31", "*")])
    if days[0] == "31" and month != "*":
        days = ("28-30", "*")
    return f"{minute} {hour} {days[0]} {month} {days[1]}"
