"""Run as a program: ``python reaper.py MARK`` waits for the end of its input, then kills every process that bears the
mark in its environment. Its input ends with the test run, however that ends, so nothing is ever left over."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path


def marked(mark: bytes) -> list[int]:
    """Return the processes with a mark; a zombie shows none."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            with suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    found.append(int(path.name))
    return found


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.stdin.read()
    while left := marked(sys.argv[1].encode()):
        kill(left)
        time.sleep(0.02)  # until the kernel has ended them
