"""An object store on loopback that speaks S3 (moto), with moods decided by counting requests, never by chance.

``python -m outside.cube_server`` runs it by hand, where the settings look for it.
"""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LOOPBACK = "127.0.0.1"
PORT = 9100
REFUSAL = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    """Does not tell of each request: the terminal belongs to the tasks."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Moody:
    """Answers 503 SlowDown to every ``nth`` listing and every ``nth`` upload, and is as good as its store otherwise."""

    def __init__(self, store: Application, nth: int) -> None:
        self._store = store
        self._nth = nth
        self._listings = count(1)
        self._uploads = count(1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._nth and self._is_refused(environ):
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [REFUSAL]
        return self._store(environ, start_response)

    def _is_refused(self, environ: Mapping[str, Any]) -> bool:
        if "list-type" in environ["QUERY_STRING"]:
            return next(self._listings) % self._nth == 0
        if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].count("/") > 1:
            return next(self._uploads) % self._nth == 0
        return False


@contextmanager
def cube_server(port: int = 0, nth: int = 3) -> Iterator[str]:
    """Serve until the block ends; gives the address. ``nth`` 0 is a store without moods."""
    application = Moody(DomainDispatcherApplication(create_backend_app), nth)
    server = make_server(LOOPBACK, port, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="cube", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside.cube_server")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument("--nth", type=int, default=3, help="refuse every so many-th request; 0: none (%(default)s)")
    choices = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with cube_server(choices.port, choices.nth) as url:
        print(f"object store at {url}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
