"""Firing: what comes due becomes messages, once; see Schedules.fire.

One call is one transaction. It locks the messages that it may have to end, then its schedules (news.py tells why in
this order), reads how they stand, decides with plain values and writes everything in a few statements for all of it.
Several firings of one schedule are carried out one behind the other, so that each sees what those before it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

from psycopg.errors import LockNotAvailable, SerializationFailure

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.aftermath import carry_out_dooms
from horarium.engines.postgres.connection import transaction
from horarium.engines.postgres.intake import Intake
from horarium.engines.postgres.keys import insert, lock_holders
from horarium.engines.postgres.moves import Moves, revoke
from horarium.engines.postgres.shots import Aim, Shot, Stand, decide
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC
from horarium.message import FiringKind
from horarium.schedules.record import Fate, Firing

MAKE_WAY = frozenset({"cancel_previous", "replace_queued"})  # overlaps that end what is active
ALL = 2**62  # more than are ever active
LOCK_PATIENCE: Seconds = 1.0  # how long a firing waits for who has locked its schedule; a batch's commit takes a tenth


Key: TypeAlias = tuple[Instant, str, FiringKind]  # what is unique of a firing: nominal, schedule id, kind


class Volley:
    """The firings of one call. Their tokens stay the same however often it has to be carried out."""

    def __init__(self, firings: Sequence[Firing], now: Instant) -> None:
        self._aims = [Aim(place, firing, new_token()) for place, firing in enumerate(firings)]
        self._now = now

    def carry_out(self, db: Database, topics: Topics) -> list[Fate]:
        """Fire, in a transaction of its own, and wake whoever waits for it.

        Schedules that somebody has locked come second, in another one, and are LOST if he does not let go of them: a
        caller's transaction in which a run has ended may stay open, and must not stop all the others.
        """
        fates = dict.fromkeys(range(len(self._aims)), Fate.LOST)
        left = self._fire(db, topics, self._aims, fates, waits=False)
        if left:
            with suppress(LockNotAvailable):
                self._fire(db, topics, left, fates, waits=True)
        return list(fates.values())

    def _fire(
        self, db: Database, topics: Topics, aims: Sequence[Aim], fates: dict[int, Fate], *, waits: bool
    ) -> list[Aim]:
        """Fire all or nothing; return those aims whose schedules are in other hands, or gone."""
        burst = _Burst(db, self._now, waits=waits)
        with transaction(db):
            burst.lock(aims)
            for aims_of_round in _rounds(aims):
                burst.fire(aims_of_round)
        topics.announce(db, burst.topics)
        if burst.has_doomed:
            carry_out_dooms(db, self._now, topics)
        fates |= burst.fates
        return [aim for aim in aims if aim.place not in burst.fates]


def _rounds(aims: Sequence[Aim]) -> Iterator[list[Aim]]:
    """Yield the aims in their order, cut wherever a schedule comes again."""
    names: set[str] = set()
    start = 0
    for place, aim in enumerate(aims):
        if aim.firing.schedule in names:
            yield list(aims[start:place])
            names, start = set(), place
        names.add(aim.firing.schedule)
    yield list(aims[start:])


class _Burst:
    """One transaction of a volley. ``waits``: for locks that others hold; otherwise those schedules are left out."""

    def __init__(self, db: Database, now: Instant, *, waits: bool) -> None:
        self._db = db
        self._moves = Moves(db, now)
        self._now = now
        self._waits = waits
        self._ours: set[str] = set()  # ids of the messages that we have locked or put
        self._stands: dict[str, Stand] = {}
        self.fates: dict[int, Fate] = {}
        self.topics: set[str] = set()

    @property
    def has_doomed(self) -> bool:
        """Tell whether what was ended to make way was waited for."""
        return self._moves.has_doomed

    def lock(self, aims: Sequence[Aim]) -> None:
        """Lock all that is touched, in the order in which everybody does."""
        names = array(sorted({aim.firing.schedule for aim in aims}))
        ending = sorted({aim.firing.schedule for aim in aims if aim.firing.overlap in MAKE_WAY})
        if self._waits:
            self._db.connection.execute(f"SET LOCAL lock_timeout = {milliseconds(LOCK_PATIENCE)}")
        if ending:
            rows = self._db.fetch("lock_fired" if self._waits else "lock_free_fired", schedules=array(ending))
            self._ours = {id for (id,) in rows}
        lock_holders(self._db, [message for aim in aims for message in aim.firing.messages])
        rows = self._db.fetch("lock_to_fire" if self._waits else "lock_free_to_fire", names=names)
        self._stands = {row[0]: Stand(*row) for row in rows}

    def fire(self, aims: Sequence[Aim]) -> None:
        """Fire schedules, each once."""
        shots = []
        for shot in self._look(aims):
            if (fate := shot.fate_before) is not None:
                self._note(shot, fate)
            elif shot.is_late:
                self._note(shot, Fate.LOST)
            else:
                shots.append(shot)
        self._count([shot for shot in shots if shot.must_count])
        shots = [shot for shot in shots if self._can_make_way(shot)]
        for shot in shots:
            is_full = shot.is_full  # as it was before it is moved on
            self._note(shot, decide(shot))
            if is_full and shot.fate is Fate.SENT:
                self._make_way(shot)
        self._moves.write()
        self.topics |= self._moves.topics
        self._write(shots)

    def _look(self, aims: Sequence[Aim]) -> Iterator[Shot]:
        """Find what was fired before. A schedule that we do not have is passed over."""
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

    def _keys(self, firing: Firing) -> dict[str, Key]:
        id = self._stands[firing.schedule].id
        return {message.id: (message.nominal or 0, id, firing.kind) for message in firing.messages}

    def _known(self, keys: Iterable[Key]) -> dict[Key, int]:
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

    def _can_make_way(self, shot: Shot) -> bool:
        """Tell whether all that may have to be ended is locked; leave the schedule out if it is not.

        What was sent between our two locks is not, and must not be locked now: whoever is at it may be waiting for the
        schedule, which we hold.
        """
        if not shot.is_full or shot.firing.overlap not in MAKE_WAY or self._ours.issuperset(shot.active):
            return True
        if self._waits:
            raise SerializationFailure(f"another firing of {shot.stand.name} was faster")
        del self._stands[shot.stand.name]
        return False

    def _make_way(self, shot: Shot) -> None:
        """End what waits, and mark what is in hand if it is to be cancelled."""
        for entry in self._moves.entries(shot.active):
            if entry.is_waiting:
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
        has_keys = any(message.unique is not None for message in sent)
        with self._db.connection.pipeline():  # nobody waits for an answer, so one round trip for all of it
            if fired:
                self._db.run("insert_firings", **_columns(fired), tokens=array(fired.values()))
            if moved:
                self._advance(moved)
            if sent and not has_keys:
                Intake(sent, self._now, new_token()).send(self._db)
        if has_keys:
            insert(self._db, sent, self._now, new_token(), topics=self.topics)
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


def _columns(keys: Iterable[Key]) -> dict[str, str]:
    """Return the keys as arrays; nothing if there are none."""
    rows = list(keys)
    if not rows:
        return {}
    nominals, schedules, kinds = zip(*rows, strict=True)
    return {"nominals": array(nominals), "schedules": array(schedules), "kinds": array(kinds)}
