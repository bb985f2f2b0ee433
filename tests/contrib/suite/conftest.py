"""What several modules of the suite use.

The suite runs where Horarium is not installed but on the path, too: then its plugin is named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from beat_in_hand import Beat

from horarium import Horarium
from horarium.clock import ManualClock

# The pages are looked at in one environment, that of `make test` itself; the others have no browser.
collect_ignore = [] if find_spec("playwright") else ["test_browser_pages.py", "test_browser_journeys.py"]


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


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("horarium"):
        config.pluginmanager.import_plugin("horarium.testing.plugin")
