"""Firing: what comes due becomes messages, once; see Schedules.fire.

One call is one transaction. It locks the messages that it may have to end, then its schedules (news.py tells why in
this order), reads how they stand, decides with plain values and writes everything in a few statements for all of it.
Several firings of one schedule are carried out one behind the other, so that each sees what those before it did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from psycopg.errors import SerializationFailure

from horarium.clock import Instant
from horarium.engines.postgres.connection import transaction
from horarium.engines.postgres.intake import Intake
from horarium.engines.postgres.moves import Moves, revoke
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.protocol import QUEUE_TOPIC, RESULT_TOPIC
from horarium.message import FiringKind, Message
from horarium.schedules.record import Fate, Firing

# The last bits of a firing's token tell its fate, so that one whose answer was lost is known again and answered the
# same. What is HELD or LOST has moved nothing on, and is decided anew.
FATES = {1: Fate.SENT, 2: Fate.SKIPPED, 3: Fate.REPEATED}
CODES = {fate: code for code, fate in FATES.items()}
CODE_MASK = 3

MAKE_WAY = frozenset({"cancel_previous", "replace_queued"})  # overlaps that end what is active
ALL = 2**62  # more than are ever active


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


class Volley:
    """The firings of one call. Their tokens stay the same however often it has to be carried out."""

    def __init__(self, firings: Sequence[Firing], now: Instant) -> None:
        self._rounds = list(_rounds(firings))
        self._names = sorted({firing.schedule for firing in firings})
        self._ending = sorted({firing.schedule for firing in firings if firing.overlap in MAKE_WAY})
        self._now = now

    def carry_out(self, db: Database, topics: Topics) -> list[Fate]:
        """Fire, in a transaction of its own, and wake whoever waits for it."""
        burst = _Burst(db, self._now)
        with transaction(db):
            burst.lock(self._names, self._ending)
            for shots in self._rounds:
                burst.fire(shots)
        topics.announce(db, burst.topics)
        return [burst.fates[place] for place in sorted(burst.fates)]


class _Aim(Struct, frozen=True):
    """A firing as it was asked for, and the token by which it is known again."""

    place: int
    firing: Firing
    token: int


def _rounds(firings: Sequence[Firing]) -> Iterator[list[_Aim]]:
    """Yield the firings such that each round has each schedule once."""
    left = [_Aim(place, firing, new_token()) for place, firing in enumerate(firings)]
    while left:
        first: dict[str, _Aim] = {}
        later = [aim for aim in left if first.setdefault(aim.firing.schedule, aim) is not aim]
        yield list(first.values())
        left = later


class _Burst:
    """One try of a volley."""

    def __init__(self, db: Database, now: Instant) -> None:
        self._db = db
        self._moves = Moves(db, now)
        self._now = now
        self._ours: set[str] = set()  # ids of the messages that we have locked or put
        self._stands: dict[str, Stand] = {}
        self.fates: dict[int, Fate] = {}
        self.topics: set[str] = set()

    def lock(self, names: Collection[str], ending: Collection[str]) -> None:
        """Lock all that is touched, in the order in which everybody does. ``ending``: whose runs may be ended."""
        if ending:
            self._ours = {id for (id,) in self._db.fetch("lock_fired", schedules=array(ending))}
        self._stands = {row[0]: Stand(*row) for row in self._db.fetch("lock_to_fire", names=array(names))}

    def fire(self, aims: Sequence[_Aim]) -> None:
        """Fire schedules, each once."""
        self.fates |= dict.fromkeys([aim.place for aim in aims], Fate.LOST)
        shots = []
        for shot in self._look(aims):
            if (fate := shot.fate_before) is not None:
                self._note(shot, fate)
            elif not shot.is_late:
                shots.append(shot)
        self._count([shot for shot in shots if shot.must_count])
        for shot in shots:
            is_full = shot.is_full  # as it was before it is moved on
            self._note(shot, _decide(shot))
            if is_full and shot.fate is Fate.SENT:
                self._make_way(shot)
        self._moves.write()
        self._write(shots)

    def _look(self, aims: Sequence[_Aim]) -> Iterator[Shot]:
        """Find what was fired before. A schedule that is not there is passed over."""
        there = [aim for aim in aims if aim.firing.schedule in self._stands]
        known = self._known(key for aim in there for key in self._keys(aim.firing).values())
        for aim in there:
            keys = self._keys(aim.firing)
            yield Shot(
                aim.place,
                aim.firing,
                aim.token,
                self._stands[aim.firing.schedule],
                known=[known[key] for key in keys.values() if key in known],
                new=[message for message in aim.firing.messages if keys[message.id] not in known],
            )

    def _keys(self, firing: Firing) -> dict[str, _Key]:
        id = self._stands[firing.schedule].id
        return {message.id: (message.nominal or 0, id, firing.kind) for message in firing.messages}

    def _known(self, keys: Iterable[_Key]) -> dict[_Key, int]:
        """Return the tokens under which instants were fired before."""
        columns = _columns(keys)
        rows = self._db.fetch("fired", **columns) if columns else []
        return {(nominal, schedule, kind): token for nominal, schedule, kind, token in rows}

    def _count(self, shots: Sequence[Shot]) -> None:
        """Find what is active, now that nobody can add to it but us."""
        if not shots:
            return
        rows = self._db.fetch(
            "active",
            schedules=array(shot.stand.name for shot in shots),
            mosts=array(ALL if shot.firing.overlap in MAKE_WAY else shot.firing.max_active for shot in shots),
        )
        active: dict[str, list[str]] = {}
        for schedule, id in rows:
            active.setdefault(schedule, []).append(id)
        for shot in shots:
            shot.active = active.get(shot.stand.name, [])

    def _make_way(self, shot: Shot) -> None:
        """End what waits, and mark what is in hand if it is to be cancelled."""
        if not self._ours.issuperset(shot.active):
            # Sent between our two locks. Whoever is at it may be waiting for the schedule, which we hold.
            raise SerializationFailure(f"another firing of {shot.stand.name} was faster")
        for entry in self._moves.entries(shot.active):
            if entry.owner is None:
                revoke(self._moves, entry, f"replaced by the firing of {shot.firing.nominal}")
                shot.stand.ended = max(shot.stand.ended or 0, self._now)  # told at once: its row is ours
                self.topics.add(RESULT_TOPIC)
            elif shot.firing.overlap == "cancel_previous":
                self._db.run("mark_cancelled", id=entry.id, cancel="terminate")

    def _note(self, shot: Shot, fate: Fate) -> None:
        shot.fate = self.fates[shot.place] = fate
        if fate is Fate.SENT:
            self.topics |= {QUEUE_TOPIC + message.queue for message in shot.firing.messages}

    def _write(self, shots: Sequence[Shot]) -> None:
        moved = [shot for shot in shots if not shot.is_manual]
        sent = [message for shot in shots if shot.fate is Fate.SENT for message in shot.new]
        fired = {
            (message.nominal or 0, shot.stand.id, shot.firing.kind): shot.signed
            for shot in shots
            if shot.fate in (Fate.SENT, Fate.SKIPPED)
            for message in shot.new
        }
        with self._db.connection.pipeline():  # nobody waits for an answer, so one round trip for all of it
            if fired:
                self._db.run("insert_firings", **_columns(fired), tokens=array(fired.values()))
            if moved:
                self._advance(moved)
            if sent:
                Intake(sent, self._now, new_token()).send(self._db)
        self._ours.update(message.id for message in sent)

    def _advance(self, shots: Sequence[Shot]) -> None:
        for shot in shots:
            if shot.fate is not Fate.HELD:
                shot.stand.token = shot.signed
        stands = [shot.stand for shot in shots]
        self._db.run(
            "advance",
            names=array(stand.name for stand in stands),
            tokens=array(stand.token for stand in stands),
            next_fires=array(stand.next_fire for stand in stands),
            last_fires=array(stand.last_fire for stand in stands),
            total_runs=array(stand.total_runs for stand in stands),
            misseds=array(stand.missed for stand in stands),
            skippeds=array(stand.skipped for stand in stands),
            helds=array(stand.held for stand in stands),
            endeds=array(stand.ended for stand in stands),
        )


_Key = tuple[Instant, str, FiringKind]  # nominal, schedule id, kind


def _decide(shot: Shot) -> Fate:
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


def _columns(keys: Iterable[_Key]) -> dict[str, str]:
    """Return the keys as arrays; nothing if there are none."""
    rows = list(keys)
    if not rows:
        return {}
    nominals, schedules, kinds = zip(*rows, strict=True)
    return {"nominals": array(nominals), "schedules": array(schedules), "kinds": array(kinds)}
