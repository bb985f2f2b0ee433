"""A worker that hosts a scheduler ends both in good order, whatever it ends of; any number of them may."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from firings import SECOND, complaints
from ground import Ground, wait_for


def test_a_worker_whose_zygote_was_killed_lets_its_scheduler_sign_off(ground: Ground) -> None:
    worker = ground.worker("-B", "--loglevel", "INFO")
    worker.says("ready")
    worker.says("beat: Starting")
    zygote = worker.zygote()
    assert zygote is not None
    os.kill(zygote, signal.SIGKILL)
    assert worker.ends() == 70
    assert "beat: Stopped." in worker.text
    assert [record.member.name for record in ground.app.engine.inspector.workers(now=0) if record.alive] == []


@pytest.mark.timeout(120)
def test_s8_two_workers_that_each_host_a_scheduler_fire_each_instant_once(ground: Ground) -> None:
    """Row 9."""
    ground.environment["CRASH_SCHEDULES"] = "tick"
    workers = [ground.worker("-n", name, "-B") for name in ("one", "two")]
    wait_for(lambda: ground.app.engine.schedules.get(["tick"])[0], "the schedule is stored")
    [schedule] = ground.app.engine.schedules.get(["tick"])
    assert schedule is not None
    until = schedule.anchor + 15 * SECOND

    def has_come_so_far() -> bool:
        [now] = ground.app.engine.schedules.get(["tick"])
        return now is not None and (now.next_fire or 0) > until

    wait_for(has_come_so_far, "a quarter of a minute of firings", 60)
    for worker in workers:
        worker.signal(signal.SIGTERM)
        assert worker.ends() == 0
    [schedule] = ground.app.engine.schedules.get(["tick"])
    assert schedule is not None
    runs = ground.schedule_runs("tick")
    assert complaints(schedule, runs, []) == []
    assert set(Counter(run.message.nominal for run in runs).values()) == {1}
    assert sum(worker.text.count("Sending due task tick") for worker in workers) == len(runs) >= 10
