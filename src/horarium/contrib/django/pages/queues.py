"""The admin's pages of queues: what waits where and for whom; pause, resume, purge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from horarium.app.current import current_app
from horarium.app.switches import Switches
from horarium.clock import Instant
from horarium.contrib.django.pages.models import Queue
from horarium.contrib.django.pages.page import REASON_CHARS, Act, Effect, PageAdmin, open_store
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.observe.finding import plural
from horarium.observe.looks import shown_state
from horarium.observe.queues import EMPTY, QueueRow, queue_rows
from horarium.observe.text import visible
from horarium.outcome import Run, State

NEXT = 20  # messages that a queue's page lists


class Row(NamedTuple):
    """A line of the list."""

    of: QueueRow
    url: str


@admin.register(Queue)
class QueueAdmin(PageAdmin):
    list_page, one_page, noun = "queues", "queue", "queue"

    def acts(self) -> Sequence[Act]:
        return (
            Act("pause", "Pause", "pause_queue", self._pause),
            Act("resume", "Resume", "pause_queue", self._resume),
            Act("purge", "Purge: cancel all that waits", "purge_queue", self._purge, asks=_purged, is_grave=True),
        )

    def list_context(self, request: HttpRequest, engine: Engine) -> dict[str, Any]:
        return {"rows": self._rows(engine), "takes_reason": True}

    def one_context(self, request: HttpRequest, engine: Engine, key: str) -> dict[str, Any] | None:
        row = next((row for row in self._rows(engine) if row.of.name == key), None)
        if row is None:
            return None
        now = engine.now()
        page = engine.inspector.find(RunFilter(queues=(key,)), Page(limit=NEXT))
        return {
            "row": row,
            "tasks": sorted(row.of.counts.tasks.items(), key=lambda pair: -pair[1]),
            "held": [{"held": held, "state": _state(held.message, held.state, now)} for held in page.held],
            "more": page.next is not None,
            "takes_reason": True,
            "impossible": {"resume": "it is not paused"} if row.of.paused is None else {},
        }

    def _rows(self, engine: Engine) -> list[Row]:
        return [Row(row, self.change_url(row.name)) for row in queue_rows(engine, now=engine.now())]

    def _pause(self, request: HttpRequest, names: list[str]) -> list[Effect]:
        reason = request.POST.get("reason", "")[:REASON_CHARS]
        switches = Switches(current_app().connection)
        for name in names:
            switches.pause_queue(name, reason=reason, by=request.user.get_username())
        told = f": {reason}" if reason else ""
        return [Effect(name, f"paused{told}") for name in names]

    def _resume(self, request: HttpRequest, names: list[str]) -> list[Effect]:
        switches = Switches(current_app().connection)
        return [
            Effect(name, "resumed") if switches.resume_queue(name) else Effect(name, "it was not paused", done=False)
            for name in names
        ]

    def _purge(self, request: HttpRequest, names: list[str]) -> list[Effect]:
        control = current_app().control
        return [Effect(name, f"purged: {plural(control.purge(queues=[name]), 'run')} cancelled") for name in names]


def _purged(names: list[str]) -> list[str]:
    """Say what a purge would cancel."""
    queues = open_store().inspector.counts(most=0).queues
    return [
        f"queue {visible(name)}: "
        f"{plural(held.ready + held.scheduled + held.blocked, 'waiting run')} end as cancelled; "
        f"{held.claimed} in the hands of workers go on"
        for name in names
        for held in [queues.get(name, EMPTY)]
    ]


def _state(message: Any, state: str, now: Instant) -> str:
    return shown_state(Run(message=message, state=State.PENDING if state == State.PENDING else state, changed=now), now)
