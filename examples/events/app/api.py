"""The API for front-ends: what is on, and visits on demand, which a worker makes. Start it with `uvicorn app.api:api`.

Worker and scheduler are processes of their own, or live with it: EVENTS_EMBEDDED=1. What asks the database is a plain
`def`: FastAPI runs it in a thread, so no other request waits for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

from app.celery_app import app, settings
from app.store import UnknownSource, open_store
from app.tasks import health_check, ingest_source, scrape_mote, scrape_vanwezel
from horarium import Task
from horarium.contrib.fastapi import Accepted, accepted, lifespan, router


class EventOut(BaseModel):
    """An event as a front-end shows it."""

    starts: datetime
    title: str
    venue: str


api = FastAPI(title="What is on in town", lifespan=lifespan(app, worker=settings.embedded, beat=settings.embedded))
api.include_router(router(app))  # GET /tasks/{task_id}: state, result, progress; /tasks/{task_id}/events: as it happens


@api.get("/events")
def upcoming(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[EventOut]:
    """What comes next."""
    with open_store(settings.database) as store:
        rows = store.upcoming(datetime.now(UTC), limit)
    return [EventOut(starts=starts, title=title, venue=venue) for starts, title, venue in rows]


def visit_of(source_id: int) -> Task:
    """Return the task that visits a source: its pages or, if it has some, its feeds."""
    try:
        with open_store(settings.database) as store:
            store.source(source_id)
            return ingest_source if store.feeds(source_id) else scrape_vanwezel
    except UnknownSource as unknown:
        raise HTTPException(404, str(unknown)) from unknown


@api.post("/sources/{source_id}/visits", status_code=202, response_model=Accepted)
async def visit(source_id: int, task: Annotated[Task, Depends(visit_of)], request: Request) -> Any:
    """Visit a source now. The answer says where the visit can be followed."""
    return accepted(await task.adelay(source_id), request)


@api.post("/sources/{source_id}/feeds", status_code=202, response_model=Accepted)
async def look_for_feeds(source_id: int, request: Request, months_ahead: int = 2) -> Any:
    """Look for the feeds of a source that links them."""
    return accepted(await scrape_mote.adelay(source_id, months_ahead=months_ahead), request)


@api.get("/health")
async def health() -> Any:
    """Have a worker say that it works, within ten seconds."""
    handle = await health_check.adelay()
    return await handle.aget(timeout=10)
