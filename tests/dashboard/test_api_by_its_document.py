"""Whatever the API's own document lets a caller send, it answers; and answers as the document says.

schemathesis makes the requests of the document, always the same ones: EXAMPLES for each route and role, of what the
document allows and of what it does not. About every second one is fitted to what there is, or almost no answer would be
more than a refusal. As a viewer and as an admin, since a refusal of the door is an answer too. Of each answer is asked
that it is no server error, and that its status, its media type and its shape stand in the document: schemathesis
takes the document's ``default`` for each status that is not named, so a success that is not is told by its shape.

It is loaded by the first of these tests and not before: that takes a second or two, which each process that collects
would pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans, one_of
from shop_floor import ended, worker
from starlette.types import ASGIApp

from horarium import Horarium, crontab
from horarium.clock import ManualClock
from horarium.dashboard import web
from horarium.dashboard.api.application import PREFIX, document, known_routes
from horarium.dashboard.api.door import role_of
from horarium.dashboard.person import Open, Role

if TYPE_CHECKING:
    from schemathesis import BaseSchema, Case

EXAMPLES = {Role.VIEWER: 3, Role.ADMIN: 8}  # of each route
ENDLESS = "/events"  # it streams for ever; test_api reads it
GONE = "/workers/{id}/resize"  # waits for a worker to answer; test_flower_api tells workers
# What there is, so that not every answer is a 404.
THERE = {
    "runs": "run",
    "bulk": "order",
    "workflows": "run",
    "schedules": "hourly",
    "queues": "default",
    "workers": "w1@vm",
}
FITTING: dict[str, Any] = {
    "task": "shop.add",
    "args": [1, 2],
    "kwargs": {},
    "schedule": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "ids": ["run"],
    "q": "state:succeeded",
}
BODIES: dict[str, Any] = {
    "/bulk": {"action": "retry", "q": "state:succeeded", "dry_run": True},
    "/runs": {"task": "shop.add", "args": [1, 2]},
}
LEAST = {
    (method, route.path): role_of(route)
    for route in known_routes()
    for method in sorted(route.methods)
    if route.include_in_schema and route.path not in (ENDLESS, GONE)
}
ROUTES = list(LEAST)


@cache
def schema() -> BaseSchema:
    import schemathesis

    found = schemathesis.openapi.from_dict({**document(), "servers": [{"url": PREFIX}]})
    found.config.phases.coverage.enabled = False  # some forty more of each route
    return found


@pytest.fixture
def site(clock: ManualClock, role: Role) -> Iterator[ASGIApp]:
    with Horarium("shop", store="memory://", clock=clock, set_as_current=False) as app:

        @app.task(name="shop.add")
        def add(a: int, b: int) -> int:
            return a + b

        ended(app, "run")
        worker(app, running="r1")
        app.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
        yield web(app, access=Open(role))


@pytest.mark.parametrize("role", EXAMPLES, ids=lambda role: role.word)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_each_request_is_answered_as_the_document_says(
    site: ASGIApp, clock: ManualClock, method: str, path: str, role: Role
) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as of_the_document

    checks = [
        not_a_server_error,
        of_the_document.status_code_conformance,
        of_the_document.content_type_conformance,
        of_the_document.response_schema_conformance,
    ]
    answered = set()

    @settings(
        max_examples=EXAMPLES[role],
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=one_of(*(schema()[path][method].as_strategy(generation_mode=mode) for mode in GenerationMode)),
        is_fitted=booleans(),
    )
    def ask(case: Case, is_fitted: bool) -> None:
        if is_fitted:
            fit(case, path)
        clock.advance(60.0)  # or the guard would soon take no more from one address
        options: dict[str, Any] = {"headers": {"Authorization": "Bearer x"}}  # as programs send one
        base = f"http://127.0.0.1{PREFIX}"
        answer = case.call_and_validate(app=site, checks=checks, base_url=base, **options)
        answered.add(answer.status_code)

    ask()
    assert role >= LEAST[method, path] or answered - {400} == {403}  # 400: what is no path at all


def fit(case: Case, path: str) -> None:
    """Let a request be about what there is."""
    known = THERE.get(path.split("/")[1])
    if known is not None and case.path_parameters:
        case.path_parameters |= {name: known for name in case.path_parameters if name in ("id", "name")}
    if path in BODIES:
        case.body = BODIES[path]
    elif isinstance(case.body, dict):
        case.body |= {name: value for name, value in FITTING.items() if name in case.body}


def test_every_operation_of_the_document_is_asked() -> None:
    found = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert found - set(ROUTES) == {("GET", ENDLESS), ("POST", GONE)}
