"""Processes of an example: started with a log of their own, ended in good order, never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

GRACE = 15.0  # seconds that a process is given to finish what it is doing
PATIENCE = 40.0  # seconds until the dashboard must have said where it is
LOG_TAIL = 20  # lines


class Failed(Exception):
    """A process ended that should have gone on, or with an error; the text holds the end of its log."""


@contextmanager
def running(arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python <arguments>`` in the current folder until the block ends; then it and its children are gone.

    It has a process group of its own: Ctrl-C in the terminal reaches only us, and we tell it once.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        yield process
    finally:
        _end(process)


def run_to_its_end(arguments: Sequence[str], log: Path) -> None:
    """Run ``python <arguments>``; what it says goes to the end of the log.

    Raises:
        Failed: its exit code is not 0.
    """
    with log.open("ab") as output:
        code = subprocess.run(
            [sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
    if code:
        raise Failed(f"python {' '.join(arguments)} ended with {code}:\n{tail(log)}")


def link_in(log: Path, web: subprocess.Popen[bytes], stop: threading.Event) -> str:
    """Wait for the link that logs in to the dashboard, and return it; or what to read when there is none."""
    deadline = time.monotonic() + PATIENCE
    while web.poll() is None and not stop.is_set() and time.monotonic() < deadline:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("log in: "):
                return line.removeprefix("log in: ").split()[0]
        stop.wait(0.05)  # between two looks at what it has said
    return f"is not there; see {log}"


def free_port(wanted: int) -> int:
    """Return this port of 127.0.0.1 or, if somebody has it, one that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL:])


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGQUIT):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
