"""The life of the store beside that of an application, in one process; what runs beside it is only asked for here."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.testclient import TestClient
from web_process import SOURCE, eventually

from horarium import Horarium
from horarium.contrib.asgi import WithLifespan, lifespan, running
from horarium.contrib.embedding import Embedding, path_of
from horarium.contrib.embedding.__main__ import Guardian
from horarium.errors import ImproperlyConfigured, InvalidSetting
from horarium.event import Event, Troubled
from horarium.testing.sandbox import sandbox


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Horarium]:
    app = Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False)
    yield app
    app.close()


def test_the_projects_own_lifespan_is_inside_of_ours(app: Horarium) -> None:
    seen: list[tuple[str, bool]] = []

    @asynccontextmanager
    async def own(web: FastAPI) -> AsyncIterator[dict[str, Any]]:
        seen.append(("begin", app.connection.is_open))
        yield {"pool": 7}
        seen.append(("end", app.connection.is_open))

    web = FastAPI(lifespan=lifespan(app, around=own))

    @web.get("/")
    async def look(request: Request) -> list[Any]:
        return [request.state.pool, request.state.horarium.main]

    with TestClient(web) as client:
        assert client.get("/").json() == [7, "shop"]
    assert seen == [("begin", True), ("end", True)]
    assert not app.connection.is_open


def test_a_router_may_bring_the_lifespan_along(app: Horarium) -> None:
    part = APIRouter(lifespan=lifespan(app))

    @part.get("/")
    async def look(request: Request) -> bool:
        return request.state.horarium is app and app.connection.is_open

    web = FastAPI()
    web.include_router(part)
    with TestClient(web) as client:
        assert client.get("/").json() is True
    assert not app.connection.is_open


def test_the_last_of_several_lifespans_closes_the_store(app: Horarium) -> None:
    async def story() -> None:
        async with running(app):
            async with running(app):
                assert app.connection.is_open
            assert app.connection.is_open
        assert not app.connection.is_open

    asyncio.run(story())


def test_a_store_that_is_away_does_not_keep_the_application_from_starting(caplog: pytest.LogCaptureFixture) -> None:
    app = Horarium("shop", store="redis://127.0.0.1:1/0", set_as_current=False, task_publish_timeout=0.2)

    async def story() -> None:
        async with running(app):
            assert "the store cannot be reached yet" in caplog.text

    asyncio.run(story())


def test_a_store_of_this_process_alone_gets_no_worker_beside_it() -> None:
    app = Horarium("shop", store="memory://", set_as_current=False)
    web = FastAPI(lifespan=lifespan(app, worker=True))
    with pytest.raises(ImproperlyConfigured, match=r"in tests horarium\.testing\.start_worker"), TestClient(web):
        pass


def test_an_app_that_a_test_has_put_on_a_store_of_its_own_gets_no_worker_and_keeps_it(app: Horarium) -> None:
    web = FastAPI(lifespan=lifespan(app, worker=True, beat=True))
    with sandbox({}, {}, project=app):
        with TestClient(web):
            engine = app.connection.engine
        assert app.connection.engine is engine
        assert not engine.capabilities.shared
    assert not app.connection.is_open


def test_bad_options_are_refused_before_anything_is_started(app: Horarium) -> None:
    with pytest.raises(InvalidSetting):
        Embedding(app, worker=True, path="shop:app", pool="fibres")
    with pytest.raises(ImproperlyConfigured, match=r"got 'concurency'; did you mean concurrency\?"):
        Embedding(app, worker=True, path="shop:app", concurency=2)
    with pytest.raises(ImproperlyConfigured, match="expected something to embed"):
        Embedding(app, path="shop:app")


def test_an_app_that_no_module_holds_is_refused(app: Horarium) -> None:
    with pytest.raises(ImproperlyConfigured, match="make it in a module of its own"):
        path_of(app)


def test_a_module_without_a_web_framework_is_preferred(app: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, held in {"a_web": {"web": FastAPI(), "app": app}, "b_tasks": {"queue": app}}.items():
        module = types.ModuleType(name)
        vars(module).update(held)
        monkeypatch.setitem(sys.modules, name, module)
    assert path_of(app) == "b_tasks:queue"


def test_an_embedding_may_be_stopped_before_it_is_started_and_twice(app: Horarium) -> None:
    embedding = Embedding(app, worker=True, path="shop:app")
    embedding.stop()
    embedding.start()
    embedding.stop()
    assert embedding.pid is None


def test_a_worker_that_cannot_start_is_told_of_and_tried_again(app: Horarium) -> None:
    heard: list[Event] = []

    class Ears:
        is_detailed = True

        def enter(self, process: str) -> None: ...

        def tell(self, event: Event) -> None:
            heard.append(event)

    embedding = Embedding(app, beat=True, path="no_such_module:app", observer=Ears())
    embedding.start()
    eventually(lambda: len(heard) == 2, "another try")
    embedding.stop()
    first = heard[0]
    assert isinstance(first, Troubled)
    assert (first.where, first.reason.split(" ", 2)[2]) == ("embedded scheduler", "ended with exit code 1")
    assert first.wait is not None


def test_a_guardian_asks_once_when_its_parent_is_another_one(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, time\n"
        "from horarium.contrib.embedding.__main__ import Guardian\n"
        "heard = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: heard.append(1))\n"
        "Guardian(os.getppid() + 1, look_every=0.01).run()\n"
        "print(len(heard))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout == "1\n"
    guardian = Guardian(os.getppid(), look_every=60.0)
    guardian.stop()
    assert guardian.run() == 0


@pytest.mark.parametrize(
    ("module", "strangers"),
    [
        ("asgi", {"starlette", "fastapi", "flask", "django", "uvicorn"}),
        ("embedding", {"starlette", "fastapi", "flask", "django", "asyncio"}),
        ("starlette", {"fastapi", "pydantic", "flask", "django"}),
        ("flask", {"starlette", "fastapi", "django"}),
    ],
)
def test_a_framework_does_without_the_others(module: str, strangers: set[str]) -> None:
    program = f"import sys, horarium.contrib.{module}; print(*{strangers} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.split() == []


class Server:
    """A server's side of the lifespan protocol."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[Any] = []
        self.state: dict[str, Any] = {}

    async def send(self, message: Any) -> None:
        self.heard.append(message["type"])
        if message["type"] == "lifespan.startup.complete":
            self.told.put_nowait({"type": "lifespan.shutdown"})

    async def serve(self, application: Any) -> None:
        self.told.put_nowait({"type": "lifespan.startup"})
        await application({"type": "lifespan", "state": self.state}, self.told.get, self.send)


COMPLETE = ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_an_application_without_a_lifespan_gets_one(app: Horarium) -> None:
    calls: list[str] = []

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        calls.append(scope["type"])
        if scope["type"] == "lifespan":
            raise ValueError("what is a lifespan?")  # as Django does

    async def story() -> None:
        server, wrapped = Server(), WithLifespan(plain, app)
        await server.serve(wrapped)
        assert server.heard == COMPLETE
        assert server.state == {"horarium": app}
        await wrapped({"type": "http"}, server.told.get, server.send)

    asyncio.run(story())
    assert calls == ["lifespan", "http"]
    assert not app.connection.is_open


def test_an_application_with_a_lifespan_keeps_it(app: Horarium) -> None:
    seen: list[tuple[str, bool]] = []

    @asynccontextmanager
    async def own(web: FastAPI) -> AsyncIterator[None]:
        seen.append(("begin", app.connection.is_open))
        yield
        seen.append(("end", app.connection.is_open))

    server = Server()
    asyncio.run(server.serve(WithLifespan(FastAPI(lifespan=own), app)))
    assert (server.heard, seen) == (COMPLETE, [("begin", True), ("end", True)])
    assert not app.connection.is_open


def test_an_application_that_fails_to_start_is_told_of_as_it_says(app: Horarium) -> None:
    @asynccontextmanager
    async def own(web: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    server = Server()
    asyncio.run(server.serve(WithLifespan(FastAPI(lifespan=own), app)))
    assert server.heard == ["lifespan.startup.failed"]
    assert not app.connection.is_open


def test_a_worker_that_cannot_be_embedded_fails_the_start(app: Horarium) -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None: ...

    server = Server()
    with pytest.raises(ImproperlyConfigured):
        asyncio.run(server.serve(WithLifespan(plain, app, worker=True)))
    assert server.heard == ["lifespan.startup.failed"]
