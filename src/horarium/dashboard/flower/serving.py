"""The routes of Flower's API as the site serves them: who may, what goes wrong, and what the audit keeps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, compile_path

from horarium.app.result import AsyncResult
from horarium.clock import Seconds
from horarium.dashboard.api import PREFIX
from horarium.dashboard.api.door import (
    ROUTES,
    Caller,
    Changed,
    Json,
    Problem,
    admit,
    headers_of,
    problem_of,
    record,
    refusal,
)
from horarium.dashboard.ask import part
from horarium.dashboard.flower import tasks, workers
from horarium.dashboard.flower.asked import Asked, Did, FlowerRoute, Refused
from horarium.dashboard.metrics import exposition
from horarium.dashboard.metrics.collecting import MEDIA
from horarium.dashboard.person import Access, Role
from horarium.dashboard.places import Places
from horarium.errors import HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger("horarium.web")

LONGEST_WAIT: Seconds = 300.0  # for a result
WAITS, WAITS_EACH = 100, 10  # for results at once: each holds a connection, and looks at the store
WAITING = ("/api/task/apply/", "/api/task/result/")
FORM = "application/x-www-form-urlencoded"

# Flower's pages, and ours in their place. (Its /workers is ours too; its /tasks, of runs, is our /runs.)
MOVED = {"/task/{part:path}": "/runs/", "/worker/{part:path}": "/workers/", "/broker": "/queues"}

NOWHERE = ("/api/{rest:path}", "/flower/{rest:path}")  # what else is below these is no page
ANY = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def known() -> Iterator[tuple[str, str, Role]]:
    """Yield method, path and least role of each route."""
    for method, path, role, _ in known_routes():
        yield method, path, role


def known_routes() -> Iterator[tuple[str, str, Role, str]]:
    """Yield method, path, least role, and what it does, of each route."""
    for route in _ROUTES:
        yield ("POST" if route.is_change else "GET"), route.path, route.role, route.function.__doc__ or ""
    yield "GET", "/metrics", Role.VIEWER, ""
    yield "GET", "/healthcheck", Role.NOBODY, ""
    for path in MOVED:
        yield "GET", path, Role.NOBODY, ""


def flower_routes(
    app: Horarium, access: Access, places: Places, *, sends_unregistered: bool = False
) -> list[BaseRoute]:
    """Return the routes for an app. ``sends_unregistered``: send also tasks that nobody knows."""
    waits = Places(WAITS, WAITS_EACH)
    made: list[BaseRoute] = [
        Route(
            each.path,
            _endpoint(app, access, places, waits, each, sends_unregistered),
            methods=["POST" if each.is_change else "GET"],
            name=each.name,
        )
        for each in _ROUTES
    ]
    made.append(Route("/metrics", _metrics(app, access, places), methods=["GET"], name="flower.metrics"))
    made.append(Route("/healthcheck", _healthcheck, methods=["GET"], name="flower.healthcheck"))
    made += [Route(path, _nowhere, methods=ANY, name=f"flower{path}") for path in NOWHERE]
    made += [Route(path, _moved(target), methods=["GET"], name=f"flower{path}") for path, target in MOVED.items()]
    return made


def _endpoint(
    app: Horarium, access: Access, places: Places, waits: Places, route: FlowerRoute, sends_unregistered: bool
) -> Callable[[Request], Any]:
    needed = places if route.is_long else waits if route.path.startswith(WAITING) else None

    async def endpoint(request: Request) -> Response:
        try:
            body = await request.body() if route.is_change else b""
            call = await asyncio.to_thread(admit, request, app, access, route.role)
            given = _given(request, body)
            asked = Asked(call=call, part=_part(request), given=given, body=body, sends_unregistered=sends_unregistered)
            async with nullcontext() if needed is None else needed.place(call.person.name):
                await _await_end(asked, route)
                answer = await asyncio.to_thread(_answer, asked, route)
                if route.path.startswith("/api/task/apply/"):
                    answer = await _with_result(asked, answer)
            return Json(answer)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is answered, and our own mistakes are logged
            return _refusal(request, error)

    return endpoint


def _answer(asked: Asked, route: FlowerRoute) -> Any:  # Any: JSON
    found = route.function(asked)
    if not isinstance(found, Did):
        return found
    record(asked.call, route.name, Changed(body=None, text=found.text, about=found.about))
    return found.body


async def _await_end(asked: Asked, route: FlowerRoute) -> None:
    """Wait for the end of a run whose result is asked for, as long as the caller wants."""
    timeout = asked.seconds("timeout") if route.path.startswith("/api/task/result/") else None
    if timeout and asked.call.app.connection.keeps_results:
        await _ended(asked.call, asked.part, min(timeout, LONGEST_WAIT))


async def _with_result(asked: Asked, answer: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    """Return what was sent with its result, once it has ended; after LONGEST_WAIT without."""
    if not asked.call.app.connection.keeps_results:
        return answer
    await _ended(asked.call, answer["task-id"], LONGEST_WAIT)
    return await asyncio.to_thread(tasks.result_of, asked, answer["task-id"])


async def _ended(call: Caller, id: str, within: Seconds) -> None:
    try:
        await AsyncResult(id, app=call.app).aget(timeout=within, propagate=False)
    except HorariumError as error:  # it has not ended, is not known, or cannot be read: the answer says which
        logger.debug("waited for %s: %s", id, error)


def _part(request: Request) -> str:
    """Return the name in the path, decoded whole; see guard.routed."""
    return unquote(str(request.path_params.get("part", "")))


def _given(request: Request, body: bytes) -> dict[str, str]:
    """Return what stands in the address, and in the body of a form; the last of several, as tornado has it."""
    given = dict(request.query_params)
    if body and request.headers.get("content-type", "").startswith(FORM):
        given |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return given


def _refusal(request: Request, error: Exception) -> Response:
    """Answer in a plain sentence."""
    if isinstance(error, Refused):
        return PlainTextResponse(error.text, error.status)
    problem = problem_of(error)
    if problem.status == 500:
        logger.error("request %s failed", request.state.request_id, exc_info=error)
    status = 400 if problem.status == 422 else problem.status
    return PlainTextResponse(f"{problem.text} {problem.hint}".strip(), status, headers_of(request, problem))


def _metrics(app: Horarium, access: Access, places: Places) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            call = await asyncio.to_thread(admit, request, app, access, Role.VIEWER)
            async with places.place(call.person.name):
                return Response(await asyncio.to_thread(exposition, app), media_type=MEDIA)
        except Exception as error:  # noqa: BLE001  # as above
            return _refusal(request, error)

    return endpoint


async def _healthcheck(request: Request) -> Response:
    return PlainTextResponse("OK")


async def _nowhere(request: Request) -> Response:
    """Answer as programs expect it what no route is for, without a word from the store."""
    root = request.scope.get("root_path", "")
    path = request.scope["path"].removeprefix(root)
    if path == PREFIX:
        return refusal(request, Problem(404, "http_404", "Not Found", hint=ROUTES))
    allowed = sorted(
        {"POST" if each.is_change else "GET" for each in _ROUTES if compile_path(each.path)[0].match(path)}
    )
    if allowed:
        return PlainTextResponse("Method Not Allowed", 405, {"Allow": ", ".join(allowed)})
    return PlainTextResponse(f"There is no {path[:200]} here. Flower's routes are below {root}/api/.", 404)


def _moved(target: str) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        base = request.scope.get("root_path", "")
        return RedirectResponse(f"{base}{target}{part(_part(request))}", 302)

    return endpoint


_ROUTES: tuple[FlowerRoute, ...] = (*tasks.shelf.routes, *workers.shelf.routes)
