"""A worker that hosts a scheduler ends both in good order, whatever it ends of."""

from __future__ import annotations

import os
import signal

from ground import Ground


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
