"""An object store on loopback that speaks S3 (moto), with moods decided by counting requests, never by chance.

``python -m outside.cube_server`` runs it by hand, where the settings look for it.
"""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, count, cycle
from typing import Any, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LOOPBACK = "127.0.0.1"
PORT = 9100
Application = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class Refusal(NamedTuple):
    """An answer as S3 gives it."""

    status: str
    code: str
    message: str

    @property
    def body(self) -> bytes:
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return f"{head}<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>".encode()


BUSY = "Please reduce your request rate."
REFUSALS = {
    "503": Refusal("503 Slow Down", "SlowDown", BUSY),
    "429": Refusal("429 Too Many Requests", "SlowDown", BUSY),
    "403": Refusal("403 Forbidden", "InvalidAccessKeyId", "The key that was provided does not exist in our records."),
}
WELL = "200"
SILENCE = "silence"  # the request is taken, and nothing comes back as long as anybody would wait
SILENCE_S = 60.0


class Quiet(WSGIRequestHandler):
    """Does not tell of each request: the terminal belongs to the tasks."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Moody:
    """Refuses every ``nth`` listing and every ``nth`` upload, by 503 and 429 in turn, and is as good as its store
    otherwise. The ``first`` listings get these answers instead: keys of REFUSALS, WELL or SILENCE."""

    def __init__(self, store: Application, nth: int, first: Sequence[str] = ()) -> None:
        self.is_closing = threading.Event()
        self._store = store
        self._listings = chain(first, _moods(nth))
        self._uploads = _moods(nth)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        mood = self._mood(environ)
        if mood == WELL:
            return self._store(environ, start_response)
        if mood == SILENCE:
            self.is_closing.wait(SILENCE_S)
        refusal = REFUSALS["503" if mood == SILENCE else mood]
        start_response(refusal.status, [("Content-Type", "application/xml")])
        return [refusal.body]

    def _mood(self, environ: Mapping[str, Any]) -> str:
        if "list-type" in environ["QUERY_STRING"]:
            return next(self._listings)
        if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"].count("/") > 1:
            return next(self._uploads)
        return WELL


def _moods(nth: int) -> Iterator[str]:
    refusals = cycle(("503", "429"))
    return (next(refusals) if nth and number % nth == 0 else WELL for number in count(1))


@contextmanager
def cube_server(port: int = 0, nth: int = 3, first: Sequence[str] = ()) -> Iterator[str]:
    """Serve until the block ends; gives the address. ``nth`` 0 is a store without moods, but for the ``first``."""
    application = Moody(DomainDispatcherApplication(create_backend_app), nth, first)
    server = make_server(LOOPBACK, port, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="cube", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        application.is_closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside.cube_server")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument("--nth", type=int, default=3, help="refuse every so many-th request; 0: none (%(default)s)")
    parser.add_argument("--first", default="", help="what the first listings get, such as 429,silence,200,403")
    choices = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with cube_server(choices.port, choices.nth, [mood for mood in choices.first.split(",") if mood]) as url:
        print(f"object store at {url}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
