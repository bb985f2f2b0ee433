"""The dashboard's own server: uvicorn, on one address, until told to stop."""

from __future__ import annotations

import logging
import resource
import socket
from collections.abc import Sequence
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from horarium.clock import Seconds
from horarium.dashboard.forwarding import Forwarded, Proxies
from horarium.dashboard.wire import IDLE_FOR, MOST_HEAD_BYTES, Wire
from horarium.errors import ImproperlyConfigured

STOP_WITHIN: Seconds = 3.0  # open streams are cut then
MOST_CONNECTIONS = 1000  # a page has one that stays, and browsers keep six
CUT = "ASGI callable returned without completing response"  # what uvicorn says of each


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is one that the system chooses. Raises:
    ImproperlyConfigured when the address is somebody else's."""
    made: socket.socket | None = None
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except (OSError, UnicodeError) as error:
        if made is not None:
            made.close()
        why = getattr(error, "strerror", None) or error
        raise ImproperlyConfigured(
            f"expected to listen on {host}, port {port}, got: {why}; choose another --port or --host"
        ) from error
    return made


def serve(application: ASGIApp, place: socket.socket, *, prefix: str = "", proxies: Sequence[str] = ()) -> int:
    """Serve on a listening socket until TERM or Ctrl-C; return the exit code. ``proxies``: whose X-Forwarded-* headers
    are believed. Raises: ImproperlyConfigured for one that is no address."""
    server = server_of(application, prefix=prefix, proxies=proxies)
    logging.getLogger("uvicorn.error").addFilter(server.is_worth_a_line)
    server.run(sockets=[place])
    return 0 if server.started else 1


def server_of(application: ASGIApp, *, prefix: str = "", proxies: Sequence[str] = ()) -> Server:
    """Return a server that has not begun. Raises: ImproperlyConfigured for a proxy that is no address."""
    config = uvicorn.Config(
        cast(Any, Forwarded(application, Proxies(proxies))),  # Any: uvicorn types ASGI more closely than Starlette
        root_path=prefix,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(STOP_WITHIN),
        timeout_keep_alive=IDLE_FOR,
        limit_concurrency=_room(),
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        http=Wire,
    )
    return Server(config)


def _room() -> int:
    """Return for how many connections there is room. The store needs some of the files that a process may open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if most == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, most * 3 // 4)


class Server(uvicorn.Server):
    """Told to stop, it ends in an orderly way and says so by its exit code; told twice, at once."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    def is_worth_a_line(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is news: that streams are cut at the end is none, and would be a line for each page."""
        return not (self.should_exit and str(record.msg).startswith(CUT))
