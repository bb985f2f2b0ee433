"""A Redis server of the bench's own: a free loopback port, a directory that goes away, nothing saved."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import Running

PROGRAM = "redis-server"
START_SECONDS = 10.0


def missing() -> str | None:
    """Say why no server can be started here, or None if one can."""
    if shutil.which(PROGRAM):
        return None
    return f"{PROGRAM} is not installed; with Debian or Ubuntu: apt-get install redis-server"


@contextmanager
def private_redis(directory: Path) -> Iterator[str]:
    """Run a server for the length of the block; yield its address. Never touches one that runs already."""
    port = _free_port()
    command = [PROGRAM, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    command += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
    with Running(command, {}, directory / "redis.log") as server:
        _await_answer(port, server)
        yield f"redis://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(port: int, server: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        server.check()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return
        except OSError:
            pass  # not listening yet
        if time.monotonic() > deadline:
            raise TimeoutError(f"{PROGRAM} on port {port} did not answer within {START_SECONDS} s; see {server.log}")
        time.sleep(0.01)
