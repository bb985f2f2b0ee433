"""The admin's pages of workers and schedulers: who is alive, with what in hand; stop one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from horarium.app.current import current_app
from horarium.app.fleet import Node, nodes_of
from horarium.bridge.membership import POOL as BRIDGE
from horarium.clock import Instant, Seconds
from horarium.contrib.django.pages.models import Worker
from horarium.contrib.django.pages.page import Act, Effect, PageAdmin, address, open_store
from horarium.engines.protocol import Engine
from horarium.engines.records import MemberRecord, RunningNow
from horarium.observe.finding import plural
from horarium.observe.text import visible


class Row(NamedTuple):
    """A line of the list: a worker with its children, a scheduler, or one of them that is gone."""

    record: MemberRecord
    url: str
    kind: str
    seen_ago: Seconds
    slots: int = 0
    running: tuple[RunningNow, ...] = ()
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    processed: int = 0
    rss_bytes: int = 0

    @property
    def name(self) -> str:
        return self.record.member.name

    @property
    def megabytes(self) -> int:
        return round(self.rss_bytes / 1_000_000)


@admin.register(Worker)
class WorkerAdmin(PageAdmin):
    list_page, one_page, noun = "workers", "worker", "worker"

    def acts(self) -> Sequence[Act]:
        return (Act("stop", "Stop when its runs are done", "control_worker", self._stop, asks=_stopped, is_grave=True),)

    def list_context(self, request: HttpRequest, engine: Engine) -> dict[str, Any]:
        rows = self._rows(engine)
        return {"rows": rows, "alive": sum(row.record.alive and row.kind == "worker" for row in rows)}

    def one_context(self, request: HttpRequest, engine: Engine, key: str) -> dict[str, Any] | None:
        row = next((row for row in self._rows(engine) if row.record.member.owner == key), None)
        if row is None:
            return None
        now = engine.now()
        running = [
            {
                "run": run,
                "seconds": max(0.0, (now - run.started) / 1000),
                "url": address(self.admin_site, "run", run.id),
            }
            for run in sorted(row.running, key=lambda run: run.started)
        ]
        why = "" if row.kind == "worker" and row.record.alive else "only a live worker can be stopped from here"
        return {
            "row": row,
            "running": running,
            "shown_key": f"{row.kind} {visible(row.name)}",
            "title": f"{row.kind.capitalize()} {visible(row.name)}",
            "impossible": {"stop": why} if why else {},
        }

    def _rows(self, engine: Engine) -> list[Row]:
        now = engine.now()
        records = engine.inspector.workers(now=now)
        nodes = {node.owner: node for node in nodes_of(records)}
        return [
            self._row(record, nodes.get(record.member.owner), now)
            for record in records
            if record.member.kind != "child" or record.member.pool == BRIDGE
        ]

    def _row(self, record: MemberRecord, node: Node | None, now: Instant) -> Row:
        member = record.member
        kind = "bridge" if member.pool == BRIDGE else member.kind
        row = Row(record, self.change_url(member.owner), kind, max(0.0, (now - record.seen) / 1000))
        if node is None:
            return row._replace(queues=member.queues, tasks=member.tasks, processed=member.processed)
        children = [child.member for child in node.children]
        return row._replace(
            slots=sum(child.slots for child in children),
            running=tuple(running for child in children for running in child.running),
            queues=tuple(node.queues),
            tasks=tuple(node.tasks),
            processed=sum(each.processed for each in node.members),
            rss_bytes=sum(each.rss_bytes for each in node.members),
        )

    def _stop(self, request: HttpRequest, owners: list[str]) -> list[Effect]:
        nodes = _nodes()
        effects = []
        for owner in owners:
            if owner not in nodes:
                effects.append(Effect(owner, "only a live worker can be stopped from here", done=False))
                continue
            current_app().control.shutdown(destination=[nodes[owner].key])
            effects.append(Effect(owner, f"{nodes[owner].name} is told to stop; what runs may finish"))
        return effects


def _nodes() -> dict[str, Node]:
    engine = open_store()
    return {node.owner: node for node in nodes_of(engine.inspector.workers(now=engine.now()))}


def _stopped(owners: list[str]) -> list[str]:
    """Say what stopping them means."""
    nodes = _nodes()
    return [
        f"worker {visible(node.name)}: {plural(sum(len(each.running) for each in node.members), 'run')} "
        "may finish, and it takes no more"
        for owner in owners
        if (node := nodes.get(owner)) is not None
    ] or ["none of them is a live worker; nothing will be done"]
