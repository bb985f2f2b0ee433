"""Everything that is known of one run, in the order in which people ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from horarium.app.current import current_app
from horarium.contrib.django.pages.page import COMMAND, address
from horarium.contrib.django.pages.periodic import addresses_of
from horarium.engines.protocol import Engine
from horarium.observe.contents import Contents
from horarium.observe.looks import shown_state
from horarium.observe.run_view import facts_of, finding_of, history_of, impossible, moments_of, relatives_of
from horarium.observe.text import LONG, json_text, visible
from horarium.outcome import Run

LOG_LINES = 500


class Block(NamedTuple):
    """A long text under a heading."""

    title: str
    text: str


def context_of(site: admin.AdminSite, request: HttpRequest, engine: Engine, run: Run) -> dict[str, Any]:
    """Read what the page shows."""
    now, app = engine.now(), current_app()
    finding, reasons = finding_of(app, run, now, command=COMMAND), impossible(run)
    run = Contents(app).seen(run)
    message = run.message
    return {
        "run": run,
        "state": shown_state(run, now),
        "finding": finding,
        "facts": list(facts_of(run)),
        "moments": list(moments_of(run)),
        "relatives": list(_relatives(site, engine, run)),
        "schedule": message.schedule,
        "schedule_url": addresses_of(request, {message.schedule}).get(message.schedule) if message.schedule else None,
        "history": history_of(run),
        "blocks": [block for block in _blocks(run) if block.text],
        "impossible": reasons,
    }


def _relatives(site: admin.AdminSite, engine: Engine, run: Run) -> Iterator[dict[str, Any]]:
    found, has_more = relatives_of(engine, run)
    for how, id, other in found:
        yield {
            "how": how,
            "id": id,
            "url": None if other is None else address(site, "run", id),
            "task": "no longer kept" if other is None else other.message.task,
            "state": None if other is None else other.state,
        }
    if has_more:
        yield {"how": "has sent", "more": f"and others: {COMMAND} runs tree {run.id}"}


def _blocks(run: Run) -> Iterator[Block]:
    args, kwargs, error = run.message.args, run.message.kwargs, run.error
    if error is not None:
        yield Block("Error", visible(f"{error.class_path}: {error.text}", LONG))
        yield Block("Traceback", visible(error.traceback or "", LONG))
    yield Block("Positional arguments", "" if bytes(args) == b"[]" else json_text(args))
    yield Block("Keyword arguments", "" if bytes(kwargs) == b"{}" else json_text(kwargs))
    yield Block("Result", json_text(run.result))
    yield Block("What it reported", json_text(run.meta))
    lines = run.logs[-LOG_LINES:]
    yield Block(f"Log, {len(run.logs)} lines", visible("\n".join(lines), 4 * LONG))
