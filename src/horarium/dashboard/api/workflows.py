"""Workflows: which runs belong together, and which waits for which; as a flat graph, however deep it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from horarium.dashboard.api.door import Call, Caller, GuardedRoute, Problem, reads
from horarium.dashboard.api.runs import found
from horarium.dashboard.api.shapes import RunShape, run_fields
from horarium.observe.tree import Workflow, workflow_of, workflow_under

router = APIRouter(tags=["workflows"], route_class=GuardedRoute)

MOST = 1000


class EdgeShape(BaseModel):
    before: str
    after: str = Field(description="A run that waits for the one before, or was sent by it.")
    kind: str = Field(description="joins or sent.")


class WorkflowShape(BaseModel):
    root: str
    state: str = Field(description="The worst of what its runs came to: failed, running, succeeded.")
    runs: list[RunShape] = Field(description=f"The first {MOST} that were made.")
    edges: list[EdgeShape]
    total: int
    is_whole: bool = Field(description="Whether all its runs are in this answer.")


@reads(router, "/runs/{id}/tree", response_model=WorkflowShape)
def show_tree(call: Call, id: str) -> Any:
    """Return the workflow that a run belongs to."""
    return _fields(call, workflow_of(call.engine, found(call, id)))


@reads(router, "/workflows/{id}", response_model=WorkflowShape)
def show_workflow(call: Call, id: str) -> Any:
    """Return a workflow by its root, or by any run of it."""
    workflow = workflow_under(call.engine, id)
    if workflow is None:
        [run] = call.engine.results.read([id])
        if run is None:
            raise Problem(404, "not_found", "nothing is known of this workflow", hint="its runs may have expired")
        workflow = workflow_of(call.engine, run)
    return _fields(call, workflow)


def _fields(call: Caller, workflow: Workflow) -> dict[str, Any]:  # Any: the fields of WorkflowShape
    runs = sorted(workflow.runs, key=lambda run: (run.message.created, run.id))
    shown = runs[:MOST]
    ids = {run.id for run in shown}
    edges = [
        {"before": run.id, "after": join.id, "kind": "joins"}
        for run in shown
        for join in run.message.joins
        if join.id in ids
    ]
    edges += [
        {"before": run.message.parent, "after": run.id, "kind": "sent"} for run in shown if run.message.parent in ids
    ]
    return {
        "root": workflow.root,
        "state": _state([run.state for run in runs]),
        "runs": [run_fields(call.app, run, call.now) for run in shown],
        "edges": edges,
        "total": len(runs),
        "is_whole": workflow.is_whole and len(shown) == len(runs),
    }


def _state(states: list[str]) -> str:
    if any(state in ("FAILURE", "DEAD", "REJECTED", "REVOKED", "EXPIRED") for state in states):
        return "failed"
    return "succeeded" if all(state in ("SUCCESS", "IGNORED") for state in states) else "running"
