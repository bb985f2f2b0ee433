"""The API for front-ends: what is on, and visits on demand. Worker and scheduler live in it: `uvicorn app.api:api`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

from app.celery_app import app, settings
from app.store import UnknownSource, open_store
from app.tasks import ingest_source, scrape_vanwezel
from horarium.contrib.fastapi import Accepted, accepted, lifespan, router


class EventOut(BaseModel):
    """An event as a front-end shows it."""

    starts: datetime
    title: str
    venue: str


api = FastAPI(title="What is on in town", lifespan=lifespan(app, worker=True, beat=True))
api.include_router(router(app))


@api.get("/events")
def upcoming(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[EventOut]:
    """What comes next."""
    with open_store(settings.database) as store:
        rows = store.upcoming(datetime.now(UTC), limit)
    return [EventOut(starts=starts, title=title, venue=venue) for starts, title, venue in rows]


@api.post("/sources/{source_id}/visits", status_code=202, response_model=Accepted)
def visit(source_id: int, request: Request) -> Any:
    """Visit a source now: its pages or, if it has some, its feeds. The answer says where the visit can be followed."""
    try:
        with open_store(settings.database) as store:
            store.source(source_id)
            task = ingest_source if store.feeds(source_id) else scrape_vanwezel
    except UnknownSource as unknown:
        raise HTTPException(404, str(unknown)) from unknown
    return accepted(task.delay(source_id), request)
