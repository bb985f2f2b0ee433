"""The zygote: a process without threads and without connections that bears the children, and guards them.

It is forked from the supervisor right after the app was imported, so a child starts at once and shares the memory
of all that was imported. It forks on request, reaps what dies, and reports. It is the guardian too: it kills children
whose lease deadline on the board has passed, whether or not the supervisor can still run, and all of them when the
supervisor is gone. It never runs code of a task.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from horarium import signals
from horarium.clock import Clock, Seconds
from horarium.worker.board import Board
from horarium.worker.process import (
    STOP_SIGNALS,
    SignalInbox,
    be_ordinary_when_copied,
    die_with_parent,
    ignore,
    show_stacks_on,
)
from horarium.worker.wire import Frame, Verb, encode, read_with_descriptor

PULSE: Seconds = 0.5  # at least so often the zygote looks at the deadlines and shows that it lives
SHORTEST_LOOK: Seconds = 0.02
EXIT_INTERNAL = 70

# Runs a child in its place on the board, as this generation, taking orders from this descriptor; returns its exit code.
Bear = Callable[[int, int, int], int]


class _Life:
    """A child that was born and is not reaped yet."""

    __slots__ = ("child", "generation", "lapsed", "pid")

    def __init__(self, child: int, generation: int, pid: int) -> None:
        self.child = child
        self.generation = generation
        self.pid = pid
        self.lapsed = False


class Zygote:
    """The body of the process. ``run`` returns when the supervisor is gone and all children are dead."""

    def __init__(self, channel: socket.socket, board: Board, clock: Clock, bear: Bear) -> None:
        self._channel = channel
        self._board = board
        self._clock = clock
        self._bear = bear
        self._lives: dict[int, _Life] = {}  # by place on the board
        self._pulse = 0

    def run(self) -> None:
        self._inbox = SignalInbox([signal.SIGCHLD, *STOP_SIGNALS, signal.SIGHUP])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        show_stacks_on(signal.SIGUSR1)
        poller = select.poll()
        poller.register(self._channel.fileno(), select.POLLIN)
        poller.register(self._inbox.fileno(), select.POLLIN)
        while True:
            self._pulse += 1
            self._board.beat(self._pulse)
            ready = dict(poller.poll(self._kill_lapsed() * 1000))
            if self._inbox.fileno() in ready:
                self._inbox.read()
            self._reap()
            if self._channel.fileno() in ready and not self._obey():
                break
        self._end_all()

    def _kill_lapsed(self) -> Seconds:
        """Kill whoever may not work any more; return for how long nobody's time can run out."""
        wait = PULSE
        now = self._clock.monotonic()
        for life in self._lives.values():
            until = self._board.lease(life.child)
            if not until or life.lapsed:
                continue
            if until <= now:
                life.lapsed = True
                _kill_group(life.pid)
            else:
                wait = min(wait, max(SHORTEST_LOOK, until - now))
        return wait

    def _reap(self) -> None:
        for life in list(self._lives.values()):
            # WNOWAIT leaves the zombie: as long as it is there, its process group cannot be anybody else's, so
            # whatever the child started and left behind can be killed safely.
            if os.waitid(os.P_PID, life.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(life.pid)
            _, status = os.waitpid(life.pid, 0)
            del self._lives[life.child]
            self._report(Frame(Verb.GONE, life.child, life.generation, status, life.lapsed))

    def _obey(self) -> bool:
        """Carry out one request; False when the supervisor is gone."""
        try:
            received = read_with_descriptor(self._channel)
        except ConnectionError:
            return False
        if received is None:
            return False
        frame, descriptor = received
        match frame.verb:
            case Verb.FORK if descriptor is not None:
                self._fork(frame.child, frame.generation, descriptor)
            case Verb.KILL:
                life = self._lives.get(frame.child)
                if life is not None and life.generation == frame.generation:
                    _kill_group(life.pid)
            case Verb.SIGNAL:
                life = self._lives.get(frame.child)
                if life is not None and life.generation == frame.generation:
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(life.pid, frame.value)
            case Verb.DUMP:
                for life in self._lives.values():
                    with suppress(ProcessLookupError):
                        os.kill(life.pid, signal.SIGUSR1)
        return True

    def _fork(self, child: int, generation: int, orders: int) -> None:
        zygote = os.getpid()
        signals.worker_before_create_process.send(self)
        try:
            pid = os.fork()
        except OSError as error:
            os.close(orders)
            self._report(Frame(Verb.UNBORN, child, generation, error.errno or 0))
            return
        if pid == 0:
            self._become_child(zygote, child, generation, orders)
        os.close(orders)
        self._lives[child] = _Life(child, generation, pid)
        self._report(Frame(Verb.BORN, child, generation, pid))

    def _become_child(self, zygote: int, child: int, generation: int, orders: int) -> NoReturn:
        code = EXIT_INTERNAL
        try:
            die_with_parent(zygote)
            os.setsid()
            self._inbox.close(restore=False)
            self._channel.close()
            self._lives.clear()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ignore([*STOP_SIGNALS, signal.SIGHUP])
            be_ordinary_when_copied([*STOP_SIGNALS, signal.SIGHUP])
            code = self._bear(child, generation, orders)
        except BaseException:  # noqa: BLE001  # the child is lost: its end is seen by the zygote, and its deliveries go back
            traceback.print_exc(file=sys.__stderr__)
        finally:
            _flush()
            os._exit(code)  # not sys.exit: exit handlers belong to the process that registered them

    def _report(self, frame: Frame) -> None:
        with suppress(ConnectionError):  # the supervisor is gone; the next read says so
            self._channel.sendall(encode(frame))

    def _end_all(self) -> None:
        for life in self._lives.values():
            _kill_group(life.pid)
        for life in self._lives.values():
            os.waitpid(life.pid, 0)


def fork_zygote(board: Board, clock: Clock, bear: Bear, inbox: SignalInbox) -> tuple[int, socket.socket]:
    """Fork the zygote; return its pid and the supervisor's end of the channel.

    The calling process must have no threads and no open store: nothing of the kind survives a fork. ``inbox`` is the
    supervisor's; the zygote makes its own.
    """
    ours, theirs = socket.socketpair()
    _flush()
    gc.collect()
    gc.freeze()  # what was imported stays shared between the processes: the collector does not touch it any more
    # Until the zygote has an inbox of its own, a signal sent to it would be heard as one sent to the supervisor.
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        theirs.close()
        return pid, ours
    code = EXIT_INTERNAL
    try:
        ours.close()
        inbox.close(restore=False)
        # Its own group: a Ctrl-C in the terminal is the supervisor's to answer, and a kill of the supervisor's whole
        # group must leave somebody to end what the children started.
        os.setpgid(0, 0)
        Zygote(theirs, board, clock, bear).run()
        code = 0
    except BaseException:  # noqa: BLE001  # without a zygote there are no children: they die with it, and the supervisor ends
        traceback.print_exc(file=sys.__stderr__)
    finally:
        _flush()
        os._exit(code)


def _kill_group(pid: int) -> None:
    """Kill a child that is not reaped yet, and all that it started in its group."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
