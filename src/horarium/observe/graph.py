"""A workflow as a graph to be drawn: what leads to what, with large groups as one node each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from horarium.clock import Seconds
from horarium.observe.tree import Crowd, Line, Step, Workflow
from horarium.outcome import Run

DRAWN_APART = 12  # members of a group; more are drawn as one node

NodeName = str


class Node(Struct, frozen=True, kw_only=True):
    """One run, or a group that is drawn as one. ``counts`` is of the states of such a group's members."""

    name: NodeName
    task: str
    state: str  # of a group: of the one that needs attention first
    id: str | None = None  # of the run
    took: Seconds | None = None
    counts: dict[str, int] = {}


class Edge(Struct, frozen=True, kw_only=True):
    """``kind``: "then" leads to what follows, "sent" to what a task has sent itself."""

    start: NodeName
    end: NodeName
    kind: str = "then"


class Graph(Struct, frozen=True, kw_only=True):
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


ATTENTION = ("FAILURE", "DEAD", "REVOKED", "EXPIRED", "REJECTED", "STARTED", "RECEIVED", "RETRY", "PENDING", "SUCCESS")


def graph_of(workflow: Workflow) -> Graph:
    """Return the graph of a workflow."""
    drawing = _Drawing()
    for line in workflow.lines:
        drawing.add(line, (), "then")
    return Graph(nodes=tuple(drawing.nodes), edges=tuple(drawing.edges))


def runs_of(line: Line) -> Iterator[Run]:
    """Yield all runs of a line, those that its runs have sent too."""
    for element in line:
        if isinstance(element, Step):
            yield element.run
            for sent in element.sent:
                yield from runs_of(sent)
        else:
            for member in element.members:
                yield from runs_of(member)


class _Drawing:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []

    def add(self, line: Line, before: Sequence[NodeName], kind: str) -> Sequence[NodeName]:
        """Draw a line behind what leads to it; return the nodes that it ends with."""
        for element in line:
            before = (
                self._crowd(element, before, kind) if isinstance(element, Crowd) else self._step(element, before, kind)
            )
            kind = "then"
        return before

    def _step(self, step: Step, before: Sequence[NodeName], kind: str) -> Sequence[NodeName]:
        run = step.run
        self._node(Node(name=run.id, task=run.message.task, state=run.state, id=run.id, took=run.took), before, kind)
        for sent in step.sent:
            self.add(sent, (run.id,), "sent")
        return (run.id,)

    def _crowd(self, crowd: Crowd, before: Sequence[NodeName], kind: str) -> Sequence[NodeName]:
        if len(crowd.members) <= DRAWN_APART:
            return [end for member in crowd.members for end in self.add(member, before, kind)]
        runs = [run for member in crowd.members for run in runs_of(member)]
        states = Counter(run.state for run in runs)
        name = f"group of {runs[0].id}"
        tasks = {run.message.task for run in runs}
        task = f"{runs[0].message.task} × {len(runs)}" if len(tasks) == 1 else f"{len(runs)} runs of {len(tasks)} tasks"
        self._node(Node(name=name, task=task, state=_first(states), counts=dict(states)), before, kind)
        return (name,)

    def _node(self, node: Node, before: Sequence[NodeName], kind: str) -> None:
        self.nodes.append(node)
        self.edges.extend(Edge(start=start, end=node.name, kind=kind) for start in before)


def _first(states: Counter[str]) -> str:
    """Return the state that a person should know of first."""
    return min(states, key=lambda state: ATTENTION.index(state) if state in ATTENTION else len(ATTENTION))
