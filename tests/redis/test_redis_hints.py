"""Hints: who is woken, who is not, and what happens when the server closes the ear."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from redis_words import NOW, Open, claim, hire, message, put

from horarium.clock import ManualClock
from horarium.engines.redis import RedisEngine
from servers import RedisServer

LONG, SOON = 10.0, 0.2


def test_one_message_wakes_one_of_those_who_found_nothing(engine: RedisEngine, open_engine: Open) -> None:
    workers = [open_engine() for _ in range(3)]
    listeners = [worker.notifier.listen(["queue:default"]) for worker in workers]
    for number, worker in enumerate(workers):
        hire(worker, f"w{number}")
        assert not claim(worker, f"w{number}")
    put(engine, message())
    assert sum(listener.wait(SOON) for listener in listeners) == 1
    put(engine, message(), message(), message())
    assert sum(listener.wait(SOON) for listener in listeners) == 2  # the third has been woken, and has not looked yet


def test_only_those_who_know_the_task_are_woken(engine: RedisEngine, open_engine: Open) -> None:
    knows, does_not = open_engine(), open_engine()
    ears = [each.notifier.listen(["queue:default"]) for each in (knows, does_not)]
    for each, tasks in ((knows, {"t", "u"}), (does_not, {"v"})):
        hire(each)
        assert not claim(each, tasks=frozenset(tasks))
    put(engine, message())
    assert [ear.wait(SOON) for ear in ears] == [True, False]


def test_nobody_is_woken_for_what_comes_due_later(engine: RedisEngine, open_engine: Open) -> None:
    worker = open_engine()
    listener = worker.notifier.listen(["queue:default"])
    hire(worker)
    assert not claim(worker)
    put(engine, message(eta=NOW + 60_000))
    assert not listener.wait(SOON)


def test_an_ear_that_nobody_listens_at_is_passed_over(engine: RedisEngine, open_engine: Open) -> None:
    gone, here = open_engine(), open_engine()
    listeners = [each.notifier.listen(["queue:default"]) for each in (gone, here)]
    for owner, each in (("gone", gone), ("here", here)):
        hire(each, owner)
        assert not claim(each, owner)
    gone.close()
    put(engine, message())
    assert listeners[1].wait(LONG)


def test_a_closed_listener_does_not_stand_before_the_next_one(engine: RedisEngine) -> None:
    hire(engine)
    before = engine.notifier.listen(["queue:default"])
    assert not claim(engine)
    before.close()
    listener = engine.notifier.listen(["queue:default"])
    assert not claim(engine)
    put(engine, message())
    assert listener.wait(LONG)


def test_threads_that_come_to_listen_disturb_no_claim(engine: RedisEngine) -> None:
    listeners = [engine.notifier.listen(["results"]) for _ in range(50)]
    begin, interval = threading.Event(), sys.getswitchinterval()

    def come_and_go() -> None:
        begin.wait(LONG)
        for _ in range(200):
            listeners[:1] = [engine.notifier.listen(["results"])]

    thread = threading.Thread(target=come_and_go)
    thread.start()
    sys.setswitchinterval(1e-5)
    try:
        begin.set()
        while thread.is_alive():
            assert engine.notifier.ear(["default"]) == ""
    finally:
        sys.setswitchinterval(interval)
        thread.join(LONG)


def test_a_wake_that_comes_after_the_end_meets_no_stranger(engine: RedisEngine) -> None:
    listener = engine.notifier.listen(["queue:default"])
    listener.close()
    reader, writer = os.pipe()  # takes the first free numbers
    os.set_blocking(reader, False)
    listener.wake()
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    assert not listener.wait(0)
    os.close(reader)
    os.close(writer)


def test_a_listener_whose_connection_was_closed_listens_again(server: RedisServer, engine: RedisEngine) -> None:
    listener = engine.notifier.listen(["queue:default"])
    server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    assert listener.wait(LONG)  # what was told meanwhile is lost, so it looks
    engine.notifier.notify(["queue:default"])
    assert listener.wait(LONG)


def test_while_the_server_is_away_a_wait_is_a_wait_and_then_hints_come_again(
    server: RedisServer, engine: RedisEngine
) -> None:
    listener = engine.notifier.listen(["queue:default"])
    server.kill()
    began = time.monotonic()
    assert not listener.wait(SOON)
    assert time.monotonic() - began >= SOON * 0.9
    engine.notifier.notify(["queue:default"])  # a hint may be lost, but it raises nothing
    server.start()
    assert listener.wait(LONG)


def test_a_silent_server_is_asked_and_given_up_when_it_does_not_answer(server: RedisServer) -> None:
    clock = ManualClock()
    engine = RedisEngine(server.url, clock=clock)
    listener = engine.notifier.listen(["queue:default"])
    clock.advance(16.0)
    assert not listener.wait(0)  # asks
    while listener._asked_at > listener._heard_at:  # until the answer is there
        assert not listener.wait(0)
    clock.advance(16.0)
    server.freeze()
    assert not listener.wait(0)  # asks
    clock.advance(6.0)
    assert not listener.wait(0)  # gives up
    assert listener._connection is None
    server.thaw()
    clock.advance(30.0)
    assert listener.wait(0)  # is connected again, so it looks
    engine.close()


def test_a_forked_child_has_connections_of_its_own(engine: RedisEngine) -> None:
    put(engine, message(id="parent's"))
    listener = engine.notifier.listen(["queue:default"])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            listener.close()
            code = 0 if put(engine, message(id="child's")) == [True] else 2
            engine.close()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert put(engine, message(id="parent's"), message(id="child's")) == [False, False]
    engine.notifier.notify(["queue:default"])
    assert listener.wait(LONG)
