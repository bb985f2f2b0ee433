"""A server on loopback with moods: decided by counting requests, never by chance."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

LOOPBACK = "127.0.0.1"
WAIT = 1  # seconds, in Retry-After
MOODS = ("busy", "broken", "silent")


class MoodyServer(ThreadingHTTPServer):
    """Every ``nth`` request meets a mood, in turn: 429 with Retry-After, 500, silence. ``nth`` 0: none does."""

    daemon_threads = True
    nth = 0

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], nth: int) -> None:
        super().__init__((LOOPBACK, port), handler)
        self.nth = nth
        self.closing = threading.Event()
        self._requests = count(1)

    def mood(self) -> str | None:
        number = next(self._requests)
        if not self.nth or number % self.nth:
            return None
        return MOODS[(number // self.nth - 1) % len(MOODS)]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever has given up needs no answer; anything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"


class MoodyHandler(BaseHTTPRequestHandler):
    """Answers with ``answer`` when no mood is in the way."""

    server: MoodyServer
    protocol_version = "HTTP/1.1"
    body = b""

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond()

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(status, json.dumps(body).encode(), "application/json", headers)

    def send_bytes(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request: the terminal belongs to the tasks."""

    def _respond(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.server.mood():
            case "busy":
                self.send(429, {"message": "Too many requests."}, {"Retry-After": str(WAIT)})
            case "broken":
                self.send(500, {"message": "Something is wrong here."})
            case "silent":
                self.server.closing.wait()  # until the server ends: whoever asks gives up first
                self.close_connection = True
            case _:
                self.answer()


@contextmanager
def serving(server: MoodyServer) -> Iterator[MoodyServer]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, name=type(server).__name__, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
