"""Schedules whose runs may not overlap, with tasks of any length, and a backfill: what was fired, and what ran beside
what, judged by what the tasks themselves told."""

from __future__ import annotations

from collections import Counter

import msgspec
from firings import SECOND
from ground import Ground
from history import Event
from msgspec.structs import replace

from horarium import every
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.outcome import ENDED, Run
from horarium.schedules import policy
from horarium.schedules.backfill import backfill_of
from horarium.schedules.record import Schedule

INSTANTS = 200
AT_ONCE = 3
FIRING = {"waits": {"overlap": "queue_one"}, "skips": {"overlap": "skip"}, "follows": {"align": "after_finish"}}
MOST = {**dict.fromkeys(FIRING, 1), "past/backfill-1": AT_ONCE}


def create(ground: Ground) -> None:
    """Store the schedules, and a backfill of one that never fires itself."""
    engine, now = ground.app.engine, ground.app.engine.now()
    made = [_made(ground, name, {"schedule": every(1), **options}) for name, options in FIRING.items()]
    past = replace(_made(ground, "past", {"schedule": every(1), "args": [0.15]}), id="past")
    instants = tuple(now - number * SECOND for number in range(INSTANTS, 0, -1))
    backfill = backfill_of(past, instants, id="again", number=1, order="oldest", max_active=AT_ONCE, by="test", now=now)
    engine.schedules.save([*made, backfill], now=now)
    engine.notifier.notify([SCHEDULE_TOPIC])


def stored(ground: Ground) -> dict[str, Schedule]:
    found = {each.name: each for each in ground.app.engine.schedules.get(list(MOST)) if each is not None}
    assert found.keys() == MOST.keys()
    return found


def has_gone_on(ground: Ground, before: dict[str, Schedule]) -> bool:
    """Whether each schedule has fired since, and the backfill is complete."""
    now = stored(ground)
    return now["past/backfill-1"].total_runs == INSTANTS and all(
        now[name].total_runs >= before[name].total_runs + 2 for name in FIRING
    )


def complaints(ground: Ground, snapshot: dict[str, Schedule]) -> list[str]:
    """Judge, once all is quiet. ``snapshot``: the schedules as they fired, before anybody stopped them."""
    found = []
    events = ground.events()
    for name, most in MOST.items():
        runs = ground.schedule_runs(name)
        nominals = Counter(run.message.nominal for run in runs)
        if twice := [nominal for nominal, times in nominals.items() if times > 1]:
            found.append(f"{name}: fired more than once: {twice}")
        if open_runs := [run.message.id for run in runs if run.state not in ENDED]:
            found.append(f"{name}: not ended: {open_runs}")
        if (beside := _most_at_once(runs, events)) > most:
            found.append(f"{name}: {beside} runs at once, {most} are allowed")
        found += _miscounted(snapshot[name], runs)
    return found


def _made(ground: Ground, name: str, entry: dict[str, object]) -> Schedule:
    wanted = replace(ground.app.schedule_entry(name, {"task": "linger", **entry}), owner="person")
    return policy.create(wanted, now=ground.app.engine.now())


def _miscounted(schedule: Schedule, runs: list[Run]) -> list[str]:
    assert schedule.backfill is not None or schedule.next_fire is not None
    if schedule.backfill is not None:
        sent = sorted(run.message.nominal or 0 for run in runs)
        return [] if sent == sorted(schedule.backfill.instants) else [f"{schedule.name}: sent {len(sent)} instants"]
    if schedule.align == "after_finish":
        return [f"{schedule.name}: missed {schedule.missed}"] if schedule.missed else []
    due = len(range(schedule.anchor + SECOND, schedule.next_fire or 0, SECOND))
    counted = schedule.total_runs + schedule.missed + schedule.skipped
    if due == counted:
        return []
    return [
        f"{schedule.name}: {due} were due, but {schedule.total_runs} fired, {schedule.missed} missed and "
        f"{schedule.skipped} skipped"
    ]


def _most_at_once(runs: list[Run], events: list[Event]) -> int:
    """Return how many of the runs were alive at a time: from the first start of each to the end that was recorded. What
    another, frozen process tells later of the same run does not count: its lease was lost."""
    steps: list[tuple[int, int]] = []
    for run in runs:
        fence = None if run.result is None else msgspec.json.decode(run.result)[0]
        mine = [event for event in events if event.id == run.message.id]
        starts = [event.at for event in mine if event.kind == "start"]
        recorded = [event.at for event in mine if event.kind == "end" and event.fence == fence]
        if starts and recorded:
            steps += [(min(starts), 1), (recorded[0], -1)]
    most = alive = 0
    for _, step in sorted(steps):
        alive += step
        most = max(most, alive)
    return most
