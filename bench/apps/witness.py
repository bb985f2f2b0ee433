"""Tells the caller when a task started, past every queue and result store: one datagram with the monotonic clock.

CLOCK_MONOTONIC is one clock for all processes of a Linux host, so the caller may subtract its own reading.
"""

from __future__ import annotations

import os
import socket
import time
from hashlib import sha256
from pathlib import Path

WITNESS = "BENCH_WITNESS"  # the environment variable with a path of the run, from which the caller's address is made
HOLD_SECONDS = 600.0  # longer than anybody waits for a recovery


def tell_start() -> None:
    """Send the present instant to the caller that listens."""
    _tell(b"%d" % time.monotonic_ns())


def tell_hold() -> float:
    """Send instant and process to the caller; return the seconds to hold on to the worker: none the second time."""
    _tell(b"%d %d" % (time.monotonic_ns(), os.getpid()))
    try:
        os.close(os.open(_held(), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return 0.0
    return HOLD_SECONDS


def tell_body() -> None:
    """Leave a mark for each run of a chord's body."""
    descriptor = os.open(_bodies(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, b".")
    os.close(descriptor)


def bodies() -> int:
    """Return how many marks there are."""
    return _bodies().stat().st_size if _bodies().exists() else 0


def listen() -> socket.socket:
    """Open the socket to which tasks tell their start; the caller reads it with one of the following."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(_address())
    listener.settimeout(60.0)
    return listener


def started_ns(listener: socket.socket, called: int) -> int:
    """Wait for a task to tell its start after ``called``: one that ran twice (SAQ, as its workers start) may have told
    of an earlier one. Raises: TimeoutError after a minute."""
    while (started := int(listener.recv(64))) < called:
        pass
    return started


def held_by(listener: socket.socket) -> int:
    """Wait for a task that holds on; return its process. Raises: TimeoutError after a minute."""
    pid = int(listener.recv(64).split()[1])
    while not _held().exists():
        time.sleep(0.001)  # it makes its mark right after it has told us
    return pid


def started_again_ns(listener: socket.socket, within: float) -> int | None:
    """Wait for it to tell its next start; None when it does not in time."""
    listener.settimeout(within)
    try:
        return int(listener.recv(64).split()[0])
    except TimeoutError:
        return None


def _tell(words: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(words, _address())


def _held() -> Path:
    return Path(os.environ[WITNESS] + "-held")


def _bodies() -> Path:
    return Path(os.environ[WITNESS] + "-bodies")


def _address() -> str:
    """Return an abstract address: the path of a socket in a deep temporary folder may be longer than the 107 bytes
    that Linux has for it."""
    return "\0horarium-bench-" + sha256(os.environ[WITNESS].encode()).hexdigest()[:32]
