"""Run a command, and run it anew whenever a Python file below the watched folders changes.

The command runs in a process group of its own, so that Ctrl-C reaches only us and we decide how it ends: asked with
TERM (running tasks finish within their grace), asked again (work is given back), and only then killed. It ends with
us, whatever becomes of us. A command that cannot start, for a syntax error say, is tried again at the next save.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from horarium.clock import Seconds, SystemClock

LOOK_EVERY: Seconds = 0.5
LOOK_SHARE = 20  # a look at the files may take 1/20 of the time, however many there are
SAVING: Seconds = 0.1  # an editor, or a branch switch, writes several files; wait until it is done
KILL_AFTER: Seconds = 5.0  # beyond the grace
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
PR_SET_PDEATHSIG = 1  # prctl(2)


class Reloader:
    """Keep one command running. ``say`` tells the person what happens.

    ``beside`` returns, whenever it is started, another command that goes along: it is not waited for when it ends by
    itself, and told to end with the first.
    """

    def __init__(
        self,
        command: Sequence[str],
        folders: Sequence[Path],
        *,
        grace: Seconds,
        say: Callable[[str], None],
        beside: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._command = list(command)
        self._beside = beside
        self._companion: subprocess.Popen[bytes] | None = None
        self._folders = list(folders)
        self._grace = grace
        self._say = say
        self._clock = SystemClock()
        self._signals = 0  # how often somebody asked us to stop
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Keep the command running until INT or TERM; return 0 once it has ended in an orderly way."""
        with _Bell(self._note) as bell:
            seen = snapshot(self._folders)
            self._start()
            pause = LOOK_EVERY
            while not self._signals:
                bell.wait(pause)
                self._mourn()
                began = self._clock.monotonic()
                now = snapshot(self._folders)
                pause = max(LOOK_EVERY, LOOK_SHARE * (self._clock.monotonic() - began))
                if now == seen or self._signals:
                    continue
                now = self._settled(now, bell)
                self._say(f"changed: {', '.join(changes(seen, now)[:3])}; starting anew")
                seen = now
                self._end(bell)
                if not self._signals:
                    self._start()
            self._say("stopping; running tasks may finish (Ctrl-C again gives them back)")
            self._end(bell)
        return 0

    def _note(self) -> None:
        self._signals += 1
        if self._signals > 1 and self._child is not None and self._child.poll() is None:
            self._send(signal.SIGTERM if self._signals == 2 else signal.SIGKILL)

    def _start(self) -> None:
        self._child = subprocess.Popen(self._command, process_group=0, preexec_fn=_die_with_parent())
        if self._beside is not None:
            self._companion = subprocess.Popen(self._beside(), process_group=0, preexec_fn=_die_with_parent())

    def _mourn(self) -> None:
        """Say it once when the command has ended by itself."""
        if self._child is not None and (code := self._child.poll()) is not None:
            self._child = None
            self._say(f"it ended (exit code {code}); waiting for the next save")

    def _settled(self, now: dict[str, int], bell: _Bell) -> dict[str, int]:
        while not self._signals:
            bell.wait(SAVING)
            later = snapshot(self._folders)
            if later == now:
                break
            now = later
        return now

    def _end(self, bell: _Bell) -> None:
        """Ask the command to end and wait for it; kill it, and all it started, when its grace is over."""
        companion, self._companion = self._companion, None
        if companion is not None and companion.poll() is None:
            companion.send_signal(signal.SIGTERM)
        self._end_child(bell)
        if companion is not None:
            try:
                companion.wait(KILL_AFTER)
            except subprocess.TimeoutExpired:
                os.killpg(companion.pid, signal.SIGKILL)
                companion.wait()

    def _end_child(self, bell: _Bell) -> None:
        child = self._child
        if child is None:
            return
        if child.poll() is None:
            self._send(signal.SIGTERM)
        until = self._clock.monotonic() + self._grace + KILL_AFTER
        while child.poll() is None:
            if self._clock.monotonic() > until:
                self._say("it did not end in time; killed")
                self._send(signal.SIGKILL)
                child.wait()
            bell.wait(0.05)
        self._child = None

    def _send(self, number: signal.Signals) -> None:
        assert self._child is not None
        try:
            if number == signal.SIGKILL:
                os.killpg(self._child.pid, number)
            else:
                self._child.send_signal(number)
        except ProcessLookupError:
            pass  # it has ended in this moment


class _Bell:
    """Waits that INT and TERM cut short, and SIGCHLD too; ``asked`` is called for INT and TERM."""

    def __init__(self, asked: Callable[[], None]) -> None:
        self._asked = asked

    def __enter__(self) -> _Bell:
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._fd_before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        self._before = {n: signal.signal(n, self._hear) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._fd_before)
        self._ear.close()
        self._mouth.close()

    def wait(self, timeout: Seconds) -> None:
        ready, _, _ = select.select([self._ear], [], [], timeout)
        if ready:
            self._ear.recv(4096)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._asked()


def snapshot(folders: Sequence[Path]) -> dict[str, int]:
    """Return when each Python file below the folders was last written; hidden folders and environments are left out."""
    found: dict[str, int] = {}
    for folder in folders:
        for entry in _python_files(str(folder)):
            with suppress(FileNotFoundError):  # it has gone since its folder was read
                found[entry.path] = entry.stat().st_mtime_ns
    return found


def changes(before: dict[str, int], after: dict[str, int]) -> list[str]:
    """Return the names of the files that differ, came or went."""
    paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    return [os.path.relpath(path) for path in paths]


def _python_files(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # gone, or not ours to read
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _python_files(entry.path)
        elif entry.name.endswith(".py") and entry.is_file():
            yield entry


def _die_with_parent() -> Callable[[], None] | None:
    """Return what a child on Linux runs first, so that it is told to stop when we are killed."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
