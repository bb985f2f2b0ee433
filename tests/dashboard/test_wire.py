"""Those who open connections and say little, or read nothing: they are ended, and everybody else is served."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest
from front_desk import eventually

from horarium import Horarium
from horarium.dashboard import Open, guard, serving, web, wire

GET = b"GET /healthcheck HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 900\r\n"
POST += b"Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken="


@contextmanager
def served(application: Any) -> Iterator[int]:
    """Serve from a thread of this process; yield the port."""
    server = serving.server_of(application)
    with closing(serving.listening("127.0.0.1", 0)) as place:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, name="web")
        thread.start()
        try:
            yield place.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for room, name in ((wire, "HEAD_WITHIN"), (wire, "TAKEN_WITHIN"), (guard, "BODY_WITHIN")):
        monkeypatch.setattr(room, name, 0.5)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 20)


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side has ended it; waits for that, and reads what is left before."""
    try:
        while connection.recv(4096):
            pass
        return True
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


def answer(port: int) -> bytes:
    with connected(port) as connection:
        connection.sendall(GET)
        return connection.recv(4096)[:12]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("said", [b"", b"GET / HT", GET[:-2] + b"X-A: b\r\n"])
@pytest.mark.parametrize("before", [b"", GET])
def test_a_head_that_never_ends_is_ended(shop: Horarium, before: bytes, said: bytes) -> None:
    with served(web(shop, access=Open())) as port, connected(port) as connection:
        if before:
            connection.sendall(before)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        connection.sendall(said)
        stop = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):  # it is ended
                while said and not stop.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert is_ended(connection)
        finally:
            stop.set()
            thread.join()
        assert answer(port) == b"HTTP/1.1 200"


@pytest.mark.usefixtures("hasty")
def test_a_body_that_never_ends_is_answered(shop: Horarium) -> None:
    with served(web(shop, access=Open())) as port, connected(port) as connection:
        connection.sendall(POST)
        assert connection.recv(4096).startswith(b"HTTP/1.1 408")


@pytest.mark.usefixtures("hasty")
def test_an_answer_that_nobody_reads_is_not_kept_for_ever() -> None:
    ended = threading.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            gone = asyncio.create_task(receive())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while not gone.done():
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
                await asyncio.sleep(0)
            ended.set()

    with served(endless) as port, connected(port) as connection:
        connection.sendall(GET)
        assert connection.recv(12).startswith(b"HTTP/1.1 200")
        assert ended.wait(20)


def test_those_who_say_nothing_keep_nobody_out(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 30)
    with served(web(shop, access=Open())) as port, ExitStack() as stack:
        silent = [stack.enter_context(connected(port)) for _ in range(60)]
        assert [answer(port) for _ in range(5)] == [b"HTTP/1.1 200"] * 5
        assert all(is_ended(each) for each in silent[:30])


def test_a_hundred_open_pages_stay_open_while_somebody_drips(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_WITHIN", 1.0)
    monkeypatch.setattr("horarium.dashboard.streams.MOST", 200)
    live = b"GET /live?view=/queues HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with served(web(shop, access=Open())) as port, ExitStack() as stack:
        pages = [stack.enter_context(connected(port)) for _ in range(100)]
        for page in pages:
            page.sendall(live)
        heard = [b"" for _ in pages]
        for at, page in enumerate(pages):
            while b"\r\n\r\n" not in heard[at] or b"event: version" not in heard[at]:
                heard[at] += (piece := page.recv(65_536))
                assert piece
        silent = [stack.enter_context(connected(port)) for _ in range(50)]
        assert all(is_ended(each) for each in silent)
        began = time.monotonic()
        shop.send_task("shop.add", (1, 2), queue="a-new-queue")
        for page in pages:
            news = b""
            while b"a-new-queue" not in news:
                news = news[-50:] + (piece := page.recv(65_536))
                assert piece, "a stream was ended"
        assert time.monotonic() - began < 20


def test_a_head_beyond_the_most_is_refused(shop: Horarium) -> None:
    with served(web(shop, access=Open())) as port, connected(port) as connection:
        connection.sendall(GET[:-2] + b"X-A: " + b"a" * 100_000)
        assert eventually(lambda: connection.recv(4096), "an answer").startswith(b"HTTP/1.1 4")
