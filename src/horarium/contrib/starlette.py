"""At home in Starlette, and in what is built on it: the 202 of a call, the status of a run, its events, as routes.

Needs Starlette and, for streams, sse-starlette (extra ``fastapi`` has both). Who may ask is the project's to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from sse_starlette.sse import EventSourceResponse
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import NoMatchFound, Route

from horarium.app.result import AsyncResult
from horarium.clock import Seconds
from horarium.contrib.asgi import LONGEST, LOOK_EVERY, STATE, WithLifespan, follow, lifespan, running
from horarium.contrib.status import status_of
from horarium.errors import EngineUnavailable, ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.app.app import Horarium

__all__ = [
    "WithLifespan",
    "accepted",
    "app_of",
    "follow",
    "lifespan",
    "result_of",
    "routes",
    "running",
    "streamed",
    "unavailable",
]

RUN_ROUTE = "horarium_run"  # the name of the route of a run's status, for url_for
LONGEST_ID = 255
HEARTBEAT_EVERY: Seconds = 15.0  # proxies drop what is silent for 30 s or 60 s
SEND_WITHIN: Seconds = 30.0  # a reader that takes nothing for so long has gone
AWAY = "the store of tasks cannot be reached; try again in a moment"
ASK_LATER = {"Retry-After": "5"}
MOST_STREAMS = 1000  # at a time, of one process: each asks the store once a second


def app_of(connection: HTTPConnection) -> Horarium:
    """Return the app that ``lifespan`` has put into the state. Raises: ImproperlyConfigured when none was."""
    app: Horarium | None = getattr(connection.state, STATE, None)
    if app is None:
        raise ImproperlyConfigured(
            "expected an app in the state of the request, got none; make the application with "
            "lifespan=lifespan(app), and in tests use TestClient as a context manager"
        )
    return app


async def result_of(app: Horarium, task_id: str) -> AsyncResult:
    """Return the handle of a run that the store knows. Raises: HTTPException 404 for another id, 503 when the store
    cannot be reached."""
    if task_id and len(task_id) <= LONGEST_ID and task_id.isprintable():
        result = AsyncResult(task_id, app=app)
        try:
            if await asyncio.to_thread(result.exists):
                return result
        except EngineUnavailable as error:
            raise HTTPException(503, AWAY, ASK_LATER) from error
    raise HTTPException(404, f"expected the id of a run that is kept, got {task_id[:LONGEST_ID]!r}")


def accepted(
    result: AsyncResult, request: Request | None = None, *, url: str | None = None, retry_after: int = 1
) -> JSONResponse:
    """Return a 202 that says where a run can be followed: ``id`` and ``status_url`` as JSON, ``Location`` and
    ``Retry-After`` (seconds) as headers.

    The address is ``url``, else that of the route of ``router(app)`` or ``routes(app)`` in this application, as a path:
    right behind any proxy. Without either it is left out.
    """
    status_url = url if url is not None else _url_of(result.id, request)
    headers = {"Retry-After": str(retry_after)} | ({"Location": status_url} if status_url else {})
    return JSONResponse({"id": result.id, "status_url": status_url}, status_code=202, headers=headers)


def streamed(
    result: AsyncResult,
    *,
    look_every: Seconds = LOOK_EVERY,
    longest: Seconds = LONGEST,
    heartbeat_every: Seconds = HEARTBEAT_EVERY,
) -> Response:
    """Return a stream of server-sent events: ``status`` at each change, ``end`` when the run has ended, its status as
    data.

    It ends then, after ``longest`` seconds, when the reader goes and when the server stops; an EventSource connects
    again after all but the last, so close it at ``end``. Raises: HTTPException 503 past ``MOST_STREAMS`` at a time.
    """
    if _Stream.count >= MOST_STREAMS:
        raise HTTPException(503, "too many runs are being followed; ask for the status instead", ASK_LATER)
    return _Stream(
        _told(follow(result, look_every=look_every, longest=longest)),
        ping=heartbeat_every,
        send_timeout=SEND_WITHIN,
    )


async def unavailable(request: Request, error: Exception) -> Response:
    """Answer 503: ``web.add_exception_handler(EngineUnavailable, unavailable)`` is for handlers that send while the
    store cannot be reached. What it says names no address."""
    return JSONResponse({"detail": AWAY}, status_code=503, headers=ASK_LATER)


def routes(app: Horarium, *, prefix: str = "/tasks", revoke: bool = False) -> Sequence[Route]:
    """Return the routes of runs for Starlette: GET PREFIX/{task_id}, GET PREFIX/{task_id}/events and, with ``revoke``,
    DELETE PREFIX/{task_id}. FastAPI's users include ``router(app)`` instead."""

    async def show(request: Request) -> Response:
        return JSONResponse(await current_status(await result_of(app, request.path_params["task_id"])))

    async def stream(request: Request) -> Response:
        return streamed(await result_of(app, request.path_params["task_id"]))

    async def cancel(request: Request) -> Response:
        result = await result_of(app, request.path_params["task_id"])
        return JSONResponse(await revoked(result), status_code=202)

    path = f"{prefix}/{{task_id}}"
    made = [Route(path, show, methods=["GET"], name=RUN_ROUTE), Route(f"{path}/events", stream, methods=["GET"])]
    return [*made, Route(path, cancel, methods=["DELETE"])] if revoke else made


async def current_status(result: AsyncResult) -> dict[str, Any]:
    """Return what status_of says now. Raises: HTTPException 404 when the run is not kept any more."""
    run = await asyncio.to_thread(lambda: result.run)
    if run is None:
        raise HTTPException(404, f"expected the id of a run that is kept, got {result.id!r}")
    return status_of(run)


async def revoked(result: AsyncResult, *, terminate: bool = False) -> dict[str, Any]:
    """Cancel a run and return its status; one that runs may go on for a while. Raises: HTTPException 409 for one that
    has ended."""
    if await asyncio.to_thread(result.ready):
        raise HTTPException(409, f"expected a run that has not ended, {result.id} has")
    await asyncio.to_thread(result.revoke, terminate=terminate)
    return await current_status(result)


class _Stream(EventSourceResponse):
    count = 0  # of those that are being read; the event loop's

    async def __call__(self, *asgi: Any) -> None:
        _Stream.count += 1
        try:
            await super().__call__(*asgi)
        finally:
            _Stream.count -= 1


async def _told(statuses: AsyncIterator[dict[str, Any]]) -> AsyncIterator[dict[str, str]]:
    async for status in statuses:
        yield {"event": "end" if status["ready"] else "status", "data": msgspec.json.encode(status).decode()}


def _url_of(id: str, request: Request | None) -> str | None:
    """Return the path of a run's route: of the application that the request is in, else of the one around it."""
    if request is None:
        return None
    with suppress(NoMatchFound):
        path: str = request.app.url_path_for(RUN_ROUTE, task_id=id)
        return f"{request.scope.get('root_path', '')}{path}"
    with suppress(NoMatchFound):
        return str(request.url_for(RUN_ROUTE, task_id=id).path)
    return None
