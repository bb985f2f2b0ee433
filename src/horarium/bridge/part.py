"""A part of a bridge: one direction, or the results. The runner gives each a thread, and tries again what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec import Struct

from horarium.clock import Seconds
from horarium.event import Observer

if TYPE_CHECKING:
    from horarium.app.app import Horarium

BATCH = 200  # messages of one transaction
IDLE: Seconds = 0.5  # how long a part waits for something to do; it is how soon it hears of its end, too


class Counts(Struct):
    """What a bridge has done so far. Each number is written by one part's thread only."""

    taken: int = 0  # messages of Celery's that are new in the store
    known: int = 0  # those that were there already: taken a second time
    refused: int = 0  # set aside in a queue .refused
    sent: int = 0  # messages of ours given to Celery
    failed: int = 0  # those that could not be: their runs have failed
    returned: int = 0  # results of Celery's that settled a run of ours
    told: int = 0  # results of ours that Celery's callers can get

    def as_text(self) -> str:
        return (
            ", ".join(f"{name} {number}" for name, number in msgspec.structs.asdict(self).items() if number)
            or "nothing"
        )


class Surroundings(Struct, frozen=True):
    """What all parts of a bridge share."""

    app: Horarium
    name: str
    observer: Observer
    counts: Counts


class Part(Protocol):
    """One thread's work. Not used by two threads at once."""

    @property
    def name(self) -> str: ...

    def turn(self, wait: Seconds) -> bool:
        """Do what there is to do, waiting up to ``wait`` for it; tell whether there was anything.

        Raises: BrokerAway, EngineUnavailable: the part is to be closed, and its next turn opens it anew.
        """
        ...

    def close(self) -> None:
        """Let go of connections and of what is in hand. Never raises BrokerAway."""
        ...
