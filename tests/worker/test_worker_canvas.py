"""Canvases on real workers with a SQLite store: what they come to, and that a killed process changes nothing of it.
Points 1, 5, 7, 8, 10, 11, 12, 16 and 17 of what is easy to get wrong."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from yard import Yard, wait_for

from horarium import chain, chord, group
from horarium.app.current import chosen
from horarium.engines.records import Page, RunFilter
from horarium.errors import TaskRevokedError

PATIENCE = 30.0
MEMBERS = 60
KILLS = 8


def call(yard: Yard, task: str, *args: Any) -> Any:
    return yard.app.signature(task, args)


def test_point_07_nested_canvases_come_to_what_they_should(yard: Yard) -> None:
    yard.start()
    with chosen(yard.app):
        inner = chord([call(yard, "add", n) for n in range(3)], call(yard, "total"))
        work = call(yard, "add", 1, 1) | group(
            inner, call(yard, "add", 10), call(yard, "add", 1) | call(yard, "add", 1)
        )
        result = (work | call(yard, "total") | call(yard, "add", 100)).apply_async()
        assert result.get(timeout=PATIENCE) == 100 + (2 + 3 + 4) + 12 + 4


def test_point_12_a_header_of_five_hundred_and_one_that_is_streamed(yard: Yard) -> None:
    yard.start()
    with chosen(yard.app):
        listed = chord([call(yard, "add", n, 0) for n in range(500)], call(yard, "total")).apply_async()
        streamed = chord((call(yard, "add", n, 0) for n in range(500)), call(yard, "total")).apply_async()
        assert listed.get(timeout=PATIENCE) == streamed.get(timeout=PATIENCE) == sum(range(500))
        assert streamed.parent.get(timeout=PATIENCE) == list(range(500))
    first, second = yard.saw("total")
    assert first[1:-1] == second[1:-1] == [str(n) for n in range(500)]


def test_point_10_and_11_replacing_and_adding(yard: Yard) -> None:
    yard.start()
    with chosen(yard.app):
        swapped = call(yard, "swap", call(yard, "swap", call(yard, "add", 1, 2) | call(yard, "add", 3)))
        result = chord([swapped, call(yard, "adds", 10)], call(yard, "total")).apply_async()
        assert result.get(timeout=PATIENCE) == 6 + 10 + 110


@pytest.mark.parametrize("errback", ["on_failed_id", "on_failed_call"])
def test_point_01_errbacks_that_only_the_worker_knows_are_called_in_their_style(yard: Yard, errback: str) -> None:
    yard.start()
    with chosen(yard.app):
        result = chord([call(yard, "add", 1, 1), call(yard, "fail")], call(yard, "total").on_error(call(yard, errback)))
        sent = result.apply_async()
        with pytest.raises(ValueError, match="no such errand"):
            sent.get(timeout=PATIENCE)
        [line] = yard.sees("failed", sent.id)
    assert line[2:-1] == ([] if errback == "on_failed_id" else ["ChordError", "True"])


def test_point_16_revoking_a_step_that_waits_ends_the_rest(yard: Yard) -> None:
    yard.start()
    with chosen(yard.app):
        result = (call(yard, "nap", "a", 1.0) | call(yard, "mark") | call(yard, "mark")).apply_async()
        yard.sees("start", "a")
        result.parent.revoke()
        with pytest.raises(TaskRevokedError):
            result.get(timeout=PATIENCE)
    assert yard.saw("mark") == []


def test_point_17_without_results_a_chord_still_comes_to_its_body(tmp_path: Any) -> None:
    yard = Yard(tmp_path, results="disabled://")
    try:
        yard.start()
        with chosen(yard.app):
            chord([call(yard, "add", n, 0) for n in range(5)], call(yard, "total")).apply_async()
        yard.sees("total", 0, 1, 2, 3, 4)
    finally:
        yard.close()


def test_a_member_that_may_run_once_only_and_dies_fails_the_chord(yard: Yard) -> None:
    worker = yard.start()
    with chosen(yard.app):
        result = chord(
            [call(yard, "add", 1, 1), call(yard, "once_only", "x").set(acks_late=False)], call(yard, "total")
        ).apply_async()
        [line] = yard.sees("start", "x")
        os.kill(int(line[-1]), signal.SIGKILL)
        value = result.get(timeout=PATIENCE, propagate=False)
    assert type(value).__name__ in ("WorkerLostError", "ChordError"), worker.text
    assert yard.saw("total") == []


def test_children_that_are_killed_change_nothing_of_what_a_workflow_comes_to(yard: Yard) -> None:
    worker = yard.start(concurrency=3)
    chance = Random(7)
    with chosen(yard.app):
        header = [
            call(yard, "nap", str(n), 0.05).set(link=call(yard, "mark", f"link-{n}").set(immutable=True))
            for n in range(MEMBERS)
        ]
        work = chord(header, call(yard, "gather")) | group(call(yard, "add", "a"), call(yard, "add", "b"))
        result = work.apply_async()
        for _ in range(KILLS):
            yard.sees("start", times=1)
            children = wait_for(worker.children, "there are children")
            try:
                os.kill(chance.choice(children), signal.SIGKILL)
            except ProcessLookupError:
                continue
            time.sleep(chance.uniform(0.05, 0.3))  # so that kills meet the work at various places
        words = " ".join(str(n) for n in range(MEMBERS))
        assert result.get(timeout=90) == [f"{words}a", f"{words}b"]
        yard.ends(*(run.id for run in runs_of(yard)))
    created = Counter(run.message.task for run in runs_of(yard))
    assert created == {"nap": MEMBERS, "mark": MEMBERS, "gather": 1, "add": 2}
    assert Counter(run.state for run in runs_of(yard)) == {"SUCCESS": 2 * MEMBERS + 3}
    assert any(len(run.attempts) > 1 for run in runs_of(yard)), "not exercised"


def test_a_chain_of_three_hundred_goes_through(yard: Yard) -> None:
    yard.start()
    with chosen(yard.app):
        result = chain([call(yard, "add", 0, 0), *[call(yard, "add", 1) for _ in range(299)]]).apply_async()
        assert result.get(timeout=PATIENCE) == 299


def runs_of(yard: Yard) -> Any:
    return yard.app.engine.results.search(RunFilter(), Page(limit=500)).runs
