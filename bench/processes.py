"""Processes of the bench: started in a session of their own, watched, and always ended, by their own ids only."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

import psutil  # type: ignore[import-untyped]

STOP_SECONDS = 10.0
SETPRIV = shutil.which("setpriv")
DIES_WITH_US = [SETPRIV, "--pdeathsig", "KILL"] if SETPRIV else []  # should the bench itself be killed


class Running:
    """A command that runs until the block ends. Its output goes to ``log``."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path, *, stop_with: int = 0) -> None:
        """``stop_with``: the signal that ends it; 0: all its processes are killed at once, for nobody needs them."""
        self.log = log
        self._command = command
        self._stop_with = stop_with
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*DIES_WITH_US, *command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def check(self) -> None:
        """Raise RuntimeError, with the end of its log, if the command has ended."""
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"{' '.join(self._command)} ended with code {code}:\n{self.tail()}")

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def tree(self) -> list[psutil.Process]:
        """Return the process and all its descendants; nothing if it has ended."""
        if self._process.poll() is not None:
            return []
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    def kill_tree(self) -> None:
        """End all its processes as the end of their host would: none of them learns of another's death."""
        if family := self.tree():
            family[0].suspend()  # or it might start new ones meanwhile
        for member in [*self.tree(), *self._left_behind()]:
            _end(member)
        self._process.wait()

    def stop(self) -> None:
        """End the command and see to it that nothing of its session is left. Twice is fine."""
        if not self._stop_with:
            self.kill_tree()
            return
        family = self.tree()
        self._process.send_signal(self._stop_with)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for member in [*family, *self._left_behind()]:
            _end(member)

    def _left_behind(self) -> list[psutil.Process]:
        """Return what is left of its session: children whose parent was killed are in no tree of ours any more."""
        session = self._process.pid
        if self._process.poll() is not None and psutil.pid_exists(session):
            return []  # the number was given to another since, so nothing of ours is left
        return [member for member in psutil.process_iter() if _session_of(member.pid) == session]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _end(member: psutil.Process) -> None:
    """Kill a process that is still there (psutil checks that the id was not given to another since)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        member.send_signal(signal.SIGKILL)


def cpu_seconds(family: list[psutil.Process]) -> float:
    """Return the processor time these processes have used so far, with that of children they have seen the end of."""
    return sum(_cpu_seconds(member) for member in family)


def _cpu_seconds(member: psutil.Process) -> float:
    try:
        times = member.cpu_times()
    except psutil.NoSuchProcess:  # its parent has it now
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def pss_mib(family: list[psutil.Process]) -> float:
    """Return the proportional set size of all together: private pages, and a share of those that are shared."""
    return sum(_pss_bytes(member.pid) for member in family) / 2**20


def rss_mib(family: list[psutil.Process]) -> float:
    """Return the resident memory of all together, shared pages counted for each of them."""
    return sum(float(member.memory_info().rss) for member in family) / 2**20


def _pss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"expected a Pss line in /proc/{pid}/smaps_rollup, found none; this needs Linux 4.14 or later")
