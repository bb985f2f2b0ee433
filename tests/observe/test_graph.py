"""Workflows as graphs: what leads to what, and large groups as one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from horarium import Horarium, chain, chord
from horarium.observe.graph import DRAWN_APART, Graph, graph_of
from horarium.observe.tree import workflow_under


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("shop", store="memory://", set_as_current=False) as made:

        @made.task(name="fetch")
        def fetch(n: int) -> int:
            return n

        @made.task(name="total")
        def total(numbers: list[int]) -> int:
            return sum(numbers)

        yield made


def drawn(app: Horarium) -> Graph:
    [root] = {run.message.root or run.id for run in app.engine.results.search(*everything()).runs}
    workflow = workflow_under(app.engine, root)
    assert workflow is not None
    return graph_of(workflow)


def everything() -> tuple[object, object]:
    from horarium.engines.records import Page, RunFilter

    return RunFilter(), Page(limit=500)


def test_the_steps_of_a_chain_follow_one_another(app: Horarium) -> None:
    fetch = app.tasks["fetch"]
    chain(fetch.s(1), fetch.s(), fetch.s(), app=app).delay()
    graph = drawn(app)
    assert [node.task for node in graph.nodes] == ["fetch"] * 3
    names = [node.name for node in graph.nodes]
    assert [(edge.start, edge.end, edge.kind) for edge in graph.edges] == [
        (names[0], names[1], "then"),
        (names[1], names[2], "then"),
    ]


def test_all_members_of_a_chord_lead_to_its_body(app: Horarium) -> None:
    fetch, total = app.tasks["fetch"], app.tasks["total"]
    chord([fetch.s(n) for n in range(DRAWN_APART)], app=app)(total.s())
    graph = drawn(app)
    [body] = [node for node in graph.nodes if node.task == "total"]
    assert len(graph.nodes) == DRAWN_APART + 1
    assert {edge.end for edge in graph.edges} == {body.name}
    assert len(graph.edges) == DRAWN_APART


def test_a_large_group_is_one_node_that_counts_its_states(app: Horarium) -> None:
    fetch, total = app.tasks["fetch"], app.tasks["total"]
    chord([fetch.s(n) for n in range(DRAWN_APART + 1)], app=app)(total.s())
    crowd, body = drawn(app).nodes
    assert crowd.task == f"fetch × {DRAWN_APART + 1}"
    assert crowd.counts == {"PENDING": DRAWN_APART + 1}
    assert body.task == "total"
