"""The site itself: an HTTP server on loopback, in threads of its own.

It has its moods, decided by counting requests, never by chance: the community calendar answers 500 to every third
request from the first on, and leaves every sixth, from the second on, without an answer for a while.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from app.settings import ZONE
from app.site.feeds import write_feed
from app.site.pages import mote_month, van_wezel_listing, van_wezel_show
from app.site.programme import Entry, Programme

LOOPBACK = "127.0.0.1"
MOODY = "/community/events.ics"
SILENCE = 3.0  # seconds without an answer


class Answer(NamedTuple):
    status: HTTPStatus
    kind: str
    body: bytes


class EventSite:
    """Serves the programme around ``day``; ``url`` is its address. Starting takes any free port for ``port`` 0.

    A context manager: in it the site answers, after it nothing of it is left. Stopping twice is fine.
    """

    def __init__(self, day: date, *, port: int = 0, moody: bool = True, silence: float = SILENCE) -> None:
        self._day = day
        self._moody = moody
        self._silence = silence
        self._stopping = threading.Event()
        self._lock = threading.Lock()  # guards requests
        self.requests: Counter[str] = Counter()  # by path
        self._server = _Server((LOOPBACK, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="event-site", daemon=True)

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        return f"{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, target: str) -> Answer:
        """Return what the site says to a request for ``target`` (path and query). May stay silent for a while."""
        parts = urlsplit(target)
        with self._lock:
            self.requests[target] += 1
            times = self.requests[target]
            looks = self.requests["/vanwezel/events"]
        if self._moody and parts.path == MOODY:
            if times % 6 == 2:
                self._stopping.wait(self._silence)
                return _refusal(HTTPStatus.SERVICE_UNAVAILABLE)
            if times % 3 == 1:
                return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        # The first look sees revision 0; every further one finds something new.
        return self._page(Programme(day=self._day, revision=max(0, looks - 1)), parts.path, query)

    def _page(self, programme: Programme, path: str, query: dict[str, str]) -> Answer:
        match path.strip("/").split("/"):
            case ["vanwezel", "events"]:
                return _html(van_wezel_listing(programme, _number(query, "page", 1)))
            case ["vanwezel", "events", slug]:
                return _html(van_wezel_show(programme, slug))
            case ["mote", "calendar"]:
                return _html(mote_month(programme, _number(query, "month", 0), self.host))
            case ["mote", "feeds", name]:
                return self._feed(name, programme.mote_feeds().get(name.removesuffix(".ics")))
            case ["community", "events.ics"]:
                return self._feed("community", programme.community())
            case ["library", "programs.ics"]:
                return self._feed("library", programme.library())
            case _:
                return _refusal(HTTPStatus.NOT_FOUND)

    def _feed(self, name: str, entries: list[Entry] | None) -> Answer:
        if entries is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        made = datetime.combine(self._day, datetime.min.time(), tzinfo=ZONE)
        return Answer(HTTPStatus.OK, "text/calendar; charset=utf-8", write_feed(name, entries, made=made))


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close waits for them

    def __init__(self, address: tuple[str, int], site: EventSite) -> None:
        self.site = site
        super().__init__(address, _Visitor)


class _Visitor(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5  # seconds; a visitor who says nothing keeps us from stopping for no longer

    def do_GET(self) -> None:  # the name http.server looks for
        answer = self.server.site.answer(self.path)
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except ConnectionError:
            self.close_connection = True  # the visitor has given up, as it should when we are silent for too long

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are counted, and the terminal is for the worker's story."""


def _html(page: str | None) -> Answer:
    if page is None:
        return _refusal(HTTPStatus.NOT_FOUND)
    return Answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())


def _refusal(status: HTTPStatus) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())


def _number(query: dict[str, str], name: str, usual: int) -> int:
    said = query.get(name, "")
    return int(said) if said.isdigit() else usual
