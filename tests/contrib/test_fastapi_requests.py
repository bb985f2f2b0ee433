"""Dependencies, the 202, the router of runs and its stream, asked as a client asks them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import apsw
import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from horarium import Horarium
from horarium.app.result import AsyncResult
from horarium.contrib import starlette as rooms
from horarium.contrib.fastapi import Accepted, Queue, accepted, lifespan, results, router, streamed, unavailable
from horarium.errors import EngineUnavailable
from horarium.testing import start_worker

PATIENCE = 20.0


@pytest.fixture
def app() -> Iterator[Horarium]:
    app = Horarium("shop", store="memory://", set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def add(app: Horarium) -> Any:
    @app.task(name="shop.add")
    def add(a: int, b: int) -> int:
        return a + b

    return add


def web_of(app: Horarium, **choices: Any) -> FastAPI:
    web = FastAPI(lifespan=lifespan(app))
    web.include_router(router(app, **choices))
    return web


def test_a_handler_sends_and_waits_row_69(app: Horarium, add: Any) -> None:
    web = web_of(app)

    @web.get("/sum")
    async def total(a: int, b: int) -> int:
        value: int = await (await add.adelay(a, b)).aget(timeout=PATIENCE)
        return value

    with TestClient(web) as client, start_worker(app):
        assert client.get("/sum", params={"a": 1, "b": 2}).json() == 3


def test_the_queue_sends_tasks_and_names_with_options(app: Horarium, add: Any) -> None:
    web = web_of(app)

    @web.post("/by-task")
    async def by_task(request: Request, queue: Annotated[Queue, Depends()]) -> Any:
        return accepted(await queue.send(add, 1, b=2), request)

    @web.post("/by-name")
    async def by_name(queue: Annotated[Queue, Depends()]) -> Any:
        return (await queue.apply_async("shop.add", [3, 4], countdown=60)).id

    @web.get("/look/{id}")
    async def look(id: str, queue: Annotated[Queue, Depends()]) -> Any:
        result = await queue.result(id)
        return await asyncio.to_thread(lambda: result.args)

    with TestClient(web) as client, start_worker(app):
        answer = client.post("/by-task")
        assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
        assert answer.headers["location"] == answer.json()["status_url"] == f"/tasks/{answer.json()['id']}"
        app.AsyncResult(answer.json()["id"]).get(timeout=PATIENCE)
        shown = client.get(answer.headers["location"]).json()
        assert (shown["state"], shown["ready"], shown["successful"], shown["result"]) == ("SUCCESS", True, True, 3)
        later = client.post("/by-name").json()
        assert client.get(f"/tasks/{later}").json()["state"] == "PENDING"
        assert client.get(f"/look/{later}").json() == [3, 4]


def test_a_queue_without_a_lifespan_says_what_to_do() -> None:
    web = FastAPI()

    @web.get("/")
    async def handler(queue: Annotated[Queue, Depends()]) -> None: ...

    with TestClient(web) as client, pytest.raises(Exception, match=r"make the application with lifespan=lifespan\(app"):
        client.get("/")


@pytest.mark.parametrize("id", ["nope", "x" * 10_000, "a%00b", "%F0%9F%92%A9"])
def test_an_id_that_nobody_knows_is_a_404(app: Horarium, id: str) -> None:
    with TestClient(web_of(app)) as client:
        answer = client.get(f"/tasks/{id}")
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith("expected the id of a run that is kept, got ")
        assert len(answer.content) < 1000
        assert client.get(f"/tasks/{id}/events").status_code == 404


def test_results_are_a_dependency_of_ones_own_routes(app: Horarium, add: Any) -> None:
    web = FastAPI(lifespan=lifespan(app))

    @web.get("/sums/{task_id}")
    async def show(result: Annotated[AsyncResult, Depends(results())]) -> str:
        return result.id

    with TestClient(web) as client:
        id = add.delay(1, 2).id
        assert client.get(f"/sums/{id}").json() == id
        assert client.get("/sums/other").status_code == 404
        assert [each["name"] for each in web.openapi()["paths"]["/sums/{task_id}"]["get"]["parameters"]] == ["task_id"]


def test_a_failure_is_told_without_its_traceback(app: Horarium) -> None:
    @app.task(name="shop.fail")
    def fail() -> None:
        raise ValueError("no such article")

    with TestClient(web_of(app)) as client, start_worker(app):
        result = fail.delay()
        result.get(timeout=PATIENCE, propagate=False)
        answer = client.get(f"/tasks/{result.id}")
    assert answer.json()["error"] == {"type": "ValueError", "message": "no such article"}
    assert answer.json()["result"] is None
    assert "Traceback" not in answer.text


def test_openapi_shows_what_a_status_is(app: Horarium) -> None:
    schema = web_of(app, revoke=True).openapi()
    assert set(schema["paths"]) == {"/tasks/{task_id}", "/tasks/{task_id}/events"}
    assert set(schema["paths"]["/tasks/{task_id}"]) == {"get", "delete"}
    fields = {
        "id",
        "task",
        "state",
        "ready",
        "successful",
        "result",
        "error",
        "progress",
        "created",
        "started",
        "ended",
    }
    assert set(schema["components"]["schemas"]["RunStatus"]["properties"]) == fields


def test_a_run_is_revoked_only_where_the_project_allows_it(app: Horarium, add: Any) -> None:
    with TestClient(web_of(app)) as client:
        assert client.delete(f"/tasks/{add.delay(1, 2).id}").status_code == 405
    with TestClient(web_of(app, revoke=True)) as client:
        result = add.delay(1, 2)
        assert client.delete(f"/tasks/{result.id}").json()["state"] == "REVOKED"
        assert client.delete(f"/tasks/{result.id}").status_code == 409


def test_the_routers_dependencies_say_who_may_ask(app: Horarium, add: Any) -> None:
    def known(request: Request) -> None:
        if request.headers.get("authorization") != "Bearer secret":
            raise HTTPException(401)

    with TestClient(web_of(app, prefix="/runs", dependencies=[Depends(known)])) as client:
        path = f"/runs/{add.delay(1, 2).id}"
        assert [client.get(p).status_code for p in (path, f"{path}/events", "/runs/other")] == [401] * 3
        assert client.get(path, headers={"authorization": "Bearer secret"}).status_code == 200


def test_the_address_of_a_run_is_right_below_a_prefix_and_left_out_where_there_is_none(app: Horarium, add: Any) -> None:
    inner = FastAPI()
    inner.include_router(router(app))

    @inner.post("/add", status_code=202, response_model=Accepted)
    async def send(request: Request) -> Any:
        return accepted(await add.adelay(1, 2), request)

    bare = FastAPI()

    @bare.post("/add")
    async def send_bare(request: Request, url: str | None = None) -> Any:
        return accepted(await add.adelay(1, 2), request, url=url, retry_after=5)

    web = FastAPI(lifespan=lifespan(app))
    web.mount("/api", inner)
    with TestClient(web, root_path="/shop") as client:
        answer = client.post("/shop/api/add")
        assert answer.headers["location"] == f"/shop/api/tasks/{answer.json()['id']}"
    with TestClient(bare) as client:
        nowhere = client.post("/add")
        assert (nowhere.json()["status_url"], nowhere.headers.get("location")) == (None, None)
        own = client.post("/add", params={"url": "/jobs/1"})
        assert (own.headers["location"], own.headers["retry-after"]) == ("/jobs/1", "5")


def test_starlette_alone_has_the_same_routes(app: Horarium, add: Any) -> None:
    async def send(request: Request) -> Any:
        return accepted(await add.adelay(1, 2), request)

    routes = [Route("/add", send, methods=["POST"]), *rooms.routes(app, revoke=True)]
    web = Starlette(routes=routes, lifespan=rooms.lifespan(app))
    with TestClient(web) as client:
        where = client.post("/add").headers["location"]
        assert client.get(where).json()["state"] == "PENDING"
        assert client.delete(where).status_code == 202
        assert client.get(where).json()["state"] == "REVOKED"
        assert "event: end" in client.get(f"{where}/events").text
    assert Mount("/x", routes=rooms.routes(app)).routes


def told(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.splitlines() for block in text.replace("\r\n", "\n").split("\n\n") if "data: " in block]
    return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]


def test_a_stream_follows_a_run_to_its_end(app: Horarium) -> None:
    goes_on = Event()

    @app.task(name="shop.steps", bind=True)
    def steps(self: Any) -> str:
        self.progress(1, 2, "half")
        assert goes_on.wait(PATIENCE)
        return "done"

    web = FastAPI(lifespan=lifespan(app))

    @web.get("/follow/{task_id}")
    async def follow(result: Annotated[AsyncResult, Depends(results())]) -> Any:
        async def until_half() -> None:
            while (await asyncio.to_thread(lambda: result.progress)) is None:
                await asyncio.sleep(0.01)  # between two looks at a fact
            asyncio.get_running_loop().call_later(0.1, goes_on.set)

        follow.task = asyncio.create_task(until_half())  # type: ignore[attr-defined]
        return streamed(result, look_every=0.01)

    with TestClient(web) as client, start_worker(app):
        answer = client.get(f"/follow/{steps.delay().id}")
    assert answer.headers["content-type"].startswith("text/event-stream")
    heard = told(answer.text)
    assert [name for name, _ in heard[:-1]] == ["status"] * (len(heard) - 1)
    assert {"done": 1.0, "total": 2.0, "note": "half"} in [status["progress"] for _, status in heard[:-1]]
    name, last = heard[-1]
    assert (name, last["state"], last["result"]) == ("end", "SUCCESS", "done")


def test_a_stream_has_a_heartbeat_and_an_end(app: Horarium, add: Any) -> None:
    web = FastAPI(lifespan=lifespan(app))

    @web.get("/follow/{task_id}")
    async def follow(result: Annotated[AsyncResult, Depends(results())]) -> Any:
        return streamed(result, longest=0.5, heartbeat_every=0.1)

    with TestClient(web) as client:
        answer = client.get(f"/follow/{add.delay(1, 2).id}")
    assert [name for name, _ in told(answer.text)] == ["status"]
    assert answer.text.count(": ping") >= 2


def test_a_store_that_is_away_is_a_503_that_names_no_address() -> None:
    app = Horarium("shop", store="redis://127.0.0.1:1/0", set_as_current=False, task_publish_timeout=0.1)
    web = web_of(app)
    web.add_exception_handler(EngineUnavailable, unavailable)

    @web.post("/")
    async def send(queue: Annotated[Queue, Depends()]) -> Any:
        return accepted(await queue.send("shop.add", 1, 2))

    with TestClient(web) as client:
        for answer in (client.post("/"), client.get("/tasks/some-id")):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "6379" not in answer.text and "127.0.0.1" not in answer.text


def test_streams_are_bounded(app: Horarium, add: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "MOST_STREAMS", 0)
    with TestClient(web_of(app)) as client:
        answer = client.get(f"/tasks/{add.delay(1, 2).id}/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_reader_that_goes_leaves_nothing_behind(app: Horarium, add: Any) -> None:
    async def story() -> None:
        web = web_of(app)
        id = add.delay(1, 2).id
        gone = asyncio.Event()
        begun = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                begun.set()

        scope = {"type": "http", "method": "GET", "path": f"/tasks/{id}/events", "headers": [], "query_string": b""}
        reading = asyncio.create_task(web(scope, receive, send))
        await asyncio.wait_for(begun.wait(), PATIENCE)
        assert rooms._Stream.count == 1
        assert app.connection.watch._waiting
        gone.set()
        await asyncio.wait_for(reading, PATIENCE)
        assert rooms._Stream.count == 0
        assert not app.connection.watch._waiting

    asyncio.run(story())


def test_the_loop_goes_on_while_the_store_is_busy_row_69(tmp_path: Path) -> None:
    app = Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False)

    @app.task(name="shop.nothing")
    def nothing() -> None: ...

    async def story() -> str:
        await nothing.adelay()
        with closing(apsw.Connection(str(tmp_path / "shop.db"))) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else can write
            sending = asyncio.create_task(nothing.adelay())
            for _ in range(50):  # turns that a loop which waited for the store would not get to before it gave up
                await asyncio.sleep(0.001)
            assert not sending.done()
            other.execute("ROLLBACK")
        return (await asyncio.wait_for(sending, PATIENCE)).id

    with app:
        assert app.AsyncResult(asyncio.run(story())).exists()
