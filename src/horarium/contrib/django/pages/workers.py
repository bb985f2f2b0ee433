"""The admin's pages of workers and schedulers: who is alive, with what in hand; stop one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from horarium.app.current import current_app
from horarium.app.fleet import Node, nodes_of
from horarium.clock import Seconds
from horarium.contrib.django.pages.models import Worker
from horarium.contrib.django.pages.page import Act, Effect, PageAdmin, address, open_store
from horarium.engines.protocol import Engine
from horarium.observe.finding import plural
from horarium.observe.text import visible
from horarium.observe.workers import WorkerRow, worker_rows


class Row(NamedTuple):
    """A line of the list."""

    of: WorkerRow
    url: str
    seen_ago: Seconds


@admin.register(Worker)
class WorkerAdmin(PageAdmin):
    list_page, one_page, noun = "workers", "worker", "worker"

    def acts(self) -> Sequence[Act]:
        return (Act("stop", "Stop when its runs are done", "control_worker", self._stop, asks=_stopped, is_grave=True),)

    def list_context(self, request: HttpRequest, engine: Engine) -> dict[str, Any]:
        rows = self._rows(engine)
        return {"rows": rows, "alive": sum(row.of.record.alive and row.of.kind == "worker" for row in rows)}

    def one_context(self, request: HttpRequest, engine: Engine, key: str) -> dict[str, Any] | None:
        row = next((row for row in self._rows(engine) if row.of.record.member.owner == key), None)
        if row is None:
            return None
        now = engine.now()
        running = [
            {
                "run": run,
                "seconds": max(0.0, (now - run.started) / 1000),
                "url": address(self.admin_site, "run", run.id),
            }
            for run in row.of.running
        ]
        why = "" if row.of.kind == "worker" and row.of.record.alive else "only a live worker can be stopped from here"
        return {
            "row": row,
            "running": running,
            "shown_key": f"{row.of.kind} {visible(row.of.name)}",
            "title": f"{row.of.kind.capitalize()} {visible(row.of.name)}",
            "impossible": {"stop": why} if why else {},
        }

    def _rows(self, engine: Engine) -> list[Row]:
        now = engine.now()
        return [
            Row(row, self.change_url(row.record.member.owner), max(0.0, (now - row.record.seen) / 1000))
            for row in worker_rows(engine, now=now)
        ]

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
