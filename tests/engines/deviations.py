"""Memory engines that deviate from the law on purpose, each in one of the things that messages wait for, to see that
the model test finds it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.memory import MemoryEngine
from horarium.engines.memory.store import Entry, Store
from horarium.engines.records import Note
from horarium.message import Join, Message
from horarium.outcome import Run, State
from horarium.tally import Tally


def deviant(kind: type[Store]) -> MemoryEngine:
    """Return a memory engine whose store makes the moves of another class."""
    engine = MemoryEngine()
    engine._store.__class__ = kind
    engine._store.notes = {}
    engine._store.tallies = {}
    return engine


class ValuesAsTheyCome(Store):
    """The values of a header stand in the order in which its members ended."""

    def arrive(self, join: Join, member: str, value: Raw, now: Instant) -> None:
        place = len(self.entries[join.id].arrived) if join.id in self.entries else 0
        super().arrive(Join(id=join.id, place=place), member, value, now)


class GatesThatAreNeverWidened(Store):
    def widen(self, id: str, by: int) -> None:
        pass


class GatesThatCanBeSealedAgain(Store):
    def seal(self, id: str, size: int, now: Instant) -> bool:
        if id in self.entries:
            self.entries[id].size = None
        return super().seal(id, size, now)


class NobodyIsDoomed(Store):
    """Whoever waits for what failed waits on."""

    def end(self, entry: Entry, *args: Any, **options: Any) -> None:
        super().end(entry, *args, **options)
        self._dooms = deque()


class ArrivalsOfTheOneBefore(Store):
    """What arrived at a message's gate still counts when another gate takes its place."""

    def _set_gate(self, entry: Entry, now: Instant) -> None:
        gate, arrived = entry.message.gate, dict.fromkeys(range(entry.fence), (0, Raw(b"0")))
        super()._set_gate(entry, now)
        if gate is not None:
            entry.arrived = {str(key): value for key, value in arrived.items()}
            self._look_at_gate(entry, now)


class ReplacedButStillInLine(Store):
    """A message that is put back with a gate is let into line at once."""

    def put_back(self, entry: Entry, run: Run, *args: Any, **options: Any) -> None:
        super().put_back(entry, replace(run, message=replace(run.message, gate=None)), *args, **options)


class ResultsInPlaceOfValues(Store):
    """Who waits is given the result that is kept, and not the value."""

    def arrive(self, join: Join, member: str, value: Raw, now: Instant) -> None:
        super().arrive(join, member, self.entries[member].run.result or value, now)


class SlotsThatLeak(Store):
    """What is put back keeps its place in the slot: nobody is called."""

    def put_back(self, entry: Entry, *args: Any, **options: Any) -> None:
        aside = [other for other in self.entries.values() if other.is_aside]
        super().put_back(entry, *args, **options)
        for other in aside:
            if not other.is_aside:
                self.step_aside(other)


class SlotsOfOneMore(Store):
    def in_slot(self, key: str) -> int:
        return max(0, super().in_slot(key) - 1)


class KeysThatLastForEver(Store):
    """A key is held to the end, however long it says that it lasts."""

    def _hold_unique(self, entry: Entry, now: Instant) -> None:
        super()._hold_unique(entry, now)
        if entry.message.unique is not None:
            self.uniques[entry.message.unique.key] = entry.run.id, None


class KeysThatOutliveTheStart(Store):
    """A key is held to the end, though it says until the start."""

    def _release_unique(self, entry: Entry) -> None:
        if entry.run.has_ended:
            super()._release_unique(entry)


class KeysThatAreNeverFree(Store):
    """The end of a run does not free its key."""

    def _release_unique(self, entry: Entry) -> None:
        if not entry.run.has_ended:
            super()._release_unique(entry)


class OldestOfAKey(Store):
    """A newer message of a key that replaces does not take the place of the one that waits."""

    def _supersede(self, entry: Entry, newer: Message, now: Instant) -> None:
        pass


class KeysOfTheMessage(Store):
    """A retry without a key loses the one that its run has."""

    def put_back(self, entry: Entry, run: Run, *args: Any, **options: Any) -> None:
        super().put_back(entry, run, *args, **options)
        if not entry.run.has_ended:
            entry.run = replace(entry.run, message=replace(entry.message, unique=run.message.unique))


class BlockedBeyondReach(Store):
    """What is blocked can be neither revoked nor purged."""

    def revoke(self, entry: Entry, reason: str, now: Instant) -> None:
        if not entry.is_blocked:
            super().revoke(entry, reason, now)


class BlockedAndGone(Store):
    """What is blocked expires without a word to anybody."""

    def expire(self, entry: Entry, now: Instant) -> None:
        if entry.is_blocked:
            self.end(entry, State.EXPIRED, now)
        else:
            super().expire(entry, now)


class RankedBehindAll(Store):
    """A message that is ranked anew stands behind all others of its new priority and instant."""

    def rank(self, entries: Sequence[Entry], priority: int) -> None:
        super().rank(entries, priority)
        for entry in entries:
            if not entry.is_blocked:
                self._leave_line(entry)
                self._seq += 1
                entry.seq = self._seq
                self._line_up(entry)


class RankedInLineAlone(Store):
    """What is blocked cannot be ranked."""

    def rank(self, entries: Sequence[Entry], priority: int) -> None:
        super().rank([entry for entry in entries if not entry.is_blocked], priority)


class TurnsOfTheLowered(Store):
    """One that is lowered keeps the turn for its slot that it had."""

    def rank(self, entries: Sequence[Entry], priority: int) -> None:
        aside = [other for other in self.entries.values() if other.is_aside and other not in entries]
        super().rank(entries, priority)
        for other in aside:
            if not other.is_aside:
                self.step_aside(other)


class NotesThatAreFew(Store):
    """Only the newest note is kept."""

    notes = property(lambda store: store.newest, lambda store, notes: store.keep(notes))

    def keep(self, notes: dict[str, Note]) -> None:
        self.newest = dict([*notes.items()][-1:])


class JournalThatForgets(Store):
    """No entry is kept."""

    journal = property(lambda store: deque())


class TalliesThatStartAnew(Store):
    """A tally takes the place of the one before it."""

    tallies = property(lambda store: store.counted, lambda store, tallies: store.count(tallies))

    def count(self, tallies: dict[Any, Tally]) -> None:
        self.counted = Unread(tallies)


class Unread(dict[Any, Tally]):
    def get(self, *_: Any) -> None:
        """Whoever adds finds nothing to add to."""


DEVIATIONS = [kind for kind in globals().values() if isinstance(kind, type) and Store in kind.__bases__]
