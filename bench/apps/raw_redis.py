"""A bare round trip to a Redis server: PING over a socket."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from bench.apps import witness

_address = urlsplit(os.environ["BENCH_STORE"])
_connection = socket.create_connection((_address.hostname or "", _address.port or 0))
_connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def note() -> None:
    _connection.sendall(b"*1\r\n$4\r\nPING\r\n")
    if _connection.recv(64) != b"+PONG\r\n":
        raise RuntimeError("expected +PONG as the answer to PING, got something else")
    witness.tell_start()


def facts() -> dict[str, str]:
    return {"round trip": "PING over a socket, no library"}
