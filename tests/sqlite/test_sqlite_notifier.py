"""Hints between processes: quick, cheap, and no harm done when one is lost."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_words import put_one

from horarium.engines.sqlite import SqliteEngine, notifier
from horarium.engines.sqlite.opening import wake_directory

LONG = 20.0


def fifos(engine: SqliteEngine, topic: str) -> list[str]:
    directory = wake_directory(engine._path) / notifier.slug(topic)
    return sorted(each.name for each in directory.iterdir()) if directory.exists() else []


def test_a_hint_from_another_process_ends_a_wait(
    path: Path, engine: SqliteEngine, script: Callable[..., subprocess.Popen[str]]
) -> None:
    listener = engine.notifier.listen(["queue:default", "control"])
    other = script("SqliteEngine(sys.argv[1]).notifier.notify(['queue:default'])", path)
    assert listener.wait(LONG)
    assert other.wait(LONG) == 0
    listener.close()


def test_a_hint_reaches_every_process(
    path: Path, engine: SqliteEngine, script: Callable[..., subprocess.Popen[str]]
) -> None:
    text = """
listener = SqliteEngine(sys.argv[1]).notifier.listen(["results"])
print("ready", flush=True)
print(listener.wait(20.0), flush=True)
listener.close()
"""
    others = [script(text, path) for _ in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    engine.notifier.notify(["results"])
    assert [other.communicate(timeout=LONG)[0] for other in others] == ["True\n"] * 3


def test_a_hint_is_quick(engine: SqliteEngine) -> None:
    """The median of many, for the machine may be busy; the look at the WAL would take half a second."""
    ping, pong = engine.notifier.listen(["ping"]), engine.notifier.listen(["pong"])
    rounds = 30

    def answer() -> None:
        for _ in range(rounds):
            ping.wait(LONG)
            engine.notifier.notify(["pong"])

    thread = threading.Thread(target=answer)
    thread.start()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        engine.notifier.notify(["ping"])
        assert pong.wait(LONG)
        taken.append(time.perf_counter() - begun)
    thread.join()
    assert sorted(taken)[rounds // 2] < 0.05
    ping.close()
    pong.close()


def test_a_lost_hint_costs_at_most_the_time_between_two_looks(engine: SqliteEngine) -> None:
    put_one(engine)
    listener = engine.notifier.listen(["queue:default"])
    sender = threading.Timer(0.2, put_one, [SqliteEngine(engine._path)])
    sender.start()
    assert listener.wait(LONG)
    sender.join()
    listener.close()


def test_a_wait_uses_next_to_no_cpu(engine: SqliteEngine) -> None:
    put_one(engine)
    listener = engine.notifier.listen(["queue:default"])
    listener.wait(0.6)
    before = time.thread_time()
    listener.wait(2.0)
    assert time.thread_time() - before < 0.002 * 2.0
    listener.close()


def test_a_fifo_that_nobody_reads_is_removed_by_who_notifies(
    path: Path, engine: SqliteEngine, script: Callable[..., subprocess.Popen[str]]
) -> None:
    text = """
import signal
listener = SqliteEngine(sys.argv[1]).notifier.listen(["queue:default"])
print("ready", flush=True)
signal.pause()
"""
    for notice in (
        lambda: engine.notifier.notify(["queue:default"]),
        lambda: engine.notifier.listen(["queue:default"]),
    ):
        other = script(text, path)
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        stale = fifos(engine, "queue:default")
        other.kill()
        other.wait()
        notice()
        assert not set(stale) & set(fifos(engine, "queue:default"))


def test_a_closed_listener_leaves_no_fifo(engine: SqliteEngine) -> None:
    listener = engine.notifier.listen(["queue:default", "control"])
    assert len(fifos(engine, "control")) == 1
    listener.close()
    assert fifos(engine, "control") == fifos(engine, "queue:default") == []


def test_closing_the_engine_closes_its_listeners(engine: SqliteEngine) -> None:
    listener = engine.notifier.listen(["control"])
    engine.close()
    assert fifos(engine, "control") == []
    assert not listener.wait(0.01)


def test_a_forked_child_does_not_remove_the_fifo_of_its_parent(engine: SqliteEngine) -> None:
    listener = engine.notifier.listen(["control"])
    pid = os.fork()
    if pid == 0:
        listener.close()
        os._exit(0)
    os.waitpid(pid, 0)
    engine.notifier.notify(["control"])
    assert listener.wait(LONG)
    listener.close()


@pytest.mark.parametrize("stop", ["mkfifo", "link"])
def test_where_fifos_cannot_be_made_the_wal_is_looked_at(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    put_one(engine)
    monkeypatch.setattr(os, stop, refuse)
    listener = engine.notifier.listen(["queue:default"])
    assert not listener.wait(0.05)
    sender = threading.Timer(0.1, put_one, [SqliteEngine(engine._path)])
    sender.start()
    begun = time.perf_counter()
    assert listener.wait(LONG)
    assert time.perf_counter() - begun < LONG / 2
    sender.join()
    listener.wake()
    assert listener.wait(LONG)
    descriptor = listener.fileno()
    assert descriptor is not None
    assert select.select([descriptor], [], [], 0)[0] == []
    listener.close()


def test_notify_never_raises(engine: SqliteEngine, tmp_path: Path) -> None:
    nowhere = SqliteEngine(tmp_path / "nowhere" / "store.db")
    nowhere.notifier.notify(["queue:default"])
    listener = nowhere.notifier.listen(["queue:default"])
    assert not listener.wait(0.01)
    listener.close()
    directory = wake_directory(engine._path) / notifier.slug("control")
    directory.mkdir(parents=True)
    (directory / "not-a-fifo").mkdir()
    engine.notifier.notify(["control"])


def test_a_flood_of_hints_fills_nothing(engine: SqliteEngine) -> None:
    listener = engine.notifier.listen(["control"])
    for _ in range(70_000):  # a pipe holds 65,536 bytes
        listener.wake()
    engine.notifier.notify(["control"])
    assert listener.wait(0)
    assert not listener.wait(0)
    listener.close()


def test_any_topic_has_a_file_name() -> None:
    names = {
        notifier.slug(topic) for topic in ("queue:a", "queue:../a", "queue:A", "queue:ä", "q" * 300, "q" * 301, "")
    }
    assert len(names) == 7
    assert not any("/" in name or name.startswith(".") or len(name) > 200 for name in names)
