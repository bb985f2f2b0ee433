"""Sending from many threads: what they send while one talks to the store goes there together."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from horarium import Horarium
from horarium.app import outbox
from horarium.engines.memory import MemoryEngine
from horarium.engines.memory.queue import MemoryQueue
from horarium.errors import EngineUnavailable, StoreUnusable
from horarium.message import Message

PATIENCE = 20.0


class Gate(MemoryQueue):
    """A queue whose puts can be held up and refused, and which remembers what came together."""

    def __init__(self, queue: MemoryQueue) -> None:
        super().__init__(queue._store)
        self.puts: list[list[str]] = []
        self.arrived = threading.Semaphore(0)
        self.opened = threading.Event()
        self.opened.set()
        self.refuse: Callable[[Sequence[Message]], BaseException | None] = lambda messages: None

    def put(self, messages: Sequence[Message], **rest: Any) -> list[bool]:  # Any: as in Queue.put
        self.puts.append([message.id for message in messages])
        self.arrived.release()
        assert self.opened.wait(PATIENCE)
        if (error := self.refuse(messages)) is not None:
            raise error
        return super().put(messages, **rest)


class Crowd:
    """An app on a gated store, and threads that send one message each."""

    def __init__(self) -> None:
        engine = MemoryEngine()
        self.gate = engine.queue = Gate(engine.queue)
        self.app = Horarium("crowd", engine=engine, set_as_current=False)
        self.threads: list[threading.Thread] = []
        self.errors: dict[str, BaseException] = {}

        @self.app.task(name="t")
        def t() -> None: ...

    def send(self, id: str, **options: Any) -> None:
        """Send in a thread of its own."""

        def run() -> None:
            try:
                self.app.tasks["t"].apply_async(task_id=id, **options)
            except BaseException as error:
                self.errors[id] = error

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()

    def hold(self, first: str, *others: str, **options: Any) -> None:
        """Let the first one's put be under way, and all others wait for its end."""
        self.gate.opened.clear()
        self.send(first, **options)
        assert self.gate.arrived.acquire(timeout=PATIENCE)
        self.gather(*others, **options)

    def gather(self, *ids: str, **options: Any) -> None:
        waiting = self.app.producer._outbox._waiting
        for id in ids:
            before = len(waiting)
            self.send(id, **options)
            while len(waiting) == before:  # ends with the fact; the test's own time limit bounds it
                os.sched_yield()

    def open(self) -> None:
        self.gate.opened.set()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def stored(self, *ids: str) -> list[bool]:
        return [run is not None for run in self.app.engine.results.read(ids)]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.open()


def test_a_lone_caller_sends_at_once(crowd: Crowd) -> None:
    crowd.app.tasks["t"].apply_async(task_id="a")
    crowd.app.tasks["t"].apply_async(task_id="b")
    assert crowd.gate.puts == [["a"], ["b"]]


def test_what_comes_while_a_put_is_under_way_goes_together_in_the_next(crowd: Crowd) -> None:
    crowd.hold("a", "b", "c", "d")
    crowd.open()
    assert crowd.gate.puts == [["a"], ["b", "c", "d"]]
    assert crowd.stored("a", "b", "c", "d") == [True] * 4
    assert crowd.errors == {}


def test_one_call_takes_only_so_much_along(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MOST_MESSAGES", 2)
    crowd.hold("a", "b", "c", "d")
    crowd.open()
    assert crowd.gate.puts == [["a"], ["b", "c"], ["d"]]


def test_an_error_of_the_store_reaches_every_caller_whose_message_was_in_the_call(crowd: Crowd) -> None:
    crowd.hold("a", "b", "c", retry=False)
    crowd.gate.refuse = lambda messages: EngineUnavailable("gone") if len(messages) == 2 else None
    crowd.open()
    assert {id: str(error) for id, error in crowd.errors.items()} == {"b": "gone", "c": "gone"}
    assert crowd.errors["b"] is not crowd.errors["c"]
    assert crowd.stored("a", "b", "c") == [True, False, False]


def test_each_caller_tries_again_within_its_own_deadline(crowd: Crowd) -> None:
    crowd.hold("a", "b")
    crowd.gather("once", retry=False)
    failures = iter([EngineUnavailable("gone")])
    crowd.gate.refuse = lambda messages: next(failures, None) if len(messages) == 2 else None
    crowd.open()
    assert list(crowd.errors) == ["once"]
    assert crowd.stored("a", "b", "once") == [True, True, False]


def test_a_message_that_the_store_refuses_fails_no_other(crowd: Crowd) -> None:
    crowd.hold("a", "b", "bad", "c")
    bad = StoreUnusable("not this one")
    crowd.gate.refuse = lambda messages: bad if any(message.id == "bad" for message in messages) else None
    crowd.open()
    assert crowd.errors == {"bad": bad}
    assert crowd.stored("a", "b", "bad", "c") == [True, True, False, True]


def test_a_call_that_is_wrong_fails_before_it_meets_others(crowd: Crowd) -> None:
    crowd.hold("a")
    crowd.send("bad", queue="")
    crowd.gather("b")
    crowd.open()
    assert type(crowd.errors["bad"]).__name__ == "InvalidArguments"
    assert crowd.gate.puts == [["a"], ["b"]]


def test_a_leader_that_is_interrupted_leaves_the_others_to_be_sent(crowd: Crowd) -> None:
    crowd.hold("a", "b", "c")
    failures = iter([KeyboardInterrupt()])
    crowd.gate.refuse = lambda messages: next(failures, None) if len(messages) == 2 else None
    crowd.open()
    assert {id: type(error) for id, error in crowd.errors.items()} == {"b": KeyboardInterrupt}
    assert crowd.gate.puts == [["a"], ["b", "c"], ["c"]]
    assert crowd.stored("c") == [True]


def test_nobody_waits_long_for_a_leader_that_is_stuck(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "LONGEST_WAIT", 0.01)
    crowd.hold("stuck")
    crowd.send("b")
    assert crowd.gate.arrived.acquire(timeout=PATIENCE)  # although the first has not come back
    crowd.open()
    assert crowd.stored("stuck", "b") == [True, True]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the threads of the parent are the point
def test_a_child_of_a_fork_does_not_wait_for_a_thread_that_it_does_not_have(crowd: Crowd) -> None:
    crowd.hold("a", "b")
    pid = os.fork()
    if pid == 0:
        try:
            crowd.gate.opened = threading.Event()
            crowd.gate.opened.set()
            crowd.app.tasks["t"].apply_async(task_id="child")
            os._exit(0 if crowd.gate.puts[-1] == ["child"] else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_many_threads_lose_nothing_and_send_nothing_twice() -> None:
    crowd = Crowd()
    barrier = threading.Barrier(8)
    task = crowd.app.tasks["t"]
    task.bind = False

    def send(number: int) -> None:
        barrier.wait(PATIENCE)
        for each in range(200):
            task.apply_async(task_id=f"{number}-{each}")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    sent = [id for put in crowd.gate.puts for id in put]
    assert len(sent) == len(set(sent)) == 1600
    assert crowd.app.engine.inspector.counts().states == {"PENDING": 1600}
