"""A move: what is to become of one message. It is decided in moves.py and carried out by lua/parts/moves.lua."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from horarium.clock import Instant
from horarium.message import Message


class Move(Struct, omit_defaults=True, kw_only=True):
    """What lua/commit.lua is to do with one message; what is left out is left alone. Names are those of the script."""

    id: str
    guard: str  # digest of the record that it was decided on
    creates: bool = False  # the message may be absent
    record: str | None = None
    message: str | None = None
    seen: str | None = None  # digest of the stored message, where that may change without the record
    why: str | None = None  # what must block it
    leave: tuple[str, str, str] | None = None  # queue, slot, member
    unblock: bool = False
    aside: tuple[str, str, str, str, str] | None = None  # with it: slot's key, queue, line, task, member
    join: tuple[str, str, int, str, str] | None = None  # queue, slot, due, member, task
    block: tuple[int, str, int | str] | None = None  # by its gate: turn, queue, size or ''
    owner: str | None = None  # out of whose hands
    hand: str | None = None  # with it: what its record says of its line
    terminate: str | None = None  # whose process is to end it
    unexpire: bool = False
    expire: Instant | None = None
    from_: str | None = msgspec.field(default=None, name="from")  # states, for the counts
    to: str | None = None
    age: Instant | None = None
    created: Instant | None = None  # with index
    index: tuple[str, ...] = ()
    unindex: tuple[str, ...] = ()
    sent: str | None = None  # what a schedule has sent, where that has changed; see rows.sent_of
    tells: Literal["succeeded", "failed", "ended"] | None = None  # its schedule: how it has ended
    forget: bool = False
    until_key: Literal["end", "endk"] | None = None
    until_at: Instant | None = None
    mark: Literal["-", "+"] | None = None
    slot: str | None = None  # a key that it has left
    unique: str | None = None  # a key that it holds no more
    dooms: tuple[str, ...] | None = None  # whoever waits for it
    doom: str | None = None  # with it: gates.Doom as JSON
    arrives: tuple[tuple[str, int], ...] | None = None  # gates, and its place at each
    value: str | None = None  # with it: JSON
    widens: dict[str, int] | None = None  # gates, and by how many
    puts: int = 0
    follow_ups: tuple[Message, ...] = ()  # sent beside it
