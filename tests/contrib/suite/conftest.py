"""What several modules of the suite use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from beat_in_hand import Beat

from horarium import Horarium
from horarium.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop_app(clock: ManualClock) -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", clock=clock, set_as_current=False) as app:
        yield app


@pytest.fixture
def beat(shop_app: Horarium, clock: ManualClock) -> Beat:
    """A scheduler of the database's tables."""
    return Beat(shop_app, clock)
