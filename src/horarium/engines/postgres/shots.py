"""Firings as values: how a schedule stands, what was found out about a firing of it, and what becomes of it."""

from __future__ import annotations

from msgspec import Struct

from horarium.clock import Instant
from horarium.message import Message
from horarium.schedules.record import Fate, Firing

# The last bits of a firing's token tell its fate, so that one whose answer was lost is known again and answered the
# same. What is HELD or LOST has moved nothing on, and is decided anew.
FATES = {1: Fate.SENT, 2: Fate.SKIPPED, 3: Fate.REPEATED}
CODES = {fate: code for code, fate in FATES.items()}
CODE_MASK = 3


class Aim(Struct, frozen=True):
    """A firing as it was asked for, and the token by which it is known again."""

    place: int
    firing: Firing
    token: int


class Stand(Struct, eq=False):
    """How a schedule stands, as read under its lock. Firings move it on."""

    name: str
    id: str
    version: int
    token: int
    next_fire: Instant | None
    last_fire: Instant | None
    total_runs: int
    missed: int
    skipped: int
    held: bool
    ended: Instant | None


class Shot(Struct, eq=False):
    """A firing on its way, and what was found out about it."""

    place: int  # in the call
    firing: Firing
    token: int
    stand: Stand
    known: list[int]  # tokens of those of its instants that were fired before
    new: list[Message]
    active: list[str] = []  # ids of the runs that count, up to the bound
    fate: Fate = Fate.LOST

    @property
    def is_manual(self) -> bool:
        return self.firing.kind == "manual"

    @property
    def is_full(self) -> bool:
        return self.must_count and len(self.active) >= self.firing.max_active

    @property
    def must_count(self) -> bool:
        return bool(self.new) and not self.is_manual and self.firing.overlap != "allow"

    @property
    def is_late(self) -> bool:
        stand, firing = self.stand, self.firing
        return not self.is_manual and (stand.version, stand.next_fire) != (firing.version, firing.expected)

    @property
    def fate_before(self) -> Fate | None:
        """The fate that an earlier try of this very firing has met, if one has done anything."""
        mine = [token for token in (self.stand.token, *self.known) if (token ^ self.token) & ~CODE_MASK == 0]
        return FATES.get(mine[0] & CODE_MASK) if mine else None

    @property
    def signed(self) -> int:
        """The token that tells its fate."""
        return self.token & ~CODE_MASK | CODES[self.fate]


def decide(shot: Shot) -> Fate:
    """Return what becomes of a firing that is not late, and move its schedule on."""
    firing, stand, new = shot.firing, shot.stand, shot.new
    if shot.is_manual:
        return Fate.SENT if new else Fate.REPEATED
    if shot.is_full and firing.overlap == "queue_one":
        stand.held = True
        return Fate.HELD
    stand.next_fire, stand.held = firing.next_fire, False
    stand.missed += firing.missed
    if shot.is_full and firing.overlap == "skip":
        stand.skipped += len(new)
        return Fate.SKIPPED
    if not new:
        return Fate.REPEATED if firing.messages else Fate.SENT
    stand.total_runs += len(new)
    stand.last_fire = max(stand.last_fire or 0, *(message.nominal or 0 for message in new))
    return Fate.SENT
