"""The supervisor's side of the zygote: asks it for children, and hears what becomes of them."""

from __future__ import annotations

import errno
import os
import signal
import socket
from contextlib import suppress
from threading import Event

from horarium.clock import Clock, Seconds
from horarium.worker.board import Board
from horarium.worker.orders import OrderChannel, close_descriptor
from horarium.worker.process import SignalInbox
from horarium.worker.wire import Frame, FrameReader, Verb, encode
from horarium.worker.zygote import Bear, fork_zygote

FROZEN_AFTER: Seconds = 5.0
REAP_EVERY: Seconds = 0.005
OWN_PAUSE: Seconds = 2.0  # a longer gap between two looks means that we were the frozen one


class Nursery:
    """A handle of the zygote. Used by the supervisor's main thread alone."""

    def __init__(self, board: Board, clock: Clock, bear: Bear, inbox: SignalInbox) -> None:
        self._board = board
        self._clock = clock
        self._pause = Event()  # never set: a wait for nothing but time
        self.pid, self._channel = fork_zygote(board, clock, bear, inbox)
        self._channel.setblocking(False)
        self._reader = FrameReader(self._channel)
        self._pulse = -1
        self._pulse_changed: Seconds = 0.0
        self._looked: Seconds = 0.0

    def fileno(self) -> int:
        return self._channel.fileno()

    def bear(self, place: int, generation: int) -> OrderChannel:
        """Ask for a child; return our end of its order channel."""
        ours, theirs = OrderChannel.pair()
        try:
            with suppress(OSError):  # dead or frozen: that is noticed elsewhere
                socket.send_fds(self._channel, [encode(Frame(Verb.FORK, place, generation))], [theirs])
        finally:
            close_descriptor(theirs)
        return ours

    def kill(self, place: int, generation: int) -> None:
        """Kill a child and what it started. Asked of its parent, who knows whether the pid is still its own."""
        with suppress(OSError):  # dead or frozen: that is noticed elsewhere
            self._channel.sendall(encode(Frame(Verb.KILL, place, generation)))

    def signal(self, place: int, generation: int, number: int) -> None:
        """Send a signal to a child and what it started; asked of its parent, as kill is."""
        with suppress(OSError):  # dead or frozen: that is noticed elsewhere
            self._channel.sendall(encode(Frame(Verb.SIGNAL, place, generation, number)))

    def dump(self) -> None:
        """Let all children show their stacks."""
        with suppress(OSError):  # dead or frozen: that is noticed elsewhere
            self._channel.sendall(encode(Frame(Verb.DUMP)))

    def read_now(self) -> list[Frame] | None:
        """Return what the zygote has said, without waiting; None when it is dead, and with it all children."""
        frames = self._reader.read()
        return None if self._reader.ended and not frames else frames

    def is_frozen(self, now: Seconds) -> bool:
        """Whether the zygote has not shown a sign of life for long, while we have been looking."""
        pulse = self._board.pulse
        if pulse != self._pulse or now - self._looked > OWN_PAUSE:
            self._pulse, self._pulse_changed = pulse, now
        self._looked = now
        return now - self._pulse_changed > FROZEN_AFTER

    def kill_zygote(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self, timeout: Seconds) -> None:
        """Let the zygote end, which ends all children; does not wait longer than ``timeout``."""
        self._channel.close()
        deadline = self._clock.monotonic() + timeout
        while not self._is_reaped():
            if self._clock.monotonic() > deadline:
                self.kill_zygote()
                deadline += timeout
            self._pause.wait(REAP_EVERY)

    def _is_reaped(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True


def describe_status(status: int) -> str:
    """Return a wait status in words."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"signal {-code}"


def describe_errno(number: int) -> str:
    return f"{errno.errorcode.get(number, number)}: {os.strerror(number)}"
