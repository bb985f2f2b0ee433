"""The proxy does to connections what it says: tried on a server that only echoes, so that each effect shows alone."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest
from ground import wait_for
from proxy import CutAfter, Proxy, SwallowedReply


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.heard = b""  # type: ignore[attr-defined]
        while data := self.request.recv(65_536):
            self.server.heard += data  # type: ignore[attr-defined]
            self.request.sendall(data)


class EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    heard = b""

    def handle_error(self, request: object, client_address: object) -> None:
        """A reset is what these tests are about."""


@pytest.fixture
def server() -> Iterator[EchoServer]:
    with EchoServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(server: EchoServer) -> Iterator[Proxy]:
    with Proxy(server.server_address[1]) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"
        yield client


def is_silent(client: socket.socket) -> bool:
    client.settimeout(0.15)
    try:
        return client.recv(100) == b"never"
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)


def is_reset(client: socket.socket) -> bool:
    try:
        return client.recv(100) == b"never"
    except ConnectionResetError:
        return True


def test_it_delays_and_throttles(proxy: Proxy, client: socket.socket) -> None:
    proxy.delay = 0.1
    began = time.monotonic()
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    assert time.monotonic() - began >= 0.2
    proxy.delay, proxy.rate = 0.0, 10_000
    began = time.monotonic()
    client.sendall(b"y" * 1000)
    assert len(client.recv(1000, socket.MSG_WAITALL)) == 1000
    assert time.monotonic() - began >= 0.2


def test_what_it_holds_arrives_when_it_is_healed(proxy: Proxy, client: socket.socket, server: EchoServer) -> None:
    proxy.hold()
    client.sendall(b"later")
    assert is_silent(client) and server.heard == b"hello"
    proxy.heal()
    assert client.recv(100) == b"later"


@pytest.mark.parametrize("way", ["to server", "to client"])
def test_what_it_drops_is_gone_and_its_connection_with_it(
    proxy: Proxy, client: socket.socket, server: EchoServer, way: str
) -> None:
    proxy.drop(way)  # type: ignore[arg-type]
    client.sendall(b"gone")
    assert is_silent(client)
    assert server.heard == (b"hello" if way == "to server" else b"hellogone")
    proxy.heal()
    assert is_reset(client)


def test_a_reply_is_swallowed_though_the_request_was_carried_out(
    proxy: Proxy, client: socket.socket, server: EchoServer
) -> None:
    rule = proxy.add(SwallowedReply(b"put", nth=2, then="reset"))
    for request in (b"put 1", b"get 1"):
        client.sendall(request)
        assert client.recv(100) == request
    client.sendall(b"put 2")
    assert is_reset(client)
    assert server.heard.endswith(b"put 2") and rule.hits == 1


def test_after_a_swallowed_reply_the_connection_may_be_silent(proxy: Proxy, client: socket.socket) -> None:
    rule = proxy.add(SwallowedReply(b"put", then="silence"))
    client.sendall(b"put 1")
    assert is_silent(client)
    client.sendall(b"get 1")
    assert is_silent(client) and rule.hits == 1
    proxy.heal()
    assert is_reset(client)


@pytest.mark.parametrize("size", [1, 5, 6, 9])
def test_it_cuts_after_so_many_bytes(proxy: Proxy, server: EchoServer, size: int) -> None:
    rule = proxy.add(CutAfter(size, "to client"))
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"0123456789")
        got = b""
        with pytest.raises(ConnectionResetError):
            while True:
                got += client.recv(100) or pytest.fail("it ended in good order")
    assert got in (b"0123456789"[:size], b"")  # a reset may overtake what was sent before it
    assert rule.hits == 1


def test_it_resets_half_closes_and_is_silent(proxy: Proxy, client: socket.socket, server: EchoServer) -> None:
    assert proxy.half_close_all() == 1
    assert client.recv(100) == b""
    client.sendall(b"still heard")
    wait_for(lambda: server.heard.endswith(b"still heard"), "the other way is open")
    assert proxy.reset_all() == 1
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as other:
        other.sendall(b"x")
        assert other.recv(1) == b"x"
        assert proxy.silence_all() == 1
        other.sendall(b"y")
        assert is_silent(other)


def test_it_takes_connections_and_says_nothing(proxy: Proxy, server: EchoServer) -> None:
    proxy.accepts = False
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"anybody?")
        assert is_silent(client) and server.heard == b""
        proxy.heal()
        assert is_reset(client)


def test_where_the_server_is_down_it_resets(proxy: Proxy, server: EchoServer) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"x")
        client.recv(100)
