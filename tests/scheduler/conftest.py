"""A store, and apps on it as several processes would have them, in time that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beat_ear import Ear
from beat_store import Store

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> Store:
    return Store(MemoryEngine(clock=clock), clock)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def make_app(store: Store) -> Iterator[Callable[..., Horarium]]:
    """Make an app on the store with the task ``ping`` and this ``beat_schedule``."""
    apps = []

    def make(entries: dict[str, Any] | None = None, main: str = "shop", **settings: Any) -> Horarium:
        app = Horarium(main, engine=store.engine, clock=store.clock, set_as_current=False, **settings)
        app.add_task(lambda number=0, city="": None, {"name": "ping"})
        app.conf.beat_schedule = entries or {}
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.close()
