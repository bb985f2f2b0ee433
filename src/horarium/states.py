"""Celery's words for states, their sets and their order, as ``celery.states`` has them; ours are in the sets too.

Each name is the text that ``AsyncResult.state`` returns. ``outcome.State`` is the same list as the engines know it.
"""

from __future__ import annotations

PENDING = "PENDING"
RECEIVED = "RECEIVED"
STARTED = "STARTED"
SUCCESS = "SUCCESS"
FAILURE = "FAILURE"
REVOKED = "REVOKED"
REJECTED = "REJECTED"
RETRY = "RETRY"
IGNORED = "IGNORED"
EXPIRED = "EXPIRED"  # Celery says REVOKED
DEAD = "DEAD"  # Celery says FAILURE, with WorkerLostError

READY_STATES = frozenset({SUCCESS, FAILURE, REVOKED, EXPIRED, DEAD, REJECTED, IGNORED})
UNREADY_STATES = frozenset({PENDING, RECEIVED, STARTED, RETRY})
EXCEPTION_STATES = frozenset({RETRY, FAILURE, REVOKED, EXPIRED, DEAD, REJECTED})
PROPAGATE_STATES = frozenset({FAILURE, REVOKED, EXPIRED, DEAD, REJECTED})
ALL_STATES = READY_STATES | UNREADY_STATES

# From the highest to the lowest; None stands for every state of a task's own. Ours share the rank of Celery's word.
PRECEDENCE: tuple[str | None, ...] = (
    SUCCESS,
    FAILURE,
    None,
    REVOKED,
    STARTED,
    RECEIVED,
    REJECTED,
    RETRY,
    PENDING,
)
PRECEDENCE_LOOKUP: dict[str | None, int] = {name: rank for rank, name in enumerate(PRECEDENCE)}
PRECEDENCE_LOOKUP |= {DEAD: PRECEDENCE_LOOKUP[FAILURE], EXPIRED: PRECEDENCE_LOOKUP[REVOKED]}
NONE_PRECEDENCE = PRECEDENCE_LOOKUP[None]


def precedence(state: str | None) -> int:
    """Return the rank of a state; a lower number is a higher state. States of a task's own share one rank."""
    return PRECEDENCE_LOOKUP.get(state, NONE_PRECEDENCE)


class state(str):
    """A state that is compared by rank: ``state("PENDING") < state("PROGRESS") < state("SUCCESS")``."""

    __slots__ = ()

    def __gt__(self, other: str) -> bool:
        return precedence(self) < precedence(other)

    def __ge__(self, other: str) -> bool:
        return precedence(self) <= precedence(other)

    def __lt__(self, other: str) -> bool:
        return precedence(self) > precedence(other)

    def __le__(self, other: str) -> bool:
        return precedence(self) >= precedence(other)
