"""A workflow as people see it, arranged from its runs: what follows what, and what stands side by side."""

from __future__ import annotations

import random
from typing import Any

import pytest

from horarium import chain, chord, group
from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.observe.tree import Crowd, Line, Step, arranged, workflow_of
from horarium.testing import drain


@pytest.fixture
def app() -> Any:
    clock = ManualClock()
    with Horarium("shop", engine=MemoryEngine(clock=clock), clock=clock, set_as_current=False) as app:
        for name in "abcdef":

            @app.task(name=name)
            def task(*args: Any) -> None: ...

        @app.task(name="sends")
        def sends(*args: Any) -> None:
            (call(app, "e") | call(app, "f")).apply_async()

        yield app


def call(app: Horarium, name: str, *args: Any) -> Any:
    return app.tasks[name].s(*args)


def shape(line: Line) -> list[Any]:
    """Return a line as task names: a group as a list of lines, what was sent as a pair."""
    return [
        [shape(member) for member in element.members]
        if isinstance(element, Crowd)
        else (element.run.message.task, *(shape(sent) for sent in element.sent))
        if element.sent
        else element.run.message.task
        for element in line
    ]


def lines_of(app: Horarium, canvas: Any) -> list[Any]:
    result = canvas.apply_async()
    run = (result[0] if hasattr(result, "results") else result).run
    workflow = workflow_of(app.engine, run)
    shuffled = list(workflow.runs)
    random.Random(1).shuffle(shuffled)
    assert [shape(line) for line in arranged(shuffled)] == [shape(line) for line in workflow.lines]
    return [shape(line) for line in workflow.lines]


def test_a_chain_is_one_line(app: Horarium) -> None:
    assert lines_of(app, chain(call(app, "a"), call(app, "b"), call(app, "c"))) == [["a", "b", "c"]]


def test_a_chord_is_what_stands_side_by_side_and_then_its_body(app: Horarium) -> None:
    assert lines_of(app, chord([call(app, "a"), call(app, "b")], call(app, "c"))) == [[[["a"], ["b"]], "c"]]


def test_a_group_at_the_end_stands_after_what_leads_to_it(app: Horarium) -> None:
    assert lines_of(app, call(app, "a") | group(call(app, "b"), call(app, "c"))) == [["a", [["b"], ["c"]]]]


def test_groups_in_groups_are_found_where_they_are(app: Horarium) -> None:
    inner = chord([call(app, "b"), call(app, "c")], call(app, "d"))
    work = call(app, "a") | group(inner, call(app, "e") | call(app, "e"), call(app, "f")) | call(app, "f")
    assert lines_of(app, work) == [["a", [[[["b"], ["c"]], "d"], ["e", "e"], ["f"]], "f"]]


def test_what_a_task_has_sent_and_its_links_stand_below_it(app: Horarium) -> None:
    work = call(app, "a").set(link=call(app, "b") | call(app, "c")) | call(app, "sends")
    result = work.apply_async()
    drain(app)
    [line] = workflow_of(app.engine, result.run).lines
    assert shape(line) == [("a", ["b", "c"]), ("sends", ["e", "f"])]


def test_a_chain_of_a_thousand_is_one_line(app: Horarium) -> None:
    [line] = lines_of(app, chain([call(app, "a") for _ in range(1000)]))
    assert line == ["a"] * 1000


def test_it_tells_what_a_step_still_waits_for(app: Horarium) -> None:
    result = chord([call(app, "a"), call(app, "b").set(countdown=60)], call(app, "c")).apply_async()
    drain(app)
    [line] = workflow_of(app.engine, result.run).lines
    body = line[-1]
    assert isinstance(body, Step)
    assert body.waits_for == (result.parent[1].id,)
