"""Everything that is known of one run, in the order in which people ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest

from horarium.app.current import current_app
from horarium.contrib.django.pages.page import COMMAND, address
from horarium.contrib.django.pages.periodic import addresses_of
from horarium.engines.protocol import Engine
from horarium.observe.contents import Contents, block_text
from horarium.observe.looks import shown_state
from horarium.observe.redacted import Cut
from horarium.observe.run_view import facts_of, finding_of, history_of, impossible, moments_of, relatives_of
from horarium.observe.text import LONG, visible
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
    contents = Contents(app)
    run = contents.seen(run)
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
        "blocks": [block for block in _blocks(run, contents.cuts(run)) if block.text],
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


def _blocks(run: Run, cuts: Mapping[str, Cut]) -> Iterator[Block]:
    args, kwargs, error = run.message.args, run.message.kwargs, run.error
    if error is not None:
        yield Block("Error", visible(f"{error.class_path}: {error.text}", LONG))
        yield Block("Traceback", visible(error.traceback or "", LONG))
    yield Block("Positional arguments", "" if bytes(args) == b"[]" else block_text(args, cuts.get("args"), LONG))
    yield Block("Keyword arguments", "" if bytes(kwargs) == b"{}" else block_text(kwargs, cuts.get("kwargs"), LONG))
    yield Block("Result", block_text(run.result, cuts.get("result"), LONG))
    yield Block("What it reported", block_text(run.meta, cuts.get("meta"), LONG))
    lines = run.logs[-LOG_LINES:]
    yield Block(f"Log, {len(run.logs)} lines", visible("\n".join(lines), 4 * LONG))
