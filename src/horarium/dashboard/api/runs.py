"""Runs: look for them, make them, run them again, cancel them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from msgspec import Raw
from msgspec.structs import replace
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from horarium.app import again
from horarium.app.registry import nearest
from horarium.clock import Instant, Seconds, milliseconds, to_instant
from horarium.dashboard.api.cursors import Seal
from horarium.dashboard.api.door import (
    PROBLEMS,
    Call,
    Caller,
    Changed,
    GuardedRoute,
    IdempotencyKey,
    Problem,
    changes,
    reads,
)
from horarium.dashboard.api.shapes import (
    AttemptShape,
    Given,
    Json,
    Made,
    Name,
    Paged,
    Reason,
    RunShape,
    Told,
    WholeRunShape,
    attempt_fields,
    run_fields,
)
from horarium.dashboard.ask import part
from horarium.dashboard.person import Role
from horarium.engines.records import Note, RunFilter
from horarium.errors import NotRegistered
from horarium.message import HIGHEST_PRIORITY, Message, derived_id
from horarium.observe import effects
from horarium.observe.contents import Contents
from horarium.observe.matching import Sight
from horarium.observe.moments import iso
from horarium.observe.question import asked, either, every, parse, written
from horarium.observe.redacted import shown_run
from horarium.observe.searching import Plan, plan_of, search
from horarium.outcome import Run

router = APIRouter(tags=["runs"], route_class=GuardedRoute)

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=4000)]
THERE = {**PROBLEMS, 200: {"model": Made, "description": "It was there already."}}
PARTS = {**PROBLEMS, 200: {"content": {"application/json": {"schema": {}}}}}
MOST_COUNTED = 10_001  # of each state
MOST_SEARCHED = 5000  # runs that one page looks into
ORDER_KEPT: Seconds = 86_400.0  # how long a key of a change is known again
ORDERED = "idempotency:"  # notes: what the key of a change has asked for
LONGEST: float = 10 * 365 * 86_400.0  # seconds that a call may be put off


class Calling(Given):
    """A call. Only tasks that the app, or a worker that lives, knows are taken."""

    task: Name
    args: Annotated[list[Json], Field(max_length=1000, default_factory=list)]
    kwargs: Annotated[dict[str, Json], Field(default_factory=dict)]
    queue: Name | None = None
    priority: Annotated[int, Field(ge=0, le=9)] | None = None
    eta: AwareDatetime | None = None
    countdown: Annotated[float, Field(ge=0, le=LONGEST)] | None = None
    expires: AwareDatetime | None = None
    max_retries: Annotated[int, Field(ge=0, le=10_000)] | None = None


class Cancelling(Given):
    terminate: Annotated[bool, Field(description="End its process too, if it runs.")] = False
    reason: Reason = ""


class Ranking(Given):
    """Higher runs first. 5 is what calls have that name none."""

    priority: Annotated[int, Field(ge=0, le=HIGHEST_PRIORITY, strict=True)]
    reason: Reason = ""


class Repeating(Given):
    reason: Reason = ""


@reads(router, "/runs", is_long=True, response_model=Paged[RunShape])
def list_runs(
    call: Call,
    q: Annotated[str, Query(max_length=1000, description="As in the dashboard's search: state:failed since:1h")] = "",
    state: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006  # FastAPI's way; never changed
    task: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006
    queue: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006
    since: AwareDatetime | None = None,
    before: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:
    """List runs, the latest created first. ``state``, ``task`` and ``queue`` are exact, and may be given several times.

    What only looking into runs can tell is looked for in 5,000 of them for each page: a page may be short, or empty,
    and have a ``next`` all the same.
    """
    question = every(
        parse(q),
        *(either(*(asked(name, value) for value in values)) for name, values in _several(state, task, queue) if values),
        *(
            asked(name, iso(at))
            for name, at in (("since", instant(since)), ("before", instant(before)))
            if at is not None
        ),
    )
    sight = Sight(now=call.now, zone="UTC", contents=Contents(call.app))
    seal = Seal(call.engine, now=call.now)
    place = seal.place(cursor, "runs", written(question), limit)
    plan = plan_of(question, sight)
    page = search(call.engine.results, plan, sight, limit=limit, after=place.after, most=MOST_SEARCHED)
    is_all = place.after is None and page.next is None
    total, is_capped = _total(call, plan, len(page.runs), is_all=is_all)
    return {
        "items": [run_fields(call.app, run, call.now) for run in page.runs],
        "next": seal.cursor(place.following(page.next)),
        "prev": seal.cursor(place.preceding()),
        "approx_total": total,
        "total_is_capped": is_capped,
    }


@changes(
    router,
    "POST",
    "/runs",
    role=Role.OPERATOR,
    action="runs.call",
    shape=Made,
    status_code=201,
    responses=THERE,
)
def call_task(call: Call, body: Calling, idempotency_key: IdempotencyKey = None) -> Changed:
    """Send a task. 201: it is stored. 200: this key made it before, or another run holds its unique key."""
    _require_known(call, body.task)
    options = body.model_dump(exclude={"task", "args", "kwargs"}, exclude_none=True)
    if idempotency_key is not None:
        options["task_id"] = _id_of(call, idempotency_key)
    task = call.app.known_task(body.task)
    message, placed = call.app.producer.send(body.task, task, body.args, body.kwargs, options)
    if placed is False:
        _require_same(call, message)
    id, is_new = (placed, False) if isinstance(placed, str) else (message.id, placed)
    return _made(call, id, body.task, f"sent {body.task}", is_new=is_new)


@reads(router, "/runs/{id}/attempts", response_model=Paged[AttemptShape])
def list_attempts(call: Call, id: str) -> Any:
    """List the attempts of a run, the first one first; of very many the newest."""
    return {"items": [attempt_fields(attempt) for attempt in shown_run(found(call, id), call.app).attempts]}


@reads(router, "/runs/{id}/logs", response_model=Paged[str])
def list_logs(call: Call, id: str) -> Any:
    """List the lines that a run has logged, as far as they are kept."""
    return {"items": list(shown_run(found(call, id), call.app).logs)}


@reads(router, "/runs/{id}/parts/{name}", response_class=Response, responses=PARTS)
def show_part(call: Call, id: str, name: Literal["args", "kwargs", "result", "meta"]) -> Any:
    """Return one of a run's values whole, however long it is, as JSON."""
    body = Contents(call.app).whole(found(call, id), name)
    if body is None:
        raise Problem(404, "not_found", f"this run has no {name}", hint="its state tells whether it has ended")
    return Response(body, media_type="application/json")


@changes(
    router,
    "POST",
    "/runs/{id}/retry",
    role=Role.OPERATOR,
    action="runs.retry",
    shape=Made,
    status_code=201,
    responses=THERE,
)
def retry_run(call: Call, id: str, body: Repeating | None = None, idempotency_key: IdempotencyKey = None) -> Changed:
    """Send the call of a run that has ended once more, as a new run."""
    run = found(call, id)
    if why := again.refusal(run):
        raise Problem(409, "cannot_run_again", f"this run cannot be sent again: {why}")
    wanted = again.repeated(run, call.now)
    if idempotency_key is not None:
        wanted = replace(wanted, id=_id_of(call, idempotency_key))
    [(message, placed)] = again.send_repeated(call.engine, [wanted])
    made, is_new = (placed, False) if isinstance(placed, str) else (message.id, placed)
    if placed is False:
        _require_same(call, message)
    reason = "" if body is None else body.reason
    return _made(call, made, message.task, f"sent {id} again", is_new=is_new, reason=reason)


@changes(router, "POST", "/runs/{id}/cancel", role=Role.OPERATOR, action="runs.cancel", shape=Told)
def cancel_run(call: Call, id: str, body: Cancelling | None = None) -> Changed:
    """Cancel a run: one that waits never starts; one that runs goes on, unless it is to be terminated."""
    wish = body or Cancelling()
    run = found(call, id)
    changed = call.app.control.revoke(id, terminate=wish.terminate)
    if not changed:
        raise Problem(409, "nothing_to_cancel", f"nothing was cancelled: the run is {run.state}")
    return Changed(
        body=Told(text=f"cancelled {id}"),
        text=f"cancelled {id}",
        about=id,
        reason=wish.reason,
        before={"state": run.state},
        after={"terminate": wish.terminate},
    )


@changes(router, "POST", "/runs/{id}/priority", role=Role.OPERATOR, action="runs.priority", shape=RunShape)
def set_priority(call: Call, id: str, body: Ranking, idempotency_key: IdempotencyKey = None) -> Changed:
    """Give a run that waits another priority. 409: it runs already, or has ended, and nothing was done. A repeat with
    the same key within a day does nothing, though somebody else may have given it another one since."""
    run = found(call, id)
    wish = Raw(msgspec.json.encode((id, body.priority)))
    key = None if idempotency_key is None else ORDERED + derived_id("priority", call.person.name, idempotency_key)
    is_repeated = key is not None and _is_repeated(call, key, wish)
    if not is_repeated:
        effect = effects.set_priority(call.app, run, body.priority)
        if not effect.was_done:
            text = f"nothing was done: {effect.text}"
            raise Problem(409, "not_waiting", text, hint="only what waits has a place in line")
        if key is not None:
            note = Note(key=key, text=wish, expires=call.now + milliseconds(ORDER_KEPT))
            call.engine.notes.post([note], now=call.now)
    return Changed(
        body=run_fields(call.app, found(call, id), call.now),
        text=f"gave {id} priority {body.priority}",
        about=id,
        reason=body.reason,
        before={"priority": run.message.priority},
        after={"priority": body.priority},
        is_trial=is_repeated or run.message.priority == body.priority,
    )


@reads(router, "/runs/{id}", response_model=WholeRunShape)
def show_run(call: Call, id: str) -> Any:
    """Return a run with its arguments and its result."""
    return run_fields(call.app, found(call, id), call.now, is_whole=True)


def found(call: Caller, id: str) -> Run:
    """Return a run. Raises: Problem."""
    [run] = call.engine.results.read([id])
    if run is None:
        raise Problem(404, "not_found", "nothing is known of this run", hint="it may have been kept long enough")
    return run


def instant(moment: AwareDatetime | None) -> Instant | None:
    return None if moment is None else max(to_instant(moment), 0)


def _several(state: list[str], task: list[str], queue: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("state", state), ("task", task), ("queue", queue)


def _total(call: Caller, plan: Plan, found: int, *, is_all: bool) -> tuple[int | None, bool]:
    """Return how many runs fit, and whether they are more than that, where it is known without reading them."""
    if is_all:
        return found, False
    if plan.rest is not None or plan.filter != RunFilter(states=plan.filter.states):
        return None, False
    states, wanted = call.engine.inspector.counts(most=MOST_COUNTED).states, plan.filter.states
    numbers = [number for name, number in states.items() if not wanted or name in wanted]
    return sum(numbers), any(number >= MOST_COUNTED for number in numbers)


def _require_known(call: Caller, task: str) -> None:
    """Raises: NotRegistered, with the nearest name."""
    if task in call.app.tasks:
        return
    members = call.engine.inspector.workers(now=call.now)
    elsewhere = {name for each in members if each.alive for name in each.member.tasks}
    if task not in elsewhere:
        raise NotRegistered(task, nearest(task, [*call.app.tasks, *elsewhere]))


def _id_of(call: Caller, key: str) -> str:
    """Return the id of the run that this person's key stands for."""
    return derived_id("idempotency", call.person.name, key)


def _is_repeated(call: Caller, key: str, wish: Raw) -> bool:
    """Tell whether this key has asked for the same before. Raises: Problem when it has asked for something else."""
    notes = call.engine.notes.read(key, now=call.now)
    if notes and bytes(notes[0].text) != bytes(wish):
        raise Problem(
            409, "key_was_used", "this Idempotency-Key has made another change", hint="use a new key for each"
        )
    return bool(notes)


def _require_same(call: Caller, message: Message) -> None:
    """Raises: Problem when the run that the key made is of another call."""
    [run] = call.engine.results.read([message.id])
    if run is None:
        return
    old = run.message
    if (old.task, bytes(old.args), bytes(old.kwargs)) != (message.task, bytes(message.args), bytes(message.kwargs)):
        raise Problem(409, "key_was_used", "this Idempotency-Key has made another call", hint="use a new key for each")


def _made(call: Caller, id: str, task: str, text: str, *, is_new: bool, reason: str = "") -> Changed:
    url = f"{call.base}/api/v1/runs/{part(id)}"
    return Changed(
        body=Made(id=id, task=task, is_new=is_new, url=url),
        text=text,
        about=id,
        status=None if is_new else 200,
        headers={"Location": url},
        reason=reason,
        is_trial=not is_new,
    )
