"""What a child is doing at this moment: the stacks of its threads, as its worker may ask for them.

A child keeps a file in memory and writes its stacks there whenever SIGUSR2 comes, in the signal's handler: also when
its code holds the interpreter, or waits for ever. The worker, which is the same user, opens the file through /proc. So
nothing lies on a disk, and nobody else can read it. Only Linux has this; elsewhere a child tells nothing.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path
from threading import Event

from horarium.clock import Clock, Seconds

NAME = "horarium-stacks"
LOOK_EVERY: Seconds = 0.01
CHARS = 100_000  # of one child


def tell_when_asked() -> None:
    """Write the stacks of all threads of this process into its file whenever SIGUSR2 comes."""
    if not hasattr(os, "memfd_create"):
        return
    file = os.memfd_create(NAME)
    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)  # so that a reader can empty it
    faulthandler.register(signal.SIGUSR2, file=file, all_threads=True)


def read(pid: int, patience: Seconds, clock: Clock) -> str | None:
    """Return the stacks of a child; None if it has ended, tells nothing, or did not within ``patience``.

    Only a process that has said that it tells is sent the signal: any other one would end of it.
    """
    with suppress(OSError):
        process = os.pidfd_open(pid)  # from here on no other process can be taken for it
        try:
            return _ask(process, pid, patience, clock)
        finally:
            os.close(process)
    return None


def _ask(process: int, pid: int, patience: Seconds, clock: Clock) -> str | None:
    path = _file_of(pid)
    if path is None:
        return None
    with path.open("r+b") as file:
        file.truncate(0)
        signal.pidfd_send_signal(process, signal.SIGUSR2)
        until, size = clock.monotonic() + patience, 0
        while True:
            Event().wait(LOOK_EVERY)
            before, size = size, os.fstat(file.fileno()).st_size
            if size and size == before:  # a handler writes all at once
                return file.read(CHARS).decode("utf-8", "replace")
            if clock.monotonic() >= until:
                return None


def _file_of(pid: int) -> Path | None:
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it has closed that one
            if str(path.readlink()).startswith(f"/memfd:{NAME}"):
                return path
    return None
