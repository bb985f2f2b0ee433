"""The API as one application, which the dashboard mounts: its routes, its document, and the page made from that."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from horarium.dashboard.api import alerts, bulk, coming, fleet, runs, schedules, stats, tokens, watch, workflows
from horarium.dashboard.api.door import (
    CSRF,
    OFFICE,
    ROLE,
    Call,
    GuardedRoute,
    Json,
    Office,
    Problem,
    reads,
    refusal,
    role_of,
)
from horarium.dashboard.api.reading import operations
from horarium.dashboard.api.shapes import ProblemShape
from horarium.dashboard.person import Access, Role
from horarium.dashboard.places import Places
from horarium.dashboard.rendering import render

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PREFIX = "/api/v1"
VERSION = "1.0"
ABOUT = """What the dashboard shows and does, for programs.

Every route names the least role that may use it (`x-role`). Moments are RFC 3339 in UTC, durations seconds, ids text.
Listings are pages: `next` and `prev` are cursors, to be given back as they are. Unknown fields are refused. What is
refused is told as `application/problem+json`, whose `code` is for programs."""

own = APIRouter(tags=["about"], route_class=GuardedRoute)
ROUTERS = (
    workflows.router,
    runs.router,
    bulk.router,
    coming.router,  # before the schedules, whose names its own words could be
    schedules.router,
    fleet.router,
    stats.router,
    alerts.router,
    tokens.router,
    watch.router,
    own,
)


class Application:
    """The API of an app, to be mounted at PREFIX. Opens nothing.

    Its routes are the same for all apps, and take FastAPI a while to make, so they are made once for a process; each
    request tells whose it is.
    """

    def __init__(self, app: Horarium, access: Access, places: Places) -> None:
        self._office = Office(app=app, access=access, mounted=PREFIX, places=places)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[OFFICE] = self._office
        await _routes()(scope, receive, send)


@cache
def _routes() -> FastAPI:
    made = FastAPI(
        title="Horarium", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None,
        redirect_slashes=False, default_response_class=Json,
    )  # fmt: skip
    for router in ROUTERS:
        made.include_router(router)
    made.add_exception_handler(HTTPException, _answer_http)
    return made


def routes() -> Iterator[tuple[str, str, Role]]:
    """Yield method, path (below the dashboard) and least role of each route."""
    for route in known_routes():
        for method in sorted(route.methods or ()):
            yield method, PREFIX + route.path, role_of(route)


def known_routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


@cache
def document() -> dict[str, Any]:  # Any: OpenAPI
    """Return the OpenAPI document, made once. It is the same for every app; nobody changes it."""
    found = get_openapi(
        title="Horarium",
        version=VERSION,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=known_routes(),
        servers=[{"url": PREFIX}],
    )
    parts = found.setdefault("components", {})
    parts.setdefault("schemas", {})["Problem"] = ProblemShape.model_json_schema()
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token, hor_…"},
        "basic": {"type": "http", "scheme": "basic"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "horarium_session",
            "description": f"A browser's session; each change needs its {CSRF} header too.",
        },
    }
    for path in found["paths"].values():
        for operation in path.values():
            if operation[ROLE] != Role.NOBODY.word:
                operation["security"] = [{"token": []}, {"basic": []}, {"session": []}]
    return found


@reads(own, "/openapi.json", include_in_schema=False)
def show_document(call: Call) -> Any:
    """Return this document."""
    return Json({**document(), "servers": [{"url": call.base + PREFIX}]})


@reads(own, "/docs", include_in_schema=False, response_class=HTMLResponse)
def show_page(call: Call) -> Any:
    """Return the document as a page."""
    whole = document()
    context: dict[str, Any] = {  # Any: whatever the template shows
        "title": "API",
        "told": None,
        "live_view": None,
        "prefix": PREFIX,
        "about": ABOUT.replace("`", ""),
        "operations": operations(whole, ROLE),
        "shapes": whole["components"]["schemas"],
    }
    return HTMLResponse(render("api/docs.html", call.ask(f"{PREFIX}/docs"), context))


async def _answer_http(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        # Starlette names the methods of the first route of this path only.
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        fitting = [route.methods or () for route in known_routes() if route.path_regex.match(path)]
        allowed = ", ".join(sorted(set().union(*fitting)))
        hint = f"it takes {allowed}"
        return refusal(request, Problem(405, "http_405", str(error.detail), hint=hint, headers={"Allow": allowed}))
    return refusal(request, error)
