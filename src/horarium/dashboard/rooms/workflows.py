"""Chains, groups and chords: which there are lately, how far each is, and what holds it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.engines.records import Page, RunFilter
from horarium.observe.graph import graph_of
from horarium.observe.looks import look_of
from horarium.observe.moments import span
from horarium.observe.text import visible
from horarium.observe.tree import Crowd, Line, Workflow, workflow_of, workflow_under
from horarium.outcome import ENDED, Run, State

room = Room("workflows")

LOOKED_AT = 1000  # newest runs, to find workflows among
READ_AT_ONCE = 500
LISTED = 200  # members of a group in the list
GOOD = (State.SUCCESS, State.IGNORED)


class Summary(Struct, frozen=True, kw_only=True):
    """A workflow in the list. ``runs`` are those of it that were seen."""

    root: str
    task: str  # of the earliest run that was seen
    runs: int
    states: dict[str, int]
    created: Instant
    is_running: bool

    @property
    def done(self) -> int:
        return sum(number for state, number in self.states.items() if state in ENDED)

    @property
    def failed(self) -> int:
        return sum(number for state, number in self.states.items() if state in ENDED and state not in GOOD)


@room.page("/workflows")
def listing(ask: Ask) -> Shown:
    runs, after = _newest(ask)
    return Shown(
        template="workflows/list.html",
        title="Workflows",
        context={"workflows": summaries(runs), "looked_at": len(runs), "further": after},
    )


@room.page("/workflows/{id}")
def one(ask: Ask) -> Shown:
    workflow = _found(ask)
    runs = sorted(workflow.runs, key=lambda run: (run.message.created, run.id))
    states = Counter(run.state for run in runs)
    held_up = [run for run in runs if run.state in (State.FAILURE, State.DEAD, State.REJECTED, State.EXPIRED)]
    return Shown(
        template="workflows/one.html",
        title=f"Workflow of {visible(runs[0].message.task)}",
        context={
            "workflow": workflow,
            "states": states,
            "done": sum(run.has_ended for run in runs),
            "is_running": any(not run.has_ended for run in runs),
            "took": _took(runs),
            "held_up": held_up[:LISTED],
            "drawing": _drawing(ask, workflow),
            "rows": list(_rows(workflow.lines)),
            "listed": LISTED,
        },
    )


@room.act("/workflows/{id}/cancel", role=Role.OPERATOR)
def cancel(ask: Ask) -> Done:
    """End what has not ended of a workflow; what runs is told to stop."""
    workflow = _found(ask)
    waiting = [run.id for run in workflow.runs if not run.has_ended]
    changed = ask.app.control.revoke(waiting, terminate=True) if waiting else []
    text = f"cancelled: {len(changed)} of {len(waiting)} that had not ended" if waiting else "it had ended already"
    return Done(text=text, to=f"/workflows/{part(workflow.root)}", is_good=bool(changed), about=workflow.root)


def summaries(runs: Iterable[Run]) -> list[Summary]:
    """Return the workflows among runs, the newest first. A run without companions is none."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        if _has_companions(run):
            found.setdefault(run.message.root or run.id, []).append(run)
    made = [_summary(root, members) for root, members in found.items()]
    return sorted(made, key=lambda each: (-each.created, each.root))


def _summary(root: str, members: Sequence[Run]) -> Summary:
    earliest = min(members, key=lambda run: (run.message.created, run.id))
    return Summary(
        root=root,
        task=earliest.message.task,
        runs=len(members),
        states=dict(Counter(run.state for run in members)),
        created=earliest.message.created,
        is_running=any(not run.has_ended for run in members),
    )


def _has_companions(run: Run) -> bool:
    message = run.message
    return bool(message.joins or message.gate or message.group or (message.root and message.root != run.id))


def _newest(ask: Ask) -> tuple[list[Run], str | None]:
    found: list[Run] = []
    after = ask.query.get("after")
    while len(found) < LOOKED_AT:
        try:
            page = ask.engine.results.search(RunFilter(), Page(limit=READ_AT_ONCE, after=after))
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
            if after != ask.query.get("after"):
                raise
            raise Unanswerable(
                "wrong", "This address leads to no place in the list", hint="Begin with the newest."
            ) from error
        found.extend(page.runs)
        after = page.next
        if after is None:
            break
    return found, after


def _found(ask: Ask) -> Workflow:
    id = ask.parts["id"]
    workflow = workflow_under(ask.engine, id)
    if workflow is None:
        [run] = ask.engine.results.read([id])
        if run is None:
            raise Unanswerable(
                "gone", "Nothing is known of this workflow", hint="Its runs may have been kept long enough."
            )
        workflow = workflow_of(ask.engine, run)
    return workflow


def _took(runs: Sequence[Run]) -> Seconds | None:
    """Return how long it took from its beginning to its end; None while it runs."""
    ends = [run.ended for run in runs if run.ended is not None]
    if len(ends) < len(runs):
        return None
    return max(max(ends) - min(run.message.created for run in runs), 0) / 1000


def _drawing(ask: Ask, workflow: Workflow) -> str:
    """Return the graph as JSON for workflows.js; all texts of it are shown as text."""
    graph = graph_of(workflow)
    nodes = [
        {
            "name": node.name,
            "task": visible(node.task, 60),
            "sign": "" if node.counts else look_of(node.state).sign,
            "word": " ".join(f"{look_of(state).sign} {number}" for state, number in sorted(node.counts.items()))
            or look_of(node.state).word + ("" if node.took is None else f" · {span(node.took)}"),
            "tone": look_of(node.state).tone,
            "url": ask.url(f"/runs/{part(node.id)}") if node.id else ask.url("/runs", q=f"root:{workflow.root}"),
        }
        for node in graph.nodes
    ]
    edges = [{"start": edge.start, "end": edge.end, "kind": edge.kind} for edge in graph.edges]
    return msgspec.json.encode({"nodes": nodes, "edges": edges}).decode()


def _rows(lines: Iterable[Line], depth: int = 0) -> Iterable[dict[str, Any]]:
    """Yield the lines as rows of an indented list: the graph's twin, for whoever cannot see it."""
    for line in lines:
        for element in line:
            if isinstance(element, Crowd):
                yield {"depth": depth, "crowd": len(element.members)}
                yield from _rows(element.members[:LISTED], depth + 1)
            else:
                yield {"depth": depth, "run": element.run, "waits_for": element.waits_for}
                yield from _rows(element.sent, depth + 1)
