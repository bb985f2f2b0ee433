"""The dashboard's own server: uvicorn, on one address, until told to stop."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from horarium.clock import Seconds
from horarium.errors import ImproperlyConfigured

STOP_WITHIN: Seconds = 3.0  # open streams are cut then


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is one that the system chooses. Raises:
    ImproperlyConfigured when the address is somebody else's."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(128)
    except OSError as error:
        raise ImproperlyConfigured(
            f"expected to listen on {host}, port {port}, got: {error.strerror or error}; "
            "choose another --port or --host"
        ) from error
    return made


def serve(application: ASGIApp, place: socket.socket, *, prefix: str = "", proxies: str = "127.0.0.1") -> int:
    """Serve on a listening socket until TERM or Ctrl-C; return the exit code. ``proxies``: whose X-Forwarded-* headers
    are believed."""
    config = uvicorn.Config(
        application,
        root_path=prefix,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=int(STOP_WITHIN),
    )
    server = uvicorn.Server(config)
    server.run(sockets=[place])
    return 0 if server.started else 1
