"""What waits where and for whom; pause, resume, purge."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from horarium.app.switches import Switches
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.dashboard.rooms.charts import drawn, runs_url, spark
from horarium.engines.records import Held, HeldPage, Page, RunFilter
from horarium.observe.facts import Facts, gather
from horarium.observe.finding import plural
from horarium.observe.looks import shown_state
from horarium.observe.queues import QueueRow, flows, queue_rows
from horarium.observe.text import visible
from horarium.observe.waiting import explain
from horarium.outcome import Run

room = Room("queues")
QUEUES = 100  # on a page
WAITING = 50  # messages on a page
TASKS = 20
REASON_CHARS = 300
# By the cause, in fewer words than the doctor's: those move on with the clock, or stand above the list already.
SAID = {
    "future-eta": "its time has not come",
    "retry": "it failed, and is tried again when it is due",
    "running": "it runs",
    "reserved": "it is about to start",
    "queue-paused": "the queue is paused",
}


class Waiting(Struct, frozen=True, kw_only=True):
    """A message that has not ended, and why it is where it is."""

    held: Held
    state: str
    why: str
    remedy: str = ""
    owner: str = ""  # the name of the worker that has it


@room.page("/queues")
def listing(ask: Ask) -> Shown:
    after = ask.query.get("after", "")
    rows = queue_rows(ask.engine, now=ask.now)
    later = [row for row in rows if row.name > after]
    shown = later[:QUEUES]
    unread = [row for row in rows if row.is_unread]
    return Shown(
        template="queues/list.html",
        title="Queues",
        context={
            "rows": shown,
            "flows": _drawn_flows(ask, shown),
            "next": shown[-1].name if len(later) > QUEUES else None,
            "unread": unread[:3],
            "unread_more": max(0, len(unread) - 3),
        },
    )


@room.page("/queues/{name:path}")
def one(ask: Ask) -> Shown:
    name = ask.parts["name"]
    row = next((row for row in queue_rows(ask.engine, now=ask.now) if row.name == name), None)
    if row is None:
        raise Unanswerable("gone", "Nothing is known of this queue", hint="It is empty, and nobody alive reads it.")
    page = _page(ask, name)
    facts = gather(ask.app, ask.now, command=ask.command, zone=ask.zone, with_schedules=False, most_counted=0)
    return Shown(
        template="queues/one.html",
        title=f"Queue {visible(name, 100)}",
        context={
            "row": row,
            "flow": _drawn_flows(ask, [row])[name],
            "tasks": sorted(row.counts.tasks.items(), key=lambda pair: -pair[1])[:TASKS],
            "waiting": _explained(ask, facts, page.held),
            "older": page.next,
            "purged": row.waiting,
            "runs": runs_url(ask, queue=name),
            "drawn": drawn(ask, ["depth", "waiting", "outcomes", "wait-times"], queue=name),
        },
    )


@room.act("/queues/pause", role=Role.OPERATOR)
def pause(ask: Ask) -> Done:
    """Let no worker take anything from the queue until it is resumed; the reason is shown wherever it waits."""
    name = _named(ask)
    reason = ask.given("reason").strip()[:REASON_CHARS]
    Switches(ask.app.connection).pause_queue(name, reason=reason, by=ask.person.name)
    text = f"Queue {visible(name)} is paused: what is sent to it waits."
    return Done(text=text, to=_path(name), about=f"queue {name}", after={"reason": reason})


@room.act("/queues/resume", role=Role.OPERATOR)
def resume(ask: Ask) -> Done:
    name = _named(ask)
    if Switches(ask.app.connection).resume_queue(name):
        return Done(text=f"Queue {visible(name)} goes on.", to=_path(name), about=f"queue {name}")
    return Done(text=f"Queue {visible(name)} was not paused.", to=_path(name), is_good=False, about=f"queue {name}")


@room.act("/queues/purge", role=Role.ADMIN)
def purge(ask: Ask) -> Done:
    """Cancel all that waits in the queue, if its name was typed; what is in hand goes on."""
    name = _named(ask)
    if ask.given("typed") != name:
        raise Unanswerable(
            "wrong",
            "Nothing was purged: the name that was typed is not the queue's",
            hint=f"Expected {visible(name)!r}, got {visible(ask.given('typed'))!r}. Go back and type it.",
        )
    number = ask.app.control.purge(queues=[name])
    return Done(
        text=f"Queue {visible(name)} is purged: {plural(number, 'waiting run')} cancelled.",
        to=_path(name) if name in {row.name for row in queue_rows(ask.engine, now=ask.now)} else "/queues",
        about=f"queue {name}",
        before={"waiting": number},
        after={"waiting": 0},
    )


def _drawn_flows(ask: Ask, rows: list[QueueRow]) -> dict[str, dict[str, Any]]:
    """Return the flow of each queue with its small chart. Any: for the template."""
    return {
        name: {"flow": flow, "points": spark([None if each is None else float(each) for each in flow.depths])}
        for name, flow in flows(ask.engine.series, rows, now=ask.now).items()
    }


def _explained(ask: Ask, facts: Facts, held: tuple[Held, ...]) -> list[Waiting]:
    runs = ask.engine.results.read([each.message.id for each in held])
    return [_waiting(ask, facts, each, run) for each, run in zip(held, runs, strict=True)]


def _waiting(ask: Ask, facts: Facts, held: Held, run: Run | None) -> Waiting:
    """Say why it is where it is. What would be new with each second (for how long, in how long) is not said."""
    if run is None or run.has_ended:  # in the meantime
        run = Run(message=held.message, state=held.state, changed=ask.now)
    why = explain(facts, run, held)
    owner = next((m.member.name for m in facts.members if m.member.owner == held.owner), "")
    said, remedy = (SAID[why.cause], "") if why.cause in SAID else (why.text, why.remedy)
    return Waiting(held=held, state=shown_state(run, ask.now), why=said, remedy=remedy, owner=owner)


def _page(ask: Ask, name: str) -> HeldPage:
    """Return what waits from a place on. Raises: Unanswerable when the place is none of this store's."""
    after = ask.query.get("after") or None
    try:
        return ask.engine.inspector.find(RunFilter(queues=(name,)), Page(limit=WAITING, after=after))
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        if after is None:
            raise
        raise Unanswerable(
            "wrong", "This address leads to no place in the list", hint="Begin with the first."
        ) from error


def _named(ask: Ask) -> str:
    name = ask.given("queue")
    if not name:
        raise Unanswerable("wrong", "No queue was named", hint="Use the buttons of a queue's page.")
    return name


def _path(name: str) -> str:
    return f"/queues/{part(name)}"
