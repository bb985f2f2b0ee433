"""Workers, schedulers and bridges as people look at them: who lives, with what in hand, and who has gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.app.fleet import Node, nodes_of
from horarium.engines.records import BRIDGE_POOL, MemberRecord, RunningNow

if TYPE_CHECKING:
    from horarium.clock import Instant
    from horarium.engines.protocol import Engine


class WorkerRow(Struct, frozen=True, kw_only=True):
    """A worker with its children, a scheduler or a bridge; one that is gone, as it was last heard."""

    record: MemberRecord
    kind: str  # worker, scheduler, bridge
    key: str = ""  # by which commands find a live worker
    slots: int = 0
    running: tuple[RunningNow, ...] = ()
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    processed: int = 0
    rss_bytes: int = 0
    children: tuple[MemberRecord, ...] = ()
    is_namesake: bool = False  # somebody else who is listed has its name

    @property
    def name(self) -> str:
        return self.record.member.name

    @property
    def address(self) -> str:
        """What finds it again: its name, or if others have that too, the id of its process."""
        return self.record.member.owner if self.is_namesake else self.name

    @property
    def is_silent(self) -> bool:
        """Whether it went without a word and left work in its hands."""
        return not self.record.alive and self.record.held > 0

    @property
    def megabytes(self) -> int:
        return round(self.rss_bytes / 1_000_000)


def worker_rows(engine: Engine, *, now: Instant) -> list[WorkerRow]:
    """Return everybody but the children of workers, those who live first. Raises: EngineUnavailable."""
    return rows_of(engine.inspector.workers(now=now))


def rows_of(records: Iterable[MemberRecord]) -> list[WorkerRow]:
    """Return a row for each of these members that is not the child of a worker, in their order."""
    records = list(records)
    nodes = {node.owner: node for node in nodes_of(records)}
    shown = [record for record in records if record.member.kind != "child" or record.member.pool == BRIDGE_POOL]
    called = Counter(record.member.name for record in shown)
    return [_row(record, nodes.get(record.member.owner), called[record.member.name] > 1) for record in shown]


def found(rows: Iterable[WorkerRow], address: str) -> WorkerRow | None:
    """Return the row of an address: an owner, or else a name, of which the first that lives is meant."""
    rows = list(rows)
    exact = next((row for row in rows if row.record.member.owner == address), None)
    return exact or next((row for row in rows if row.name == address), None)


def _row(record: MemberRecord, node: Node | None, is_namesake: bool) -> WorkerRow:
    member = record.member
    kind = "bridge" if member.pool == BRIDGE_POOL else member.kind
    if node is None:
        return WorkerRow(
            record=record,
            kind=kind,
            queues=member.queues,
            tasks=member.tasks,
            processed=member.processed,
            rss_bytes=member.rss_bytes,
            is_namesake=is_namesake,
        )
    children = [child.member for child in node.children]
    running = [now for child in children for now in child.running]
    return WorkerRow(
        record=record,
        kind=kind,
        key=node.key,
        slots=sum(child.slots for child in children),
        running=tuple(sorted(running, key=lambda now: now.started)),
        queues=tuple(node.queues),
        tasks=tuple(node.tasks),
        processed=sum(each.processed for each in node.members),
        rss_bytes=sum(each.rss_bytes for each in node.members),
        children=node.children,
        is_namesake=is_namesake,
    )
