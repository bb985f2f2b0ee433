"""A worker and a scheduler in a web process, as people run them: real servers, real signals."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from web_process import WebServer, eventually

from horarium.engines.records import Page, RunFilter

TASKS = """
import os, signal, time
from horarium import Horarium, every

app = Horarium("shop", store="sqlite:///shop.db")

@app.task
def add(a: int, b: int) -> int:
    return a + b

@app.task
def takes(seconds: float, note: str) -> str:
    open(note, "w").close()
    time.sleep(seconds)
    return note

@app.task(max_retries=0)
def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)

if os.path.exists("with_schedule"):
    app.conf.beat_schedule = {"tick": {"task": "shop.add", "schedule": every(1), "args": [1, 1]}}
"""

WEB = """
import json
from typing import Annotated
from fastapi import Depends, FastAPI, Request
from horarium.contrib.fastapi import Queue, accepted, lifespan, router
from shop import app

web = FastAPI(lifespan=lifespan(app, worker=True, beat=BEAT, concurrency=1, grace=5))
web.include_router(router(app))

@web.post("/send/{name}")
async def send(name: str, request: Request, queue: Annotated[Queue, Depends()]):
    given = {name: json.loads(value) for name, value in request.query_params.items()}
    return accepted(await queue.apply_async(name, kwargs=given), request)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(TASKS)
    (tmp_path / "main.py").write_text(WEB.replace("BEAT", "False"))
    return tmp_path


def test_ctrl_c_lets_what_runs_end_and_leaves_nothing(folder: Path) -> None:
    with WebServer(folder) as server:
        server.wait_for_ready()
        id = server.result("/send/shop.takes", seconds="1.0", note='"begun"')
        eventually((folder / "begun").exists, "the start of the task")
        server.family()
        os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does it
        server.process.wait(20)
        assert server.family() == []
        assert server.app.AsyncResult(id).get(timeout=1) == "begun"
        assert "Application shutdown complete" in server.said
        assert "given back" not in server.said


def test_a_web_process_that_is_killed_leaves_no_worker(folder: Path) -> None:
    with WebServer(folder) as server:
        server.wait_for_ready()
        id = server.result("/send/shop.takes", seconds="0.5", note='"begun"')
        eventually((folder / "begun").exists, "the start of the task")
        assert len(server.family()) >= 3
        server.process.kill()
        server.wait_until_gone()
        assert server.app.AsyncResult(id).get(timeout=1) == "begun"


def test_a_task_that_crashes_and_a_worker_that_is_killed_do_not_touch_the_web_process(folder: Path) -> None:
    with WebServer(folder) as server:
        [embedded] = server.wait_for_ready()
        server.result("/send/shop.crash")
        eventually(lambda: "ended unexpectedly" in server.said, "the crash")
        assert server.embedded() == [embedded]
        embedded.kill()
        [other] = eventually(lambda: [e for e in server.embedded() if e.pid != embedded.pid], "another worker")
        assert f"embedded worker: process {embedded.pid} was ended by SIGKILL; trying again in" in server.said
        assert server.app.AsyncResult(server.result("/send/shop.add", a=1, b=2)).get(timeout=20) == 3
        assert other.is_running()
        server.process.terminate()
        server.process.wait(20)
        server.wait_until_gone()


def test_two_web_processes_with_a_scheduler_each_fire_every_instant_once(folder: Path) -> None:
    (folder / "with_schedule").touch()
    (folder / "main.py").write_text(WEB.replace("BEAT", "True"))
    with WebServer(folder, "--workers", "2") as server:
        server.wait_for_ready(2)
        results = server.app.connection.engine.results

        def fired() -> Counter[int]:
            runs = results.search(RunFilter(tasks=("shop.add",)), Page(limit=100)).runs
            return Counter(run.message.nominal for run in runs if run.message.nominal is not None)

        def schedulers() -> set[str]:
            members = server.app.connection.engine.inspector.workers(now=server.app.now())
            return {each.member.name for each in members if each.member.kind == "scheduler" and each.alive}

        eventually(lambda: len(schedulers()) == 2, "two schedulers")
        eventually(lambda: len(fired()) >= 4, "four firings")
        counted = fired()
        assert set(counted.values()) == {1}
        moments = sorted(counted)
        assert {later - sooner for sooner, later in pairwise(moments)} == {1000}
        server.process.terminate()
        server.process.wait(20)
        server.wait_until_gone()


def test_a_reload_leaves_nothing_of_the_process_of_before(folder: Path) -> None:
    with WebServer(folder, "--reload") as server:
        [before] = server.wait_for_ready()
        now = time.time() + 5
        os.utime(
            folder / "main.py", (now, now)
        )  # later than the watcher's first look, whatever the file system's clock
        server.wait_for_ready(2)
        eventually(lambda: not before.is_running(), "the end of the first worker")
        assert len(server.embedded()) == 1
        server.process.terminate()
        server.process.wait(20)
        server.wait_until_gone()


def test_a_stream_that_is_open_does_not_hold_up_the_end_of_the_server(folder: Path) -> None:
    (folder / "main.py").write_text(WEB.replace("worker=True", "worker=False").replace("BEAT", "False"))
    with WebServer(folder) as server:
        id = server.result("/send/shop.add", a=1, b=2)
        with server.client.stream("GET", f"/tasks/{id}/events") as stream:
            assert next(stream.iter_lines()) == "event: status"
            server.process.terminate()
            server.process.wait(10)
