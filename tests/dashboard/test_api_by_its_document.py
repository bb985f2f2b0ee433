"""Whatever the API's own document lets a caller send, it answers; and answers as the document says.

schemathesis makes the requests of the document, always the same ones: a few for each route, so that this takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from shop_floor import ended, worker
from starlette.types import ASGIApp

from horarium import Horarium, crontab
from horarium.clock import ManualClock
from horarium.dashboard import web
from horarium.dashboard.api.application import document
from horarium.dashboard.person import Open

EXAMPLES = 3  # of each route
ENDLESS = "/events"  # it streams for ever; test_api reads it
GONE = "/workers/{id}/resize"  # waits for a worker to answer; test_flower_api tells workers
# What there is, so that not every answer is a 404.
THERE = {"runs": "run", "workflows": "run", "schedules": "hourly", "queues": "default", "workers": "w1@vm"}
schema = schemathesis.openapi.from_dict({**document(), "servers": [{"url": "/api/v1"}]})
schema.config.phases.coverage.enabled = False  # some forty more of each route


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


@schema.exclude(path=[ENDLESS, GONE]).parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_that_the_document_allows_is_a_server_error(case: Case, site: ASGIApp, clock: ManualClock) -> None:
    for name, value in case.path_parameters.items():
        known = THERE.get(case.path.split("/")[1])
        if known is not None and len(str(value)) % 2:  # about every second one; the others stay as odd as they are
            case.path_parameters[name] = known
    clock.advance(60.0)  # or the guard would soon take no more from one address
    options: dict[str, Any] = {"headers": {"Authorization": "Bearer x"}}  # as programs send one
    case.call_and_validate(app=site, checks=[not_a_server_error], base_url="http://127.0.0.1/api/v1", **options)
