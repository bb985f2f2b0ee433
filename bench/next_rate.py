"""How many next firings one core finds a second: ``.venv/bin/python -m bench.next_rate``.

Each figure is of processor time, best of several rounds. *Fresh*: every question is a new one (another instant), so
that nothing but the zone's changes and the calendar's months is remembered, as in a running scheduler. *Shared*: the
same question again, as of many schedules with one spec. *Hard*: the slowest single answers, in milliseconds: they
bound what a hostile spec can cost.
"""

from __future__ import annotations

import time
from random import Random

from horarium.clock import Instant
from horarium.schedules import calendar, cron, crontab, dates, every
from horarium.schedules.next import next_fire
from horarium.schedules.specs import Spec
from horarium.schedules.stretched import next_second

NOW: Instant = 1_780_272_000_000  # 2026-06-01
YEAR = 365 * 86_400_000
ZONE = "America/New_York"
QUESTIONS, ROUNDS = 20_000, 5
BAR = 100_000  # a second and core, for the common ones

COMMON: list[Spec] = [
    crontab(),
    crontab("*/5"),
    crontab(0),
    crontab(0, 6),
    crontab(30, 8, "mon-fri"),
    crontab(0, 6, "mon"),
    crontab(0, 0, day_of_month=1),
    cron("0 9 1,15 * 1"),
    calendar(2, "weeks", at="09:00", on="mon", start="2026-01-05"),
    every(30),
]
HARD: list[Spec] = [
    crontab(0, 0, day_of_month=29, month_of_year=2),
    crontab(0, 0, "mon", 29, 2),
    cron("0 0 * 2 5#5"),
    cron("0 0 31 12 *"),
    crontab() - dates("2026-01-01..2035-12-31"),
    crontab("*/2") - crontab("*/2"),
    every(120) - crontab("*/2"),
]


def rate(spec: Spec, instants: list[Instant]) -> float:
    """Return answers a second of processor time, the best of all rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        next_second.cache_clear()
        began = time.process_time()
        for instant in instants:
            next_fire(spec, instant, zone=ZONE, anchor=NOW)
        best = max(best, len(instants) / (time.process_time() - began))
    return best


def main() -> None:
    random = Random(0)
    fresh = [NOW + random.randrange(YEAR) for _ in range(QUESTIONS)]
    print(f"{'spec':70} {'fresh/s':>10} {'shared/s':>10}")
    for spec in COMMON:
        one, again = rate(spec, fresh), rate(spec, [NOW] * QUESTIONS)
        print(f"{spec!r:70} {one:10,.0f} {again:10,.0f}{'' if one >= BAR else '  below the bar'}")
    print(f"\n{'hard spec':70} {'ms':>10}")
    for spec in HARD:
        began = time.process_time()
        next_fire(spec, NOW, zone=ZONE, anchor=NOW)
        print(f"{spec!r:70} {(time.process_time() - began) * 1000:10.1f}")


if __name__ == "__main__":
    main()
