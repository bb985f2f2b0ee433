"""Tasks, queues and workers: what there is, what waits, and the switches and commands of operators."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from horarium.app.fleet import Node, nodes_of
from horarium.app.switches import Switch, Switched, Switches, read_switches
from horarium.clock import Seconds
from horarium.dashboard.api.door import Call, Caller, Changed, GuardedRoute, Problem, changes, reads
from horarium.dashboard.api.shapes import Given, Name, Paged, Reason, Told, moment
from horarium.dashboard.person import Role
from horarium.engines.records import QueueCounts

router = APIRouter(route_class=GuardedRoute)

PATIENCE: Seconds = 2.0  # with a worker that is told something


class SwitchShape(BaseModel):
    by: str
    at: str | None
    reason: str


class TaskShape(BaseModel):
    name: str
    is_defined_here: bool = Field(description="By the app that serves this; else only live workers know it.")
    workers: int
    rate_limit: str | None = None
    paused: SwitchShape | None = None


class QueueShape(BaseModel):
    name: str
    ready: int
    scheduled: int
    blocked: int
    in_hand: int
    oldest_seconds: float | None = None
    read_by: int
    paused: SwitchShape | None = None


class RunningShape(BaseModel):
    id: str
    task: str
    started: str | None


class WorkerShape(BaseModel):
    id: str
    name: str
    host: str
    pid: int
    pool: str
    slots: int
    children: int
    queues: list[str]
    tasks: list[str]
    running: list[RunningShape]
    held: int
    processed: int
    version: str
    started: str | None
    seen: str | None
    rss_bytes: int


class QueuePausing(Given):
    reason: Reason = ""


class Emptying(Given):
    name: Name = Field(description="The queue's name once more: what waits in it is cancelled for good.")
    reason: Reason = ""


class Stopping(Given):
    reason: Reason = ""


class Resizing(Given):
    slots: Annotated[int, Field(ge=1, le=1000)]
    reason: Reason = ""


@reads(router, "/tasks", response_model=Paged[TaskShape], tags=["tasks"])
def list_tasks(call: Call) -> Any:
    """List the tasks that this app or a live worker knows, by name."""
    switched = read_switches(call.engine, now=call.now)
    nodes = _nodes(call)
    here = call.app.tasks.own
    names = sorted({*here, *(task for node in nodes for task in node.tasks if not task.startswith("celery."))})
    items = [
        {
            "name": name,
            "is_defined_here": name in here,
            "workers": sum(name in node.tasks for node in nodes),
            "rate_limit": _rate(call, switched, name),
            "paused": _switch(switched.of_task(name)),
        }
        for name in names
    ]
    return {"items": items, "approx_total": len(items)}


@reads(router, "/queues", response_model=Paged[QueueShape], tags=["queues"])
def list_queues(call: Call) -> Any:
    """List the queues that hold something, are read, or are paused, by name."""
    items = _queues(call)
    return {"items": items, "approx_total": len(items)}


@changes(router, "POST", "/queues/{name}/pause", role=Role.OPERATOR, action="queues.pause", shape=Told, tags=["queues"])
def pause_queue(call: Call, name: str, body: QueuePausing | None = None) -> Changed:
    """Let no worker take anything from a queue, until it is resumed; what is sent waits, what runs goes on."""
    reason = "" if body is None else body.reason
    Switches(call.app.connection).pause_queue(name, reason=reason, by=call.person.name)
    return _told(f"queue {name} is paused", name, reason=reason)


@changes(
    router,
    "POST",
    "/queues/{name}/resume",
    role=Role.OPERATOR,
    action="queues.resume",
    shape=Told,
    tags=["queues"],
)
def resume_queue(call: Call, name: str) -> Changed:
    """Let workers take from a queue again."""
    if not Switches(call.app.connection).resume_queue(name):
        raise Problem(409, "not_paused", f"queue {name[:200]} is not paused", hint="nothing was done")
    return _told(f"queue {name} is resumed", name)


@changes(router, "POST", "/queues/{name}/purge", role=Role.ADMIN, action="queues.purge", shape=Told, tags=["queues"])
def purge_queue(call: Call, name: str, body: Emptying) -> Changed:
    """Cancel everything that waits in a queue, for good. What runs goes on."""
    if body.name != name:
        raise Problem(422, "not_confirmed", "expected the queue's name once more in the body", hint="nothing was done")
    count = call.app.control.purge([name])
    return _told(f"cancelled {count} waiting in {name}", name, count=count, reason=body.reason)


@reads(router, "/queues/{name}", response_model=QueueShape, tags=["queues"])
def show_queue(call: Call, name: str) -> Any:
    """Return a queue."""
    found = next((each for each in _queues(call) if each["name"] == name), None)
    if found is None:
        raise Problem(
            404, "not_found", "this queue holds nothing, is read by nobody and not paused", hint="GET /queues"
        )
    return found


@reads(router, "/workers", response_model=Paged[WorkerShape], tags=["workers"])
def list_workers(call: Call) -> Any:
    """List the workers that live, by name."""
    items = [_worker_fields(node) for node in _nodes(call)]
    return {"items": items, "approx_total": len(items)}


@changes(router, "POST", "/workers/{id}/drain", role=Role.ADMIN, action="workers.drain", shape=Told, tags=["workers"])
def drain_worker(call: Call, id: str, body: Stopping | None = None) -> Changed:
    """Let a worker take nothing more: it reads none of its queues, and finishes what it has."""
    node = _node(call, id)
    for queue in node.queues:
        call.app.control.cancel_consumer(queue, destination=[node.key])
    reason = "" if body is None else body.reason
    return _told(f"worker {id} reads no queue any more", id, count=len(node.queues), reason=reason)


@changes(router, "POST", "/workers/{id}/stop", role=Role.ADMIN, action="workers.stop", shape=Told, tags=["workers"])
def stop_worker(call: Call, id: str, body: Stopping | None = None) -> Changed:
    """Stop a worker as on TERM: what runs may finish within its grace."""
    node = _node(call, id)
    call.app.control.shutdown(destination=[node.key])
    return _told(f"worker {id} is told to stop", id, reason="" if body is None else body.reason)


@changes(router, "POST", "/workers/{id}/resize", role=Role.ADMIN, action="workers.resize", shape=Told, tags=["workers"])
def resize_worker(call: Call, id: str, body: Resizing) -> Changed:
    """Give a worker so many slots; the worker answers itself, within two seconds."""
    node = _node(call, id)
    more = body.slots - node.record.member.slots
    if more:
        tell = call.app.control.pool_grow if more > 0 else call.app.control.pool_shrink
        replies = tell(abs(more), destination=[node.key], reply=True, timeout=PATIENCE)
        answer = next((answer for reply in replies or [] for answer in reply.values()), None)
        if not isinstance(answer, dict) or "ok" not in answer:
            said = answer.get("error") if isinstance(answer, dict) else None
            raise Problem(409, "worker_refused", f"the worker did not do it: {said or 'it did not answer in time'}")
    return _told(f"worker {id} has {body.slots} slots", id, count=abs(more), reason=body.reason)


@reads(router, "/workers/{id}", response_model=WorkerShape, tags=["workers"])
def show_worker(call: Call, id: str) -> Any:
    """Return a worker that lives, by its id: its name, with #pid behind it if an older one has that name too."""
    return _worker_fields(_node(call, id))


def _nodes(call: Caller) -> list[Node]:
    return nodes_of(call.engine.inspector.workers(now=call.now))


def _node(call: Caller, id: str) -> Node:
    found = next((node for node in _nodes(call) if node.key == id), None)
    if found is None:
        raise Problem(404, "not_found", "no worker of this name lives", hint="see /workers for those that do")
    return found


def _queues(call: Caller) -> list[dict[str, Any]]:  # Any: the fields of QueueShape
    counts = call.engine.inspector.counts(most=0).queues
    switched = read_switches(call.engine, now=call.now)
    nodes = _nodes(call)
    read = {queue for node in nodes for queue in node.queues}
    rows = []
    for name in sorted({*counts, *read, *(switch.name for switch in switched.of_kind("queue"))}):
        held = counts.get(name) or QueueCounts()
        oldest = held.oldest_due
        rows.append(
            {
                "name": name,
                "ready": held.ready,
                "scheduled": held.scheduled,
                "blocked": held.blocked,
                "in_hand": held.claimed,
                "oldest_seconds": None if oldest is None else max(call.now - oldest, 0) / 1000,
                "read_by": sum(name in node.queues for node in nodes),
                "paused": _switch(switched.of_queue(name)),
            }
        )
    return rows


def _worker_fields(node: Node) -> dict[str, Any]:  # Any: the fields of WorkerShape
    member = node.record.member
    return {
        "id": node.key,
        "name": node.name,
        "host": member.host,
        "pid": member.pid,
        "pool": member.pool,
        "slots": member.slots,
        "children": len(node.children),
        "queues": node.queues,
        "tasks": node.tasks,
        "running": [
            {"id": each.id, "task": each.task, "started": moment(each.started)}
            for one in node.members
            for each in one.running
        ],
        "held": node.record.held + sum(child.held for child in node.children),
        "processed": sum(one.processed for one in node.members),
        "version": member.version,
        "started": moment(member.started),
        "seen": moment(node.record.seen),
        "rss_bytes": sum(one.rss_bytes for one in node.members),
    }


def _rate(call: Caller, switched: Switched, name: str) -> str | None:
    switch = switched.rate_of(name)
    if switch is not None:
        return str(switch.rate)
    task = call.app.known_task(name)
    declared = getattr(task, "rate_limit", None)
    return None if declared is None else str(declared)


def _switch(switch: Switch | None) -> dict[str, Any] | None:  # Any: the fields of SwitchShape
    return None if switch is None else {"by": switch.by, "at": moment(switch.at), "reason": switch.reason}


def _told(text: str, about: str, *, count: int = 1, reason: str = "") -> Changed:
    return Changed(body=Told(text=text, count=count), text=text, about=about, reason=reason)
