"""What happens, as it happens (a stream of events), and whether the dashboard itself is well."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from horarium.clock import Seconds
from horarium.dashboard.api.door import Call, Caller, GuardedRoute, Problem, admitted, office_of, reads
from horarium.dashboard.api.runs import found
from horarium.dashboard.api.shapes import run_fields
from horarium.dashboard.person import Role
from horarium.engines.protocol import Engine
from horarium.errors import EngineUnavailable, HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium

router = APIRouter(tags=["watch"], route_class=GuardedRoute)

EVERY: Seconds = 1.0  # each stream reads the journal
MOST_STREAMS = 5  # of one person
AT_ONCE = 500  # entries of one reading
PING_EVERY = 15  # seconds; proxies end what is silent
TOPICS = ("task", "worker")


class Wellness(BaseModel):
    status: str


@reads(router, "/events", response_class=EventSourceResponse)
async def events(
    call: Call,
    request: Request,
    topics: Annotated[str, Query(max_length=100, description="task, worker, or both with a comma")] = "task,worker",
    last_event_id: Annotated[str | None, Header(max_length=500)] = None,
) -> Any:
    """Stream what workers tell of tasks and of themselves, as server-sent events; Last-Event-ID goes on after one.

    Workers tell of tasks when they were started with ``-E``, or told to by ``horarium control enable_events``.
    """
    wanted = tuple(each.strip() for each in topics.split(","))
    unknown = [each for each in wanted if each not in TOPICS]
    if unknown:
        raise Problem(422, "unknown_topic", f"expected topics among {', '.join(TOPICS)}, got {unknown[0][:50]}")
    return _streamed(request, call, told(call.engine, wanted, last_event_id, _welcome(request)))


@reads(router, "/runs/{id}/events", response_class=EventSourceResponse)
async def run_events(
    call: Call, request: Request, id: str, last_event_id: Annotated[str | None, Header(max_length=500)] = None
) -> Any:
    """Stream a run as it is now and whenever it changes, until it has ended, as server-sent events.

    Each is named ``run`` and holds the run as a listing shows it, with its progress; ``ended`` is the last one. It is
    the run itself that is read, about once a second: no worker need tell of events.
    """
    await asyncio.to_thread(found, call, id)
    return _streamed(request, call, changes_of(call.app, id, last_event_id, _welcome(request)))


async def changes_of(
    app: Horarium, id: str, after: str | None, is_welcome: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Yield a run whenever it differs from what was told last, until it has ended or is kept no more."""
    while await asyncio.to_thread(is_welcome):
        try:
            event = await asyncio.to_thread(_event_of, app, id)
        except EngineUnavailable:
            await asyncio.sleep(EVERY)  # it goes on as soon as the store can be read
            continue
        is_last = event.event != "run"
        if is_last or event.id != after:
            yield event
        if is_last:
            return
        after = event.id
        await asyncio.sleep(EVERY)


def _event_of(app: Horarium, id: str) -> ServerSentEvent:
    """Return a run as it is; the event's id tells it from every other state of it. Raises: EngineUnavailable."""
    [run] = app.engine.results.read([id])
    if run is None:
        return ServerSentEvent(data="{}", event="gone")
    text = json.dumps(run_fields(app, run, app.engine.now()))
    mark = hashlib.sha256(text.encode()).hexdigest()[:16]
    return ServerSentEvent(data=text, event="ended" if run.has_ended else "run", id=mark)


async def told(
    engine: Engine, topics: tuple[str, ...], after: str | None, is_welcome: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Yield the journal from a place on, or from now, as long as whoever reads it may. ``missed`` tells that there was
    more than the journal keeps."""
    place = after
    while await asyncio.to_thread(is_welcome):
        try:
            page = await asyncio.to_thread(engine.journal.tail, place, AT_ONCE)
        except (EngineUnavailable, ValueError, OverflowError) as error:
            # An id that is none of the journal's, or a store that is away: from now on, as soon as it can be read.
            yield ServerSentEvent(data=json.dumps({"reason": type(error).__name__}), event="missed")
            place = None
            await asyncio.sleep(EVERY)
            continue
        if page.missed:
            yield ServerSentEvent(data="{}", event="missed")
        entries = [json.loads(bytes(entry)) for entry in page.entries]
        for number, entry in enumerate(entries, 1):
            kind = str(entry.get("type", ""))
            if kind.partition("-")[0] in topics:
                is_last = number == len(entries)
                yield ServerSentEvent(data=json.dumps(entry), event=kind, id=page.next if is_last else None)
        if place is None:
            yield ServerSentEvent(data="{}", event="begun", id=page.next)
        place = page.next
        if len(entries) < AT_ONCE:
            await asyncio.sleep(EVERY)


def _welcome(request: Request) -> Callable[[], bool]:
    """Return what tells whether whoever opened a stream may read on."""

    def is_welcome() -> bool:
        try:
            admitted(request, Role.VIEWER)
        except (Problem, EngineUnavailable):
            return False  # whoever still may comes back
        return True

    return is_welcome


def _streamed(request: Request, call: Caller, events: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
    """Return the answer that streams events. Raises: Problem when they have as many streams as one may."""
    streams = office_of(request).streams
    if streams[call.person.name] >= MOST_STREAMS:
        raise Problem(429, "too_many_streams", f"you have {MOST_STREAMS} streams open already")
    return EventSourceResponse(
        _counted(streams, call.person.name, events),
        ping=PING_EVERY,
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


async def _counted(
    streams: Counter[str], who: str, events: AsyncIterator[ServerSentEvent]
) -> AsyncIterator[ServerSentEvent]:
    if streams[who] >= MOST_STREAMS:
        return  # others that asked in the same moment have taken the last one
    streams[who] += 1
    try:
        async for event in events:
            yield event
    finally:
        streams[who] -= 1


@reads(router, "/livez", role=Role.NOBODY, response_model=Wellness)
def livez() -> Any:
    """Whether this process answers. Asks no store; tells nothing else; needs no authorization."""
    return {"status": "ok"}


@reads(router, "/readyz", role=Role.NOBODY, response_model=Wellness)
def readyz(call: Call) -> Any:
    """Whether the store can be worked with: 200 or 503. Needs no authorization."""
    try:
        call.engine.check()
    except HorariumError:
        raise Problem(503, "not_ready", "not ready", hint="the log says why") from None
    return {"status": "ok"}
