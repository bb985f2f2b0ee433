"""Coroutines never talk to the store on the event loop's own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from horarium import Horarium
from horarium.app.connection import Connection
from horarium.engines.memory import MemoryEngine
from horarium.testing import drain

VERBS = {
    "queue": ("put", "settle", "claim"),
    "results": ("read", "search", "forget"),
    "notifier": ("notify", "listen"),
    "inspector": ("act", "counts"),
}


class Watched(Horarium):
    """An app that notes which threads open its store, and which ask something of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__("watched", store="memory://", set_as_current=False)
        self.asked: dict[str, set[int]] = {}
        store = MemoryEngine()
        for protocol, verbs in VERBS.items():
            for verb in verbs:
                part = getattr(store, protocol)
                monkeypatch.setattr(part, verb, self.noting(verb, getattr(part, verb)))
        monkeypatch.setattr(store, "now", self.noting("now", store.now))
        monkeypatch.setattr(Connection, "_connect", lambda connection: self.noting("connect", lambda: store)())

        @self.task(name="add")
        def add(x: int, y: int) -> int:
            return x + y

    def noting(self, name: str, verb: Callable[..., Any]) -> Callable[..., Any]:  # Any: any verb's
        def noted(*args: Any, **options: Any) -> Any:
            self.asked.setdefault(name, set()).add(threading.get_ident())
            return verb(*args, **options)

        return noted

    def asked_by_loop(self) -> list[str]:
        return sorted(name for name, threads in self.asked.items() if threading.get_ident() in threads)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


def test_a_call_is_stored_by_another_thread(app: Watched) -> None:
    async def send() -> None:
        await app.tasks["add"].adelay(1, 2)
        await app.tasks["add"].aapply_async((1, 2), countdown=5)
        await app.asend_many([app.tasks["add"].s(1, 2), ("add", (3, 4))])

    asyncio.run(send())
    assert {"connect", "put"} <= app.asked.keys()
    assert app.asked_by_loop() == []


def test_a_result_is_waited_for_by_other_threads(app: Watched) -> None:
    async def wait() -> int:
        result = await app.tasks["add"].adelay(1, 2)
        waiting = asyncio.create_task(result.aget(timeout=10))
        await asyncio.to_thread(drain, app)
        await asyncio.to_thread(app.engine.notifier.notify, ["results"])
        value: int = await waiting
        return value

    assert asyncio.run(wait()) == 3
    assert {"read", "listen"} <= app.asked.keys()
    assert app.asked_by_loop() == []


def test_a_result_is_looked_for_by_another_thread_when_nothing_was_sent_from_here(app: Watched) -> None:
    async def look() -> None:
        with pytest.raises(LookupError):
            await app.AsyncResult("nobody's").aget(timeout=10)

    asyncio.run(look())
    assert {"connect", "read"} <= app.asked.keys()
    assert app.asked_by_loop() == []


def test_the_watch_itself_sees_what_it_is_there_for(app: Watched) -> None:
    async def send() -> None:
        app.tasks["add"].delay(1, 2)

    asyncio.run(send())
    assert {"connect", "put"} <= set(app.asked_by_loop())
