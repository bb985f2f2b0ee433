"""Schedules for tests, as code would want them and as a store would have them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from horarium.clock import to_instant
from horarium.schedules import crontab
from horarium.schedules.planning import Plan
from horarium.schedules.policy import create
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec, to_record

NOW = to_instant(datetime(2026, 6, 1, 12, 0))
SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def wanted(spec: Spec = crontab(0, 6), **fields: Any) -> Schedule:  # noqa: B008 (a value)
    defaults = {"id": "id-1", "name": "daily", "task": "shop.report", "anchor": 0, "created": 0, "changed": 0}
    return Schedule(**{**defaults, "owner": "code", "spec": to_record(spec), **fields})


def stored(spec: Spec = crontab(0, 6), now: int = NOW, **fields: Any) -> Schedule:  # noqa: B008
    return replace(create(wanted(spec, **fields), now=now), version=1)


def fired(schedule: Schedule, decided: Plan) -> Schedule:
    """Return what a store makes of a plan that is sent."""
    return replace(
        schedule,
        next_fire=decided.next_fire,
        last_fire=decided.nominal or schedule.last_fire,
        total_runs=schedule.total_runs + len(decided.fire),
        missed=schedule.missed + decided.missed,
    )
