"""What happens, as it happens (a stream of events), and whether the dashboard itself is well."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from horarium.clock import Seconds
from horarium.dashboard.api.door import Call, GuardedRoute, Problem, admitted, office_of, reads
from horarium.dashboard.person import Role
from horarium.engines.protocol import Engine
from horarium.errors import EngineUnavailable, HorariumError

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
    streams = office_of(request).streams
    if streams[call.person.name] >= MOST_STREAMS:
        raise Problem(429, "too_many_streams", f"you have {MOST_STREAMS} streams open already")

    def is_welcome() -> bool:
        try:
            admitted(request, Role.VIEWER)
        except (Problem, EngineUnavailable):
            return False  # whoever still may comes back
        return True

    return EventSourceResponse(
        _counted(streams, call.person.name, told(call.engine, wanted, last_event_id, is_welcome)),
        ping=PING_EVERY,
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


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
