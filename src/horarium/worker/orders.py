"""The channel between the supervisor and one child: JSON lines over a socket pair.

The supervisor orders, the child says once that it is ready. When the supervisor's end closes, the child ends at
once: that holds where no kernel kills orphans, too.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeAlias

import msgspec
from msgspec import Struct

from horarium.app.switches import Switched
from horarium.clock import Seconds


class Go(Struct, frozen=True, tag=True):
    """Your owner is registered: claim."""


class Drain(Struct, frozen=True, tag=True):
    """Claim no more, give back what is not started, finish what is, and end."""


class Quit(Struct, frozen=True, tag=True):
    """Record what is finished, and end now; the supervisor gives the rest back."""


class End(Struct, frozen=True, tag=True):
    """These ids were revoked with terminate: end those that you hold."""

    ids: tuple[str, ...]


class Change(Struct, frozen=True, tag=True, omit_defaults=True):
    """Be different from now on; None: as before."""

    queues: tuple[str, ...] | None = None
    slots: int | None = None
    limits: dict[str, tuple[Seconds | None, Seconds | None]] = {}  # of tasks: soft, hard
    events: bool | None = None  # write the events of tasks to the journal


class Turned(Struct, frozen=True, tag=True):
    """This is how the switches stand; the first one comes before Go."""

    switched: Switched


class Ready(Struct, frozen=True, tag=True):
    """The child has looked at its queues for the first time."""


Order: TypeAlias = Go | Drain | Quit | End | Change | Turned | Ready

_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


class OrderChannel:
    """One end of the channel."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._partial = b""

    @classmethod
    def from_descriptor(cls, descriptor: int) -> OrderChannel:
        return cls(socket.socket(fileno=descriptor))

    @classmethod
    def pair(cls) -> tuple[OrderChannel, int]:
        """Return our end, and a descriptor of the other one that is to be passed on and closed."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        return cls(ours), theirs.detach()

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, order: Order) -> None:
        """Send without waiting for anything. One that cannot be sent is not needed: the other side is gone, or so
        far behind that its lease will end it."""
        with suppress(OSError):
            self._end.send(msgspec.json.encode(order) + b"\n")

    def read(self) -> list[Order] | None:
        """Return the orders that have arrived; None when the other side has closed."""
        try:
            received = self._end.recv(65536)
        except (BlockingIOError, InterruptedError):
            return []
        except ConnectionError:
            return None
        if not received:
            return None
        *lines, self._partial = (self._partial + received).split(b"\n")
        return [_decoder.decode(line) for line in lines]

    def __iter__(self) -> Iterator[Order]:
        """Yield orders as they come, blocking in between, until the other side closes."""
        while (orders := self.read()) is not None:
            yield from orders

    def close(self) -> None:
        with suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()


def close_descriptor(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
