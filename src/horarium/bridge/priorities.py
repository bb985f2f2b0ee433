"""Priorities, from Celery's two directions to ours (9 first, 0 last, 5 unless said otherwise) and back.

On Redis Celery's 0 is first, and is what is not said; on RabbitMQ the highest is first, and what is not said is 0,
last. So on either broker a priority moves a task one way only, away from the rest. What is not said there is what is
not said here: 5. Had it become 9 or 0, the messages of the old side, most of which say nothing, would all be in front
of ours or all behind. The order among messages of one side is kept; what one side cannot say comes as close as it
can.
"""

from __future__ import annotations

from horarium import priority as rules
from horarium.bridge.envelope import Ranked
from horarium.message import DEFAULT_PRIORITY
from horarium.priority import FROM_REDIS, HIGHEST

# To each: our 0 1 2 ... 9.
TO_REDIS = (9, 7, 6, 4, 3, 0, 0, 0, 0, 0)  # kombu keeps four lists: 0, 3, 6 and 9 begin one
TO_RABBITMQ = (0, 0, 0, 0, 0, 0, 2, 4, 6, 9)


def from_redis(priority: int | None) -> int:
    """Return our priority for one of Celery's on Redis; None is its default."""
    return DEFAULT_PRIORITY if priority is None else FROM_REDIS[_clamped(priority)]


def from_rabbitmq(priority: int | None) -> int:
    """Return our priority for one of Celery's on RabbitMQ; None is its default. Those above 9 are 9."""
    return DEFAULT_PRIORITY if priority is None else rules.from_rabbitmq(_clamped(priority))


def to_redis(priority: int | None) -> int:
    """Return Celery's priority on Redis for one of ours."""
    return TO_REDIS[_clamped(DEFAULT_PRIORITY if priority is None else priority)]


def to_rabbitmq(priority: int | None) -> int:
    """Return Celery's priority on RabbitMQ for one of ours."""
    return TO_RABBITMQ[_clamped(DEFAULT_PRIORITY if priority is None else priority)]


class Directions:
    """The two functions of one kind of broker."""

    def __init__(self, inwards: Ranked, outwards: Ranked) -> None:
        self.inwards = inwards
        self.outwards = outwards


REDIS = Directions(from_redis, to_redis)
RABBITMQ = Directions(from_rabbitmq, to_rabbitmq)


def _clamped(priority: int) -> int:
    return min(max(priority, 0), HIGHEST)
