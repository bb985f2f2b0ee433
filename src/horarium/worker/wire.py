"""What supervisor and zygote say to each other: small frames of one size over a stream socket."""

from __future__ import annotations

import socket
from enum import IntEnum
from struct import Struct as Layout

from msgspec import Struct


class Verb(IntEnum):
    # supervisor -> zygote
    FORK = 1  # one descriptor travels with it: the child's end of its order channel
    KILL = 2  # this incarnation and all it started; no-op if it is gone
    SIGNAL = 7  # value: the number of a signal, for this incarnation and all it started
    DUMP = 3  # all children write the stacks of their threads to stderr
    # zygote -> supervisor
    BORN = 4  # value: pid
    UNBORN = 5  # value: errno of the fork
    GONE = 6  # value: wait status


class Frame(Struct, frozen=True):
    verb: Verb
    child: int = 0  # the place on the board
    generation: int = 0  # which incarnation in that place
    value: int = 0
    lapsed: bool = False  # GONE: the zygote killed it, because its lease had lapsed


_LAYOUT = Layout("=iiqqi")
FRAME_BYTES = _LAYOUT.size


def encode(frame: Frame) -> bytes:
    return _LAYOUT.pack(frame.verb, frame.child, frame.generation, frame.value, frame.lapsed)


class FrameReader:
    """Cuts a stream into frames. ``ended`` once the other side has closed."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._buffer = b""
        self.ended = False

    def read(self) -> list[Frame]:
        """Return the frames that have arrived; blocks only if the socket does and nothing has."""
        try:
            received = self._channel.recv(65536)
        except (BlockingIOError, InterruptedError):
            return []
        except ConnectionError:
            received = b""
        if not received:
            self.ended = True
        self._buffer += received
        whole = len(self._buffer) // FRAME_BYTES * FRAME_BYTES
        frames = [_decode(entry) for entry in _LAYOUT.iter_unpack(self._buffer[:whole])]
        self._buffer = self._buffer[whole:]
        return frames


def read_with_descriptor(channel: socket.socket) -> tuple[Frame, int | None] | None:
    """Read exactly one frame and the descriptor that came with it; None when the other side has closed."""
    data, descriptors, _, _ = socket.recv_fds(channel, FRAME_BYTES, 1)
    while 0 < len(data) < FRAME_BYTES:
        more = channel.recv(FRAME_BYTES - len(data))
        if not more:
            return None
        data += more
    if not data:
        return None
    return _decode(_LAYOUT.unpack(data)), (descriptors[0] if descriptors else None)


def _decode(values: tuple[int, ...]) -> Frame:
    verb, child, generation, value, lapsed = values
    return Frame(Verb(verb), child, generation, value, bool(lapsed))
