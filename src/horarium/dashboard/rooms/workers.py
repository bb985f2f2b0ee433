"""Who works and who schedules: how they are, what they run, and what they can be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from horarium.app.control import Control
from horarium.clock import Seconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.observe.finding import plural
from horarium.observe.text import visible
from horarium.observe.workers import WorkerRow, found, worker_rows

room = Room("workers")
ROWS = 100
TASKS = 200
STANDARD = "celery."  # how the names of tasks begin that every app has
ANSWERED_WITHIN: Seconds = 2.0  # by a worker that is told something; nobody waits longer
STACKS_CHARS = 200_000
MOST_SLOTS = 100_000

Answer = Any  # JSON, as various as the commands


@room.page("/workers")
def listing(ask: Ask) -> Shown:
    rows = worker_rows(ask.engine, now=ask.now)
    alive = [row for row in rows if row.record.alive]
    workers = [row for row in alive if row.kind == "worker"]
    return Shown(
        template="workers/list.html",
        title="Workers",
        context={
            "alive": alive[:ROWS],
            "gone": [row for row in rows if not row.record.alive][:ROWS],
            "left_out": max(0, len(rows) - ROWS),
            "workers": len(workers),
            "schedulers": sum(row.kind == "scheduler" for row in alive),
            "slots": sum(row.slots for row in workers),
            "busy": sum(len(row.running) for row in workers),
            "silent": sum(row.is_silent for row in rows),
            "hosts": len({row.record.member.host for row in alive}),
        },
    )


@room.page("/workers/{name:path}")
def one(ask: Ask) -> Shown:
    row = found(worker_rows(ask.engine, now=ask.now), ask.parts["name"])
    if row is None:
        raise Unanswerable(
            "gone", "Nothing is known of this worker", hint="Those that have gone stay listed for an hour."
        )
    tasks = [name for name in row.tasks if not name.startswith(STANDARD)]
    return Shown(
        template="workers/one.html",
        title=f"{row.kind.capitalize()} {visible(row.name, 100)}",
        context={
            "row": row,
            "can_be_told": _can_be_told(row),
            "tasks": tasks[:TASKS],
            "more_tasks": len(tasks[TASKS:]),
        },
    )


@room.act("/workers/stop", role=Role.ADMIN)
def stop(ask: Ask) -> Done:
    """Let a worker end: it takes no more, and what it runs may finish."""
    return _tell(ask, "stops: what it runs may finish", lambda control, to: control.shutdown(**to))


@room.act("/workers/quiet", role=Role.ADMIN)
def quiet(ask: Ask) -> Done:
    """Let a worker read its queues no more, and stay."""
    row = _row(ask)
    queues = row.queues
    if not queues:
        return _done(row, "reads no queue as it is", is_good=False)

    def cancel_all(control: Control, to: dict[str, Any]) -> list[dict[str, Answer]]:
        replies: list[dict[str, Answer]] = []
        for queue in queues:
            answer = control.cancel_consumer(queue, **to)
            if not answer:
                return []  # one that is silent is not asked for each of its queues
            replies += answer
        return replies

    return _tell(ask, f"takes no more from {', '.join(map(visible, queues[:5]))}; what it runs goes on", cancel_all)


@room.act("/workers/restart", role=Role.ADMIN)
def restart(ask: Ask) -> Done:
    """Replace a worker's children by fresh ones, each after what it runs."""
    return _tell(ask, "replaces its children, each after what it runs", lambda control, to: control.pool_restart(**to))


@room.act("/workers/resize", role=Role.ADMIN)
def resize(ask: Ask) -> Done:
    """Give a worker so many slots in all."""
    row = _row(ask)
    wanted = _number(ask, "slots")
    by = wanted - row.slots
    if not by:
        return _done(row, f"has {plural(wanted, 'slot')} as it is", is_good=False)
    if by > 0:
        return _tell(ask, f"grows to {plural(wanted, 'slot')}", lambda control, to: control.pool_grow(by, **to))
    return _tell(
        ask,
        f"shrinks to {plural(wanted, 'slot')}, each after what runs in it",
        lambda control, to: control.pool_shrink(-by, **to),
    )


@room.act("/workers/autoscale", role=Role.ADMIN)
def autoscale(ask: Ask) -> Done:
    """Keep a worker's number of slots between two bounds, from now on."""
    least, most = _number(ask, "min"), _number(ask, "max")
    return _tell(
        ask, f"keeps between {least} and {most} slots", lambda control, to: control.autoscale(most, least, **to)
    )


@room.act("/workers/read", role=Role.ADMIN)
def read(ask: Ask) -> Done:
    """Let a worker read one more queue."""
    queue = _queue(ask)
    return _tell(ask, f"reads queue {visible(queue)}", lambda control, to: control.add_consumer(queue, **to))


@room.act("/workers/unread", role=Role.ADMIN)
def unread(ask: Ask) -> Done:
    """Let a worker read a queue no more."""
    queue = _queue(ask)
    return _tell(ask, f"reads queue {visible(queue)} no more", lambda control, to: control.cancel_consumer(queue, **to))


@room.act("/workers/stacks", role=Role.OPERATOR, trial=True)
def stacks(ask: Ask) -> Shown:
    """Show what each process of a worker is doing at this moment: the stacks of all its threads."""
    row = _row(ask)
    replies = ask.app.control.broadcast("stacks", reply=True, timeout=ANSWERED_WITHIN, destination=[row.key]) or []
    answers = [answer for reply in replies for answer in reply.values()]
    text = "\n".join(str(answer.get("ok", answer) if isinstance(answer, dict) else answer) for answer in answers)
    return Shown(
        template="workers/stacks.html",
        title=f"Stacks of {visible(row.name, 100)}",
        context={"row": row, "stacks": text[:STACKS_CHARS], "within": ANSWERED_WITHIN},
    )


def _tell(ask: Ask, what: str, command: Callable[[Control, dict[str, Any]], list[dict[str, Answer]] | None]) -> Done:
    """Tell a worker something, wait for its answer for ANSWERED_WITHIN, and say what became of it."""
    row = _row(ask)
    replies = command(ask.app.control, {"destination": [row.key], "reply": True, "timeout": ANSWERED_WITHIN}) or []
    answers = [answer for reply in replies for answer in reply.values()]
    refused = [answer["error"] for answer in answers if isinstance(answer, dict) and "error" in answer]
    if refused:
        return _done(row, f"has refused: {visible(refused[0])}", is_good=False)
    if not answers:
        return _done(
            row,
            f"has not answered within {ANSWERED_WITHIN:g} s; if it comes back later than that, nothing is done",
            is_good=False,
        )
    return _done(row, what)


def _done(row: WorkerRow, what: str, *, is_good: bool = True) -> Done:
    return Done(
        text=f"{visible(row.name)} {what}.",
        to=f"/workers/{part(row.address)}",
        is_good=is_good,
        about=f"worker {row.name} (pid {row.record.member.pid})",
    )


def _row(ask: Ask) -> WorkerRow:
    """Return the worker that the form names by its owner. Raises: Unanswerable unless it lives and can be told."""
    rows = worker_rows(ask.engine, now=ask.now)
    row = next((row for row in rows if row.record.member.owner == ask.given("owner")), None)
    if row is None or not _can_be_told(row):
        raise Unanswerable("conflict", "This worker cannot be told anything", hint="Only a live worker listens.")
    return row


def _can_be_told(row: WorkerRow) -> bool:
    return row.kind == "worker" and row.record.alive


def _number(ask: Ask, name: str) -> int:
    text = ask.given(name).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_SLOTS)) and 1 <= int(text) <= MOST_SLOTS):
        raise Unanswerable("wrong", f"Expected {name} as a whole number from 1 on", hint=f"Got {visible(text, 40)!r}.")
    return int(text)


def _queue(ask: Ask) -> str:
    name = ask.given("queue").strip()
    if not name:
        raise Unanswerable("wrong", "Expected the name of a queue", hint="Type the one that is to be read.")
    return name
