"""The roster: who lives in which place, and what is to be done when somebody ends.

Shared by the supervisor's main thread, which admits and dismisses, and the renewing thread, which reads. What an end
means (``decide_burial``) is decided from plain values.
"""

from __future__ import annotations

from threading import Lock
from typing import Literal, TypeAlias

from msgspec import Struct

from horarium.clock import Seconds
from horarium.engines.records import DeadOwner
from horarium.outcome import Failed, Outcome, Revoked, Settlement, told
from horarium.worker.board import Running
from horarium.worker.orders import OrderChannel

# Why the supervisor has a child killed.
Reason: TypeAlias = Literal["limit", "revoked", "lost", "quit"]


class Sentence(Struct, frozen=True):
    """A child is being killed; with a slot and a sequence, because of what was running there."""

    reason: Reason
    slot: int = -1
    sequence: int = -1


class Life:
    """One incarnation of a child. The main thread writes; ``was_told_to_go`` is the renewing thread's."""

    def __init__(self, place: int, generation: int, owner: str, orders: OrderChannel, born: Seconds) -> None:
        self.place = place
        self.generation = generation
        self.owner = owner
        self.orders = orders
        self.born = born
        self.pid = 0
        self.is_ready = False
        self.was_told_to_go = False
        self.sentence: Sentence | None = None


class Roster:
    """The living children by place."""

    def __init__(self) -> None:
        self._lock = Lock()  # guards _lives
        self._lives: dict[int, Life] = {}

    def admit(self, life: Life) -> None:
        with self._lock:
            self._lives[life.place] = life

    def dismiss(self, life: Life) -> None:
        with self._lock:
            if self._lives.get(life.place) is life:
                del self._lives[life.place]

    def find(self, place: int, generation: int) -> Life | None:
        with self._lock:
            life = self._lives.get(place)
        return life if life is not None and life.generation == generation else None

    def lives(self) -> list[Life]:
        with self._lock:
            return list(self._lives.values())


class Burial(Struct, frozen=True, kw_only=True):
    """What the store is to be told of a child that has ended: first the outcomes, then the owner's end."""

    dead: DeadOwner
    finished: tuple[Settlement, ...] = ()  # what it had come to, and perhaps not recorded
    outcomes: tuple[tuple[Running, Outcome], ...] = ()  # of what it was killed for
    reason: str = ""
    was_crash: bool = False
    given_back: tuple[str, ...] = ()  # ids that had been started and go back uncharged


def decide_burial(
    owner: str,
    running: list[Running],
    *,
    status: str,
    ended: bool,
    lapsed: bool = False,
    sentence: Sentence | None = None,
) -> Burial:
    """Decide what a child's end means for what it was running.

    ``ended``: it said that its end was an orderly one. A child that was killed for one delivery takes only that one
    along, and only if it was still running it; what it ran beside goes back uncharged. Whoever dies on its own while
    it runs something is charged with a crash, exit code 0 included.
    """
    ids = tuple(entry.id for entry in running)
    if sentence is not None and sentence.slot >= 0:
        guilty = [e for e in running if (e.slot, e.sequence) == (sentence.slot, sentence.sequence)]
        others = tuple(entry.id for entry in running if entry not in guilty)
        return Burial(
            dead=DeadOwner(owner=owner, running=others),
            outcomes=tuple((entry, _outcome_of(sentence.reason, entry)) for entry in guilty),
            reason=sentence.reason,
            given_back=others,
        )
    if ended or lapsed or sentence is not None:
        why = "its lease had lapsed" if lapsed else (sentence.reason if sentence is not None else "orderly end")
        return Burial(dead=DeadOwner(owner=owner, running=ids), reason=why, given_back=ids)
    text = f"expected the process to live until the task had ended, it ended first ({status})"
    error = told("WorkerLostError", text)
    return Burial(dead=DeadOwner(owner=owner, running=ids, error=error if ids else None), reason=status, was_crash=True)


def _outcome_of(reason: Reason, entry: Running) -> Outcome:
    if reason == "revoked":
        return Revoked(reason="terminated")
    limit = entry.deadline - entry.since
    text = f"expected the task to end within its time_limit of {limit:g} s, its process was killed"
    error = told("TimeLimitExceeded", text)
    return Failed(error=error)
