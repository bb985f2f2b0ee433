"""What ran, runs and waits."""

from __future__ import annotations

from msgspec import DecodeError

from horarium.dashboard.ask import Ask, Shown, Unanswerable
from horarium.dashboard.room import Room
from horarium.engines.records import Page, RunFilter

room = Room("runs")
ROWS = 50


@room.page("/runs")
def listing(ask: Ask) -> Shown:
    try:
        page = ask.engine.results.search(RunFilter(), Page(limit=ROWS, after=ask.query.get("after")))
    except DecodeError as error:
        raise Unanswerable("wrong", "There is no such page", hint="Begin with the newest.") from error
    return Shown(template="runs/list.html", title="Runs", context={"runs": page.runs, "older": page.next})


@room.page("/runs/{id}")
def one(ask: Ask) -> Shown:
    [run] = ask.engine.results.read([ask.parts["id"]])
    if run is None:
        raise Unanswerable("gone", "Nothing is known of this run", hint="It may have been kept long enough.")
    return Shown(template="runs/one.html", title=run.message.task, context={"run": run})
