"""What a process of ours tells the operating system: how it dies, how it hears signals, how its stacks are shown."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Collection, Iterable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when the thread that forked it ends (Linux; elsewhere its absence must
    be noticed otherwise).

    Call it first after a fork; ends the process at once if the parent is gone already. The signal may come several
    times: as a process ends, its children pass from thread to thread.
    """
    _hear_of_death(number)
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Take die_with_parent back. Must be called by the same thread."""
    _hear_of_death(0)


def _hear_of_death(number: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


class SignalInbox:
    """Signals as bytes to read: handlers do nothing themselves, so they can interrupt nothing half done.

    Only the main thread may make one. ``fileno`` becomes readable when a signal has come or ``wake`` was called.
    """

    def __init__(self, signals: Iterable[int]) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before = {number: signal.signal(number, _hear) for number in signals}
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def wake(self) -> None:
        """Make it readable without a signal; safe from every thread."""
        with suppress(OSError):  # full: it is readable already; closed: nobody waits any more
            self._writer.send(b"\0")

    def read(self) -> list[int]:
        """Return the numbers of the signals that have come, in order; never blocks."""
        try:
            return [number for number in self._reader.recv(4096) if number]
        except BlockingIOError:
            return []

    def close(self, *, restore: bool = True) -> None:
        """Stop hearing. With ``restore`` the handlers of before are put back."""
        signal.set_wakeup_fd(self._wakeup_before if restore else -1)
        if restore:
            for number, handler in self._before.items():
                signal.signal(number, handler)
        self._reader.close()
        self._writer.close()


def _hear(number: int, frame: object) -> None:
    """A Python handler, not SIG_IGN: what a task executes must not inherit ignored signals."""


def ignore(signals: Iterable[int]) -> None:
    """Let signals pass by, without handing that down to programs that are executed from here."""
    for number in signals:
        signal.signal(number, _hear)


def be_ordinary_when_copied(signals: Collection[int]) -> None:
    """Let copies that are forked from this process answer signals as any process does: what a task has started with
    ``multiprocessing`` must end when it is told to. What copies of copies do is their own affair.

    A signal that comes in the middle of the fork waits until the copy has its handlers.
    """
    original = os.getpid()
    masks = threading.local()  # a fork begins and ends in one thread

    def hold() -> None:
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    def restore() -> None:
        if os.getppid() == original:
            for number in signals:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=restore)


def show_stacks_on(number: int, *, then_handle: bool = False) -> None:
    """Write the stacks of all threads to the real stderr whenever this signal comes, whatever the code is doing.

    ``then_handle``: the handler that is set already hears the signal as well.
    """
    if sys.__stderr__ is not None:
        with suppress(OSError, ValueError):  # a closed stderr: there is nowhere to show them
            faulthandler.register(number, file=sys.__stderr__, all_threads=True, chain=then_handle)


def end_with_own_threads(prefix: str, code: int) -> None:
    """End the process when a thread whose name begins so raises: a child that cannot settle or obey must not go on.

    What it was running counts as crashed. Threads of tasks are left to the hook of before.
    """
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        before(args)
        if args.thread is not None and args.thread.name.startswith(prefix):
            os._exit(code)

    threading.excepthook = hook


def is_running(pid: int) -> bool:
    """Whether a process of this number is there, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def private_memory_kib() -> int:
    """Return what this process alone occupies, in KiB; 0 where that cannot be known.

    Memory shared with the zygote does not count: killing the child would not free it.
    """
    try:
        with open("/proc/self/smaps_rollup", "rb") as report:
            return sum(int(line.split()[1]) for line in report if line.startswith(b"Private_"))
    except OSError:
        return 0


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process; 0 where that cannot be known."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as report:
            return int(report.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
