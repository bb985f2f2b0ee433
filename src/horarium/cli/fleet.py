"""The live workers as their heartbeats tell: found by name, grouped, waited for."""

from __future__ import annotations

import time
from collections.abc import Container
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.clock import Seconds, SystemClock
from horarium.engines.records import Member, MemberRecord

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

LOOK_EVERY: Seconds = 0.05


class Node(Struct, frozen=True, kw_only=True):
    """A worker and its children."""

    name: str
    key: str  # the name; name#pid if an older worker has it too
    record: MemberRecord
    children: tuple[MemberRecord, ...] = ()

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.record.member, *(child.member for child in self.children))

    @property
    def tasks(self) -> list[str]:
        return sorted({task for member in self.members for task in member.tasks})

    @property
    def queues(self) -> list[str]:
        return sorted({queue for member in self.members for queue in member.queues})


def live_nodes(engine: Engine, names: tuple[str, ...] | None = None) -> list[Node]:
    """Return the live workers by name; ``names`` None: all of them."""
    records = [record for record in engine.inspector.workers(now=engine.now()) if record.alive]
    nodes: dict[str, Node] = {}
    for record in sorted(records, key=lambda r: (r.member.name, r.member.started)):
        if record.member.kind == "worker":
            key = _free_key(record.member, nodes)
            children = tuple(each for each in records if _is_child_of(each.member, record.member))
            nodes[key] = Node(name=record.member.name, key=key, record=record, children=children)
    return [
        node for node in nodes.values() if names is None or node.key in names or is_meant(node.record.member, names)
    ]


def _free_key(member: Member, taken: Container[str]) -> str:
    """Return what tells a worker from the others; two on different hosts may even share name and pid."""
    keys = (member.name, f"{member.name}#{member.pid}", f"{member.name}#{member.pid}@{member.host}")
    return next((key for key in keys if key not in taken), f"{member.name}#{member.owner}")


def _is_child_of(child: Member, worker: Member) -> bool:
    """Children bear the name, host and start of their worker, by which workers of one name are told apart."""
    origin = (child.name, child.host, child.started)
    return child.kind == "child" and origin == (worker.name, worker.host, worker.started)


def is_meant(member: Member, names: tuple[str, ...]) -> bool:
    """Whether one of the names is this worker's; ``celery@host`` means the workers of that host."""
    return member.name in names or f"celery@{member.host}" in names


def await_nodes(engine: Engine, names: tuple[str, ...] | None, timeout: Seconds) -> list[Node]:
    """Return the live workers, looking again until there is one (of each name), for ``timeout`` at the most."""
    clock = SystemClock()
    until = clock.monotonic() + timeout
    while True:
        nodes = live_nodes(engine, names)
        if len(nodes) >= len(names or ("any",)) or clock.monotonic() >= until:
            return nodes
        time.sleep(LOOK_EVERY)
