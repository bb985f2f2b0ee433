"""The live workers as their heartbeats tell: found by name, grouped with their children."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING
from zlib import crc32

from msgspec import Struct

from horarium.command import is_named
from horarium.engines.records import Member, MemberRecord
from horarium.message import Message

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine


class Node(Struct, frozen=True, kw_only=True):
    """A worker and its children."""

    name: str
    key: str  # the name; name#pid if an older worker has it too
    record: MemberRecord
    children: tuple[MemberRecord, ...] = ()

    @property
    def owner(self) -> str:
        return self.record.member.owner

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
    return [
        node
        for node in nodes_of(engine.inspector.workers(now=engine.now()))
        if names is None or node.key in names or is_meant(node.record.member, names)
    ]


def nodes_of(records: Iterable[MemberRecord]) -> list[Node]:
    """Return the live ones among these workers, each with its children, by name."""
    living = [record for record in records if record.alive]
    nodes: dict[str, Node] = {}
    for record in sorted(living, key=lambda r: (r.member.name, r.member.started)):
        if record.member.kind == "worker":
            key = free_key(record.member.name, record.member.pid, nodes, host=record.member.host)
            children = tuple(each for each in living if _is_child_of(each.member, record.member))
            nodes[key] = Node(name=record.member.name, key=key, record=record, children=children)
    return list(nodes.values())


def is_meant(member: Member, names: tuple[str, ...]) -> bool:
    """Whether one of the names is this worker's; ``celery@host`` means the workers of that host."""
    return is_named(names, name=member.name, host=member.host, pid=member.pid)


def free_key(name: str, pid: int, taken: Container[str], *, host: str = "") -> str:
    """Return what tells a worker from the others; two on different hosts may even share name and pid."""
    keys = [name, f"{name}#{pid}", f"{name}#{pid}@{host}"]
    return next((key for key in keys if key not in taken), f"{name}#{pid}@{host} ")


def speaker_for(message: Message, nodes: Iterable[Node]) -> Node | None:
    """Return the node that tells of a message which waits in the store: one of those that read its queue, always the
    same for the same message and nodes. So each is told of once, although it is in nobody's hands."""
    readers = sorted((node for node in nodes if message.queue in node.queues), key=lambda node: node.owner)
    return readers[crc32(message.id.encode()) % len(readers)] if readers else None


def _is_child_of(child: Member, worker: Member) -> bool:
    """Children bear the name, host and start of their worker, by which workers of one name are told apart."""
    origin = (child.name, child.host, child.started)
    return child.kind == "child" and origin == (worker.name, worker.host, worker.started)
