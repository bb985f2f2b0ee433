"""An app may be closed while coroutines wait for results: they find out by themselves, and nothing else goes wrong."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from horarium import Horarium
from horarium.errors import ResultTimeout

WATCHER = "horarium-results-watch"


def test_closing_an_app_ends_its_watcher_and_leaves_waiting_coroutines_to_look_by_themselves(tmp_path: Path) -> None:
    app = Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db")

    async def wait_and_close() -> None:
        waiting = asyncio.create_task(app.send_task("nobody").aget(timeout=1.5))
        while not (watchers := [each for each in threading.enumerate() if each.name == WATCHER]):
            await asyncio.sleep(0.01)  # the thread is started by the loop: let it go on
        app.close()
        await asyncio.to_thread(watchers[0].join, 5.0)
        assert not watchers[0].is_alive()
        assert not waiting.done()
        with pytest.raises(ResultTimeout):
            await waiting

    asyncio.run(wait_and_close())
    app.close()
