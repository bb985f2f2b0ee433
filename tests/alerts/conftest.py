"""Sinks for what alerts send, and a shop in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sinks import HttpSink, Mails, http_sink, mail_sink

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as found:
        yield found


@pytest.fixture
def mails() -> Iterator[Mails]:
    with mail_sink() as found:
        yield found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Horarium]:
    with Horarium(
        "shop", engine=MemoryEngine(clock), clock=clock, timezone="Europe/Berlin", set_as_current=False
    ) as app:

        @app.task(name="shop.charge")
        def charge(order: int) -> int:
            return order

        yield app
