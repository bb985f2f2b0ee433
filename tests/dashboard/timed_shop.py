"""A shop whose store keeps the test's own time, for pages that tell when things fire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard.audit import Entry, read_day
from horarium.engines.memory import MemoryEngine
from horarium.scheduler.beat import Scheduler
from horarium.schedules.crontab import crontab
from horarium.testing import drain

DAY = 86_400


@contextmanager
def timed_shop(clock: ManualClock) -> Iterator[Horarium]:
    """Open a shop in memory. Its code defines one schedule, ``nightly``."""
    with Horarium(
        "shop", store="memory://", timezone="Europe/Berlin", set_as_current=False, result_expires=30 * DAY
    ) as app:

        @app.task(name="shop.charge")
        def charge(order: int, gently: bool = False) -> int:
            if order < 0:
                raise ValueError("gateway refused <b>it</b>")
            return order

        app.conf.beat_schedule = {
            "nightly": {"task": "shop.charge", "schedule": crontab(minute=30, hour=2), "args": [7]}
        }
        with app.connection.replaced(MemoryEngine(clock=clock), clock):
            yield app


def beat(app: Horarium, clock: ManualClock, seconds: float = 0) -> None:
    """Let time pass, then a scheduler and a worker work."""
    clock.advance(seconds)
    Scheduler(app).tick(clock.now())
    drain(app)


def audited(app: Horarium) -> list[Entry]:
    """Return what the audit holds of today, the newest first."""
    now = app.engine.now()
    return read_day(app.engine, now, now=now)[0]


def told(client: TestClient, answer: object) -> str:
    """Follow a change to where it shows; return the page."""
    page = client.get(answer.headers["location"])  # type: ignore[attr-defined]  # an answer of httpx
    assert page.status_code == 200
    return page.text
