"""An app on the memory engine, with time that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(clock: ManualClock) -> Iterator[Horarium]:
    with Horarium("shop", engine=MemoryEngine(clock=clock), clock=clock) as app:
        yield app
