"""``/api/workers``, ``/api/worker/…``, and what of tasks is told to workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from horarium.app import holdings
from horarium.app.fleet import Node, live_nodes, nodes_of
from horarium.app.redacting import shown_to_all
from horarium.clock import Seconds
from horarium.dashboard.flower.asked import Asked, Did, Refused, Shelf
from horarium.dashboard.person import Role

shelf = Shelf()

PATIENCE: Seconds = 1.0  # Flower's inspect_timeout
QUESTIONS = ("stats", "active_queues", "registered", "scheduled", "active", "reserved", "revoked", "conf")


@shelf.get("/api/workers", is_long=True)
def list_workers(asked: Asked) -> dict[str, Any]:
    """Return the workers by name: as the store knows them, or with ``refresh`` as they answer."""
    engine = asked.call.engine
    if asked.flag("status"):
        members = engine.inspector.workers(now=asked.call.now)
        told = {each.member.name: False for each in members if each.member.kind == "worker"}
        return told | {node.key: True for node in nodes_of(members)}
    name = asked.text("workername")
    nodes = [asked.node(name)] if name else live_nodes(engine)
    answers = _refreshed(asked, name) if asked.flag("refresh") else {}
    return {node.key: _known(asked, node) | answers.get(node.key, {}) for node in nodes}


@shelf.post("/api/worker/shutdown/{part:path}", role=Role.ADMIN)
def shutdown(asked: Asked) -> Did:
    """Stop a worker."""
    node = asked.node()
    asked.call.app.control.broadcast("shutdown", destination=[node.key])
    return Did(body={"message": "Shutting down!"}, text="told to stop", about=node.key)


@shelf.post("/api/worker/pool/restart/{part:path}", role=Role.ADMIN)
def pool_restart(asked: Asked) -> Did:
    """Replace a worker's children by fresh ones."""
    node = asked.node()
    _tell(asked, node, "pool_restart", {"reload": False}, f"Failed to restart the '{node.key}' pool: ")
    return _done(node, f"Restarting '{node.key}' worker's pool")


@shelf.post("/api/worker/pool/grow/{part:path}", role=Role.ADMIN)
def pool_grow(asked: Asked) -> Did:
    """Give a worker more slots."""
    node, n = asked.node(), asked.number("n", 1)
    _tell(asked, node, "pool_grow", {"n": n}, f"Failed to grow '{node.key}' worker's pool: ")
    return _done(node, f"Growing '{node.key}' worker's pool by {n}")


@shelf.post("/api/worker/pool/shrink/{part:path}", role=Role.ADMIN)
def pool_shrink(asked: Asked) -> Did:
    """Take slots from a worker."""
    node, n = asked.node(), asked.number("n", 1)
    _tell(asked, node, "pool_shrink", {"n": n}, f"Failed to shrink '{node.key}' worker's pool: ")
    return _done(node, f"Shrinking '{node.key}' worker's pool by {n}")


@shelf.post("/api/worker/pool/autoscale/{part:path}", role=Role.ADMIN)
def autoscale(asked: Asked) -> Did:
    """Keep a worker's slots between two bounds."""
    node = asked.node()
    asked.required("min"), asked.required("max")
    least, most = asked.number("min", 0), asked.number("max", 0)
    _tell(asked, node, "autoscale", {"min": least, "max": most}, f"Failed to autoscale '{node.key}' worker: ")
    return _done(node, f"Autoscaling '{node.key}' worker (min={least}, max={most})")


@shelf.post("/api/worker/queue/add-consumer/{part:path}", role=Role.ADMIN)
def add_consumer(asked: Asked) -> Did:
    """Let a worker read one more queue."""
    node, queue = asked.node(), asked.required("queue")
    trouble = f"Failed to add '{queue}' consumer to '{node.key}' worker: "
    return _done(node, _tell(asked, node, "add_consumer", {"queue": queue}, trouble))


@shelf.post("/api/worker/queue/cancel-consumer/{part:path}", role=Role.ADMIN)
def cancel_consumer(asked: Asked) -> Did:
    """Let a worker read a queue no more."""
    node, queue = asked.node(), asked.required("queue")
    trouble = f"Failed to cancel '{queue}' consumer from '{node.key}' worker: "
    return _done(node, _tell(asked, node, "cancel_consumer", {"queue": queue}, trouble))


@shelf.post("/api/task/timeout/{part:path}", role=Role.OPERATOR)
def timeout(asked: Asked) -> Did:
    """Change the time limits of a task, for one worker."""
    limits = {name: asked.seconds(name) for name in ("soft", "hard")}
    node = _worker_for(asked)
    said = _tell(asked, node, "time_limit", {"task_name": asked.part, **limits}, "Failed to set timeouts: ")
    return Did(body={"message": said}, text=f"time limits of {asked.part}: {limits}", about=node.key)


@shelf.post("/api/task/rate-limit/{part:path}", role=Role.OPERATOR)
def rate_limit(asked: Asked) -> Did:
    """Change the rate limit of a task, for one worker."""
    rate = asked.required("ratelimit")
    node = _worker_for(asked)
    arguments = {"task_name": asked.part, "rate_limit": rate}
    said = _tell(asked, node, "rate_limit", arguments, "Failed to set rate limit: ")
    return Did(body={"message": said}, text=f"rate limit of {asked.part}: {rate}", about=node.key)


def _worker_for(asked: Asked) -> Node:
    """Return the worker that is to be told of a task. Raises: Refused."""
    name = asked.required("workername")
    members = asked.call.engine.inspector.workers(now=asked.call.now)
    elsewhere = {task for each in members if each.alive for task in each.member.tasks}
    if asked.part not in {*asked.call.app.tasks, *elsewhere}:
        raise Refused(404, f"Unknown task '{asked.part}'")
    return asked.node(name)


def _tell(asked: Asked, node: Node, command: str, arguments: dict[str, Any], trouble: str) -> str:
    """Tell a worker and return what it says; Any: JSON. Raises: Refused (403) when it does not do it."""
    replies = asked.call.app.control.broadcast(command, arguments, destination=[node.key], reply=True, timeout=PATIENCE)
    answer = next((answer for reply in replies or [] for answer in reply.values()), None)
    if isinstance(answer, dict) and "ok" in answer:
        return str(answer["ok"])
    said = answer.get("error", "Unknown reason") if isinstance(answer, dict) else "Unknown reason"
    raise Refused(403, f"{trouble}{said}")


def _done(node: Node, text: str) -> Did:
    return Did(body={"message": text}, text=text, about=node.key)


def _known(asked: Asked, node: Node) -> dict[str, Any]:  # Any: as Flower has it
    """Return what the store knows of a worker, in the shapes of the worker's own answers."""
    engine, member, show = asked.call.engine, node.record.member, shown_to_all(asked.call.app)
    running = [
        {"id": each.id, "name": each.task, "type": each.task, "hostname": node.name, "time_start": each.started / 1000}
        for one in node.members
        for each in one.running
    ]
    return {
        "active_queues": [holdings.queue_info(queue) for queue in node.queues],
        "registered": node.tasks,
        "active": running,
        "reserved": holdings.reserved(engine, node, show),
        "scheduled": holdings.scheduled(engine, node, show),
        "revoked": holdings.revoked(engine),
        "stats": {
            "pid": member.pid,
            "pool": {"max-concurrency": member.slots, "processes": [child.member.pid for child in node.children]},
            "prefetch_count": member.slots,
            "clock": str(node.record.seen),
        },
        "timestamp": node.record.seen / 1000,
    }


def _refreshed(asked: Asked, name: str | None) -> dict[str, dict[str, Any]]:
    """Return what workers answer to Flower's questions, asked all at once; Any: JSON."""
    inspect = asked.call.app.control.inspect([name] if name else None, timeout=PATIENCE)

    def ask(question: str) -> Any:
        method: Callable[[], Any] = getattr(inspect, question)
        return method()

    with ThreadPoolExecutor(len(QUESTIONS), "horarium-flower") as pool:
        answers = dict(zip(QUESTIONS, pool.map(ask, QUESTIONS), strict=True))
    found: dict[str, dict[str, Any]] = {}
    for question, answer in answers.items():
        for worker, told in (answer or {}).items():
            if told:
                found.setdefault(worker, {})[question] = told
    return found
