"""A small shop of tasks on the memory engine, with time that stands still, and a drain for a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from canvas_words import Shop

from horarium.app.app import Horarium
from horarium.app.current import chosen
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Shop]:
    app = Horarium("shop", engine=MemoryEngine(clock=clock), clock=clock, set_as_current=False)
    with app, chosen(app):
        app.finalize()
        yield Shop(app)
