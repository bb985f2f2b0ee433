"""Signals: who hears what, and that nobody who listens can do harm."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Any

import pytest

from horarium import signals
from horarium.signals import Signal


class Named:
    """Stands for a task: something with a name."""

    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def signal() -> Signal:
    return Signal("bell", "loud")


def test_a_receiver_is_told_the_signal_the_sender_and_the_facts(signal: Signal) -> None:
    heard: list[dict[str, Any]] = []

    @signal.connect
    def receiver(**facts: Any) -> str:
        heard.append(facts)
        return "answer"

    assert signal.send("somebody", loud=True) == [(receiver, "answer")]
    assert heard == [{"signal": signal, "sender": "somebody", "loud": True}]


def test_a_receiver_hears_only_the_sender_that_it_asked_for(signal: Signal) -> None:
    heard: list[str] = []

    @signal.connect(sender="shop.tasks.add")
    def by_name(**facts: Any) -> None:
        heard.append("by name")

    task = Named("shop.tasks.add")

    def by_task(**facts: Any) -> None:
        heard.append("by task")

    signal.connect(by_task, sender=task)
    signal.send("shop.tasks.add")
    signal.send(task)
    signal.send("shop.tasks.other")
    signal.send(None)
    assert heard == ["by name", "by task"] * 2
    assert (signal.has_listeners(task), signal.has_listeners("shop.tasks.other")) == (True, False)


def test_what_a_receiver_raises_is_logged_and_answered_and_stops_nobody(
    signal: Signal, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**facts: Any) -> None:
        raise OSError("deaf")

    def whole(**facts: Any) -> int:
        return 1

    signal.connect(broken)
    signal.connect(whole)
    with caplog.at_level(logging.ERROR):
        (_, error), (_, answer) = signal.send(None)
    assert (type(error), answer) == (OSError, 1)
    assert "signal bell failed" in caplog.text


def test_a_receiver_that_nobody_else_holds_is_let_go_unless_it_is_held(signal: Signal) -> None:
    class Ear:
        def hear(self, **facts: Any) -> str:
            return "heard"

    ear = Ear()
    signal.connect(ear.hear)
    assert [answer for _, answer in signal.send(None)] == ["heard"]
    signal.connect(lambda **facts: "held", weak=False)
    del ear
    gc.collect()
    assert [answer for _, answer in signal.send(None)] == ["held"]
    assert len(signal.receivers) == 1


def test_connecting_twice_connects_once_and_so_does_one_dispatch_uid(signal: Signal) -> None:
    def one(**facts: Any) -> int:
        return 1

    def other(**facts: Any) -> int:
        return 2

    signal.connect(one)
    signal.connect(one)
    assert len(signal.send(None)) == 1
    signal.connect(one, dispatch_uid="only")
    signal.connect(other, dispatch_uid="only")
    assert [answer for _, answer in signal.send(None)] == [1, 1]
    assert signal.disconnect(dispatch_uid="only")
    assert signal.disconnect(one)
    assert not signal.disconnect(one)
    assert signal.receivers == []


def test_a_bound_method_can_be_disconnected(signal: Signal) -> None:
    class Ear:
        def hear(self, **facts: Any) -> None: ...

    ear = Ear()
    signal.connect(ear.hear)
    assert signal.disconnect(ear.hear)


def test_a_receiver_with_retry_is_called_until_it_does_not_raise(
    signal: Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "FIRST_RETRY", 0.001)
    calls: list[int] = []

    @signal.connect(retry=True)
    def stubborn(**facts: Any) -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("not yet")
        return "done"

    assert [answer for _, answer in signal.send(None)] == ["done"]
    assert len(calls) == 3
    assert signal.disconnect(stubborn)


@pytest.mark.parametrize(("receiver", "error"), [(7, TypeError), (lambda sender: None, ValueError)])
def test_what_cannot_be_a_receiver_is_refused(signal: Signal, receiver: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected a receiver"):
        signal.connect()(receiver)


def test_every_signal_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "signals.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    every = {each.name for each in vars(signals).values() if isinstance(each, Signal)}
    assert {name for row in rows for name in row.replace("`", "").replace(",", " ").split()} == every


def test_all_of_celerys_signals_are_there() -> None:
    names = (
        "before_task_publish after_task_publish task_received task_prerun task_postrun task_success task_retry "
        "task_failure task_internal_error task_revoked task_rejected task_unknown task_sent celeryd_init "
        "celeryd_after_setup import_modules worker_init worker_before_create_process worker_process_init "
        "worker_process_shutdown worker_ready worker_shutting_down worker_shutdown heartbeat_sent setup_logging "
        "after_setup_logger after_setup_task_logger beat_init beat_embedded_init eventlet_pool_started "
        "eventlet_pool_preshutdown eventlet_pool_postshutdown eventlet_pool_apply user_preload_options"
    ).split()
    assert [getattr(signals, name).name for name in names] == names
