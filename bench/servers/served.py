"""What all kinds of servers have in common: an address, a process, and the wait for the first answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from bench.processes import Running

START_SECONDS = 60.0


class Served(Struct, frozen=True):
    """A server that answers."""

    address: str
    process: Running


class Kind(Protocol):
    """A kind of server, as it is set for a whole run."""

    def missing(self) -> str | None:
        """Say why none can be started here, or None if one can."""
        ...

    def facts(self) -> str:
        """Tell in a line what it is and what its settings mean for the figures."""
        ...

    def start(self, directory: Path) -> AbstractContextManager[Served]:
        """Run an empty one for the length of the block."""
        ...


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_answer(server: Running, answers: Callable[[], bool]) -> None:
    """Wait until it answers. Raises: RuntimeError when it ends before that, TimeoutError after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        server.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"a server did not answer within {START_SECONDS} s:\n{server.tail()}")
        time.sleep(0.01)  # between two looks at a fact


def talks(port: int, words: bytes, reply: bytes) -> bool:
    """Tell whether a server on the port answers ``words`` with something that begins with ``reply``."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(words)
            return connection.recv(len(reply)) == reply
    except OSError:
        return False  # not listening yet
