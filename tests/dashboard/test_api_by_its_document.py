"""Whatever the API's own document lets a caller send, it answers; and answers as the document says.

schemathesis makes the requests of the document, always the same ones: a few for each route, so that this takes seconds.
It is loaded by the first of these tests and not before: that takes a second or two, which each process that collects
would pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from shop_floor import ended, worker
from starlette.types import ASGIApp

from horarium import Horarium, crontab
from horarium.clock import ManualClock
from horarium.dashboard import web
from horarium.dashboard.api.application import PREFIX, document, known_routes
from horarium.dashboard.person import Open

if TYPE_CHECKING:
    from schemathesis import BaseSchema, Case

EXAMPLES = 3  # of each route
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
ROUTES = [
    (method, route.path)
    for route in known_routes()
    for method in sorted(route.methods)
    if route.include_in_schema and route.path not in (ENDLESS, GONE)
]


@cache
def schema() -> BaseSchema:
    import schemathesis

    found = schemathesis.openapi.from_dict({**document(), "servers": [{"url": PREFIX}]})
    found.config.phases.coverage.enabled = False  # some forty more of each route
    return found


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def site(clock: ManualClock) -> Iterator[ASGIApp]:
    with Horarium("shop", store="memory://", clock=clock, set_as_current=False) as app:

        @app.task(name="shop.add")
        def add(a: int, b: int) -> int:
            return a + b

        ended(app, "run")
        worker(app, running="r1")
        app.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
        yield web(app, access=Open())


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_request_that_the_document_allows_is_a_server_error(
    site: ASGIApp, clock: ManualClock, method: str, path: str
) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=one_of(*(schema()[path][method].as_strategy(generation_mode=mode) for mode in GenerationMode)))
    def ask(case: Case) -> None:
        for name, value in case.path_parameters.items():
            known = THERE.get(path.split("/")[1])
            if known is not None and len(str(value)) % 2:  # about every second one; the others stay as odd as they are
                case.path_parameters[name] = known
        clock.advance(60.0)  # or the guard would soon take no more from one address
        options: dict[str, Any] = {"headers": {"Authorization": "Bearer x"}}  # as programs send one
        base = f"http://127.0.0.1{PREFIX}"
        case.call_and_validate(app=site, checks=[not_a_server_error], base_url=base, **options)

    ask()


def test_every_operation_of_the_document_is_asked() -> None:
    found = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    assert found - set(ROUTES) == {("GET", ENDLESS), ("POST", GONE)} and len(ROUTES) == len(set(ROUTES))
