"""What real workers start, how fast, and how much of it at once; and that a switch reaches them while they run."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest
from yard import Yard, wait_for

from horarium.app.switches import Switches
from horarium.outcome import State
from servers import PostgresServer, RedisServer

RATE, BURST = 20, 2
WINDOW = 1.0


SERVERS = {"sqlite": nullcontext, "redis": RedisServer, "postgres": PostgresServer}


@pytest.fixture(params=sorted(SERVERS))
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    with SERVERS[request.param]() as server:
        yard = Yard(tmp_path, store=None if server is None else server.url)
        yield yard
        yard.close()


def send(yard: Yard, task: str, number: int, prefix: str = "w", **options: object) -> list[str]:
    """Send so many calls of a task in one step."""
    calls = [(task, (f"{prefix}{word}",), {}, options) for word in range(number)]
    return [result.id for result in yard.app.send_many(calls)]


def most_in_window(starts: list[float], window: float) -> int:
    """Return how many starts fall into one window at the most."""
    return max(sum(start <= other < start + window for other in starts) for start in starts)


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """Return how many spans overlap at the most."""
    steps = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    running = most = 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most


def test_three_workers_together_start_no_more_than_the_rate_row_54(yard: Yard) -> None:
    ids = send(yard, "paced", 70)
    for _ in range(3):
        yard.start(concurrency=2)
    yard.ends(*ids)
    starts = sorted(float(line[1]) for line in yard.saw("paced"))
    assert len(starts) == 70
    # A start is a few milliseconds after its claim, so a window may hold what was claimed a little before it.
    assert most_in_window(starts, WINDOW) <= RATE * WINDOW + BURST + 3
    assert starts[-1] - starts[0] <= 70 / RATE * 1.6  # and they are not much slower than it
    assert len({line[-1] for line in yard.saw("paced")}) > 1  # more than one child took part


def test_no_more_of_a_task_run_at_once_than_its_concurrency(yard: Yard) -> None:
    for _ in range(3):
        yard.start(concurrency=2)
    ids = send(yard, "narrow", 30)
    yard.ends(*ids)
    spans = [(float(line[1]), float(line[2])) for line in yard.saw("narrow")]
    assert most_at_once(spans) == 2


def test_a_paused_task_waits_while_others_run_and_goes_on_when_it_is_resumed(yard: Yard) -> None:
    switches = Switches(yard.app.connection)
    worker = yard.start(concurrency=1)
    switches.pause_task("mark", reason="the provider is down", by="ana")
    # A switch is seen within about a second; from then on nothing of it starts.
    seen = wait_for(lambda: unstarted(yard), "a call that is not started")
    yard.ends(yard.send("add", 1, 2))
    (run,) = yard.app.engine.results.read([seen])
    assert run is not None
    assert run.state == State.PENDING
    switches.resume_task("mark")
    assert yard.ends(seen)[0].state == State.SUCCESS
    assert worker.process.poll() is None


def unstarted(yard: Yard) -> str | None:
    """Send a call of ``mark``, then one of another task; return the id of the first if the second overtakes it."""
    id = yard.send("mark", "x")
    yard.ends(yard.send("add", 1, 2))
    (run,) = yard.app.engine.results.read([id])
    return id if run is not None and run.state == State.PENDING else None


def test_a_worker_that_starts_later_honours_the_switches_from_its_first_claim(yard: Yard) -> None:
    switches = Switches(yard.app.connection)
    switches.pause_queue("default", reason="audit")
    id = yard.send("mark", "x")
    yard.start(concurrency=1, queues=("default", "other"))
    yard.ends(yard.send("add", 1, 2, queue="other"))
    assert yard.run(id).state == State.PENDING
    switches.resume_queue("default")
    assert yard.ends(id)[0].state == State.SUCCESS


@pytest.mark.parametrize("pool", ["thread", "async"])
def test_other_pools_honour_switches_too(yard: Yard, pool: str) -> None:
    switches = Switches(yard.app.connection)
    switches.pause_task("mark*")
    id = yard.send("mark", "x")
    yard.start(pool=pool, concurrency=4)
    yard.ends(yard.send("add", 1, 2))
    assert yard.run(id).state == State.PENDING
    switches.resume_task("mark*")
    assert yard.ends(id)[0].state == State.SUCCESS


def test_a_rate_is_lifted_by_a_switch(yard: Yard) -> None:
    Switches(yard.app.connection).set_rate("paced", 0)
    ids = send(yard, "paced", 60)
    yard.start(concurrency=2)
    yard.ends(*ids)
    starts = [float(line[1]) for line in yard.saw("paced")]
    assert most_in_window(starts, WINDOW) > RATE * WINDOW + BURST + 3


def test_no_more_of_a_key_run_at_once_and_keys_do_not_hold_one_another_up(yard: Yard) -> None:
    for _ in range(3):
        yard.start(concurrency=2)
    yard.app.task(name="keyed", concurrency=1, concurrency_key="customer:{customer_id}")(lambda customer_id, word: None)
    calls = [("keyed", (number % 3, f"w{number}")) for number in range(30)]
    ids = [result.id for result in yard.app.send_many(calls)]
    yard.ends(*ids)
    spans = [(float(line[1]), float(line[2]), line[3]) for line in yard.saw("keyed")]
    assert len(spans) == 30
    for customer in "012":
        assert most_at_once([(began, ended) for began, ended, whose in spans if whose == customer]) == 1
    assert most_at_once([(began, ended) for began, ended, _ in spans]) > 1


def test_weights_share_the_starts_of_a_worker(yard: Yard) -> None:
    for queue in ("low", "high"):
        send(yard, "paced", 900, prefix=queue, queue=queue)
    Switches(yard.app.connection).set_rate("paced", 0)
    yard.start(concurrency=1, queues=("high", "low"), weights={"high": 5, "low": 1})
    yard.sees("paced", times=1800)
    starts = yard.saw("paced")
    shares = Counter(line[2][0] for line in starts[:900])
    assert 4 <= shares["h"] / shares["l"] <= 6


def test_in_strict_order_a_queue_waits_for_those_before_it(yard: Yard) -> None:
    ids = send(yard, "mark", 40, queue="low") + send(yard, "mark", 40, queue="high")
    yard.start(concurrency=1, queues=("high", "low"), queue_order="strict")
    runs = sorted(yard.ends(*ids), key=lambda run: run.started or 0)
    assert [run.message.queue for run in runs] == ["high"] * 40 + ["low"] * 40


def test_a_child_that_waits_for_a_rate_uses_next_to_no_processor_time(yard: Yard) -> None:
    """Two starts a second are allowed and hundreds wait; the children sleep in between."""
    Switches(yard.app.connection).set_rate("paced", "2/s")
    send(yard, "paced", 300)
    worker = yard.start(concurrency=2)
    yard.sees("paced", times=2)
    children = [psutil.Process(pid) for pid in worker.children()]
    before = sum(sum(child.cpu_times()[:2]) for child in children)
    began = time.monotonic()
    yard.sees("paced", times=8)
    used = sum(sum(child.cpu_times()[:2]) for child in children) - before
    assert used / (time.monotonic() - began) < 0.1  # spinning would be 2
