"""A container engine on loopback that speaks what is needed of the Docker Engine API: make, list and remove containers
and volumes. Nothing runs in its containers. It has moods, decided by counting requests, never by chance.

``python -m outside.container_engine`` runs it by hand, where the settings look for it. In its moods

- every second of ``nth`` listings is refused with 429 and ``Retry-After``, and every last of them gets no answer,
- every ``nth`` removal of a volume fails with 500,
- the first volume that is made is in use (409) for its first ``STUCK_FOR`` removals.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

LOOPBACK = "127.0.0.1"
PORT = 2375
RETRY_AFTER = 1  # seconds
STUCK_FOR = 4  # removals
SILENCE = 3.0  # seconds; longer than the demonstration waits
VERSION = re.compile(r"^/v1\.\d+(?=/)")


class Answer(NamedTuple):
    status: int
    body: Any = None  # what JSON can say
    headers: tuple[tuple[str, str], ...] = ()
    after: float = 0.0  # seconds
    is_silent: bool = False


class Engine:
    """What there is: containers by their ids, volumes by their names. Safe to be asked by many threads."""

    def __init__(self, nth: int = 0, slow: float = 0.0, tell: Callable[[str], None] = lambda line: None) -> None:
        self._nth = nth
        self._slow = slow
        self._tell = tell
        self._lock = threading.Lock()  # of all below
        self._containers: dict[str, dict[str, str]] = {}  # their labels
        self._volumes: dict[str, int] = {}  # so many removals are still to be refused
        self._listings = count(1)
        self._removals = count(1)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> Answer:
        with self._lock:
            match method, *path.strip("/").split("/"):
                case "GET", "_ping":
                    return Answer(200, "OK")
                case "GET", "containers", "json":
                    return self._list(query)
                case "POST", "containers", "create":
                    return self._create(query, body)
                case "DELETE", "containers", id:
                    return self._remove("container", id, self._containers)
                case "POST", "volumes", "create":
                    self._volumes.setdefault(body["Name"], STUCK_FOR if self._nth and not self._volumes else 0)
                    return Answer(201, {"Name": body["Name"], "Labels": body.get("Labels") or {}})
                case "DELETE", "volumes", name:
                    return self._remove_volume(name)
        return Answer(404, {"message": f"page not found: {method} {path}"})

    def counts(self) -> tuple[int, int]:
        """Return how many containers and volumes there are."""
        with self._lock:
            return len(self._containers), len(self._volumes)

    def _list(self, query: dict[str, list[str]]) -> Answer:
        if self._nth:
            number = next(self._listings) % self._nth
            if number == self._nth - 1:
                refusal = {"message": "too many requests"}
                return Answer(429, refusal, (("Retry-After", str(RETRY_AFTER)),))
            if number == 0:
                return Answer(200, after=SILENCE, is_silent=True)
        wanted = json.loads(query.get("filters", ["{}"])[0]).get("label", [])
        return Answer(
            200,
            [
                {"Id": id, "Labels": labels, "State": "exited", "Image": "validator"}
                for id, labels in self._containers.items()
                if all(_has(labels, label) for label in wanted)
            ],
        )

    def _create(self, query: dict[str, list[str]], body: dict[str, Any]) -> Answer:
        labels = dict(body.get("Labels") or {})
        name = query.get("name", [uuid.uuid4().hex])[0]
        if any(each.get("name") == name for each in self._containers.values()):
            return Answer(409, {"message": f"the container name {name} is in use"})
        id = uuid.uuid4().hex * 2
        self._containers[id] = {**labels, "name": name}
        return Answer(201, {"Id": id, "Warnings": []})

    def _remove_volume(self, name: str) -> Answer:
        if self._nth and next(self._removals) % self._nth == 0:
            return Answer(500, {"message": "the disk does not answer"})
        if self._volumes.get(name):
            self._volumes[name] -= 1
            return Answer(409, {"message": f"remove {name}: volume is in use"})
        return self._remove("volume", name, self._volumes)

    def _remove(self, what: str, name: str, store: dict[str, Any]) -> Answer:
        if name not in store:
            self._tell(f"no such {what} {name}")
            return Answer(404, {"message": f"no such {what}: {name}"})
        del store[name]
        self._tell(f"removed {what} {name}")
        return Answer(204, after=self._slow)


@contextmanager
def serving(engine: Engine, port: int = 0) -> Iterator[str]:
    """Serve until the block ends; gives the address, as the variable DOCKER_HOST has it."""

    class Handler(_Handler):
        asked = engine

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    thread = threading.Thread(target=server.serve_forever, name="container engine", daemon=True)
    thread.start()
    try:
        yield f"tcp://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Engine

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        answer = self.asked.answer(self.command, VERSION.sub("", parts.path), parse_qs(parts.query), body)
        time.sleep(answer.after)
        if answer.is_silent:
            self.close_connection = True
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has not waited
            self._send(answer)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request: the terminal belongs to the tasks."""

    def _send(self, answer: Answer) -> None:
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _has(labels: dict[str, str], wanted: str) -> bool:
    name, is_valued, value = wanted.partition("=")
    return name in labels and (not is_valued or labels[name] == value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside.container_engine")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument(
        "--nth", type=int, default=3, help="of so many requests, some are refused; 0: none (%(default)s)"
    )
    parser.add_argument("--slow", type=float, default=0.0, help="seconds that a removal takes (%(default)s)")
    choices = parser.parse_args()
    engine = Engine(choices.nth, choices.slow, tell=lambda line: print(line, flush=True))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serving(engine, choices.port) as url:
        print(f"container engine at {url}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
