"""The pidfile, for those who ask for one: refused while its process lives, taken over when it is left from before.

A pid alone tells nothing: after a restart of a container it is another process's. So the process must also have begun
before the file was written.
"""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from pathlib import Path

from horarium.cli.exits import Exit, Stop
from horarium.clock import Seconds, SystemClock
from horarium.pulse import is_same_process, start_of

TOLERANCE: Seconds = 2.0  # the kernel tells the moment of the boot in whole seconds


def check(path: str) -> None:
    """Raise Stop (exit code 73) when a living process holds the file."""
    pid = _holder(Path(path))
    if pid is not None:
        raise Stop(
            f"expected the pidfile {path} to be free, process {pid} holds it",
            Exit.CANNOT_CREATE,
            hints=[f"end that process (kill {pid}), or give this one a pidfile of its own"],
        )


def hold(path: str) -> None:
    """Write this process's pid, and take the file away when it exits. Raises: Stop, with the exit code 73."""
    check(path)
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with file.open("x", encoding="ascii") as out:
            out.write(f"{os.getpid()}\n")
    except FileExistsError:
        check(path)  # another one was faster
        raise Stop(f"expected the pidfile {path} to be free, another process has just taken it", Exit.CANNOT_CREATE)  # noqa: B904
    except OSError as error:
        raise Stop(
            f"expected --pidfile to be a file that can be written, got {path}: {error.strerror}", Exit.CANNOT_CREATE
        ) from error
    atexit.register(_let_go, file.absolute(), os.getpid())


def _holder(file: Path) -> int | None:
    """Return the pid of the living process that wrote the file, None if there is none."""
    try:
        pid = int(file.read_text(encoding="ascii").split()[0])
        written = file.stat().st_mtime
    except (OSError, ValueError, IndexError):  # there is none, or it holds no pid
        return None
    if pid <= 0 or pid == os.getpid() or not is_same_process(pid, 0):
        return None
    began = _began(pid)
    return None if began is not None and began > written + TOLERANCE else pid


def _began(pid: int) -> float | None:
    """Return when a process began, in seconds since the epoch; None where that cannot be known."""
    ticks = start_of(pid)
    if not ticks:
        return None
    try:
        with open("/proc/uptime", encoding="ascii") as file:
            up = float(file.read().split()[0])
    except (OSError, ValueError):
        return None
    return SystemClock().now() / 1000 - up + ticks / os.sysconf("SC_CLK_TCK")


def _let_go(file: Path, owner: int) -> None:
    if os.getpid() != owner:  # a copy that was forked from it
        return
    with suppress(OSError, ValueError):  # it is gone, or is no longer ours
        if int(file.read_text(encoding="ascii")) == owner:
            file.unlink()
