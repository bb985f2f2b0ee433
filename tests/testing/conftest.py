"""pytest in pytest: projects of a few lines, whose own tests use the plugin."""

from __future__ import annotations

import pytest

from horarium.app import shared

pytest_plugins = ("pytester",)

PLUGIN = "horarium.testing.plugin"

SHOP = """
from horarium import shared_task

outbox = []


@shared_task
def mail(address, *, subject="hello"):
    outbox.append(address)
    return f"sent to {address}"


@shared_task(bind=True, max_retries=3, default_retry_delay=60)
def call(self, times):
    if self.request.retries < times:
        raise self.retry(exc=ConnectionError("busy"))
    return self.request.retries


@shared_task
def again():
    again.delay()


@shared_task
async def add(x, y):
    return x + y
"""


@pytest.fixture
def project(
    pytester: pytest.Pytester, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """A project with the module ``shop``, where warnings are errors."""
    if not request.config.pluginmanager.hasplugin("horarium"):  # installed before the plugin had an entry point
        monkeypatch.setenv("PYTEST_PLUGINS", PLUGIN)
    monkeypatch.setattr(shared, "shared_tasks", [])  # those of the project before are not this one's
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(shop=SHOP)
    pytester.syspathinsert()
    return pytester
