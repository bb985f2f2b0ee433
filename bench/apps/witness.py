"""Tells the caller when a task started, past every queue and result store: one datagram with the monotonic clock.

CLOCK_MONOTONIC is one clock for all processes of a Linux host, so the caller may subtract its own reading.
"""

from __future__ import annotations

import os
import socket
import time
from hashlib import sha256

WITNESS = "BENCH_WITNESS"  # the environment variable with a path of the run, from which the caller's address is made


def tell_start() -> None:
    """Send the present instant to the caller that listens."""
    started = time.monotonic_ns()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(b"%d" % started, _address())


def listen() -> socket.socket:
    """Open the socket to which tasks tell their start; the caller reads it with ``started_ns``."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(_address())
    listener.settimeout(60.0)
    return listener


def started_ns(listener: socket.socket) -> int:
    """Wait for the next task to tell its start. Raises: TimeoutError after a minute."""
    return int(listener.recv(64))


def _address() -> str:
    """Return an abstract address: the path of a socket in a deep temporary folder may be longer than the 107 bytes
    that Linux has for it."""
    return "\0horarium-bench-" + sha256(os.environ[WITNESS].encode()).hexdigest()[:32]
