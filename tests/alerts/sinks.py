"""Servers on loopback that take what alerts send, and keep it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer, StreamRequestHandler, ThreadingTCPServer
from typing import Any

import msgspec


class Received(msgspec.Struct, kw_only=True):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class HttpSink:
    """Answers every POST with the next of ``statuses`` (the last one for ever)."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.received: list[Received] = []
        self.statuses = [200]
        self.location = ""


@contextmanager
def http_sink() -> Iterator[HttpSink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sink.received.append(Received(path=self.path, headers=dict(self.headers), body=body))
            status = sink.statuses.pop(0) if len(sink.statuses) > 1 else sink.statuses[0]
            self.send_response(status)
            if sink.location:
                self.send_header("Location", sink.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink = HttpSink(server.server_address[1])
    with _serving(server):
        yield sink


class Mail(msgspec.Struct, kw_only=True):
    to: list[str]
    content: bytes


class Mails:
    """What a mail server has taken; it takes nothing for receivers whose name begins with ``no``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[Mail] = []


@contextmanager
def mail_sink() -> Iterator[Mails]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            to: list[str] = []
            self.say(b"220 sink")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"RCPT":
                    address = line.partition(b"<")[2].partition(b">")[0].decode()
                    if not address.startswith("no"):
                        to.append(address)
                    self.say(b"550 no such receiver" if address.startswith("no") else b"250 OK")
                elif word == b"DATA":
                    self.say(b"354 go on")
                    content = b"".join(iter(self.rfile.readline, b".\r\n"))
                    mails.received.append(Mail(to=to, content=content))
                    self.say(b"250 taken")
                elif word == b"QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 OK")

        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    mails = Mails(server.server_address[1])
    with _serving(server):
        yield mails


@contextmanager
def _serving(server: BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
