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
from horarium.dashboard import web
from horarium.dashboard.api.application import document
from horarium.dashboard.person import Open

EXAMPLES = 4  # of each route
ENDLESS = "/events"  # it streams for ever; test_api reads it
GONE = "/workers/{id}/resize"  # waits for a worker to answer; test_flower_api tells workers
schema = schemathesis.openapi.from_dict({**document(), "servers": [{"url": "/api/v1"}]})


@pytest.fixture(scope="module")
def site() -> Iterator[ASGIApp]:
    with Horarium("shop", store="memory://", set_as_current=False) as app:

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
def test_no_request_that_the_document_allows_is_a_server_error(case: Case, site: ASGIApp) -> None:
    options: dict[str, Any] = {"headers": {"Authorization": "Bearer x"}}  # as programs send one
    case.call_and_validate(app=site, checks=[not_a_server_error], base_url="http://127.0.0.1/api/v1", **options)
