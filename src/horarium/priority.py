"""Priorities as a project wrote them for Celery's brokers, and what they are here: 0 (last) to 9 (first), 5 unsaid.

On Redis Celery's 0 is first, and is what is not said; on RabbitMQ the highest is first, and what is not said is 0. So
there a priority moves a task one way only, away from the rest, and what is not said is 5 here: the order among all the
messages of a project stays as it was.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Scheme: TypeAlias = Literal["horarium", "redis", "rabbitmq"]
HIGHEST = 9
FROM_REDIS = (5, 4, 4, 3, 3, 2, 2, 1, 1, 0)  # Celery's 0 1 2 ... 9


class OwnPriority(int):
    """One of Horarium's own, in whatever scheme the others are written: for frameworks that have a scale of theirs."""


def read_priority(priority: int, scheme: str, highest: int | None) -> int:
    """Return the priority of Horarium that one of a scheme means.

    ``highest`` is Celery's ``task_queue_max_priority``, for RabbitMQ, where anything above counts as that.
    Raises: ValueError, saying what the scheme has.
    """
    match "horarium" if isinstance(priority, OwnPriority) else scheme:
        case "redis":
            if priority <= HIGHEST:
                return FROM_REDIS[priority]
            raise ValueError("0 (first) to 9 (last), as task_priority_scheme='redis' has it")
        case "rabbitmq":
            if priority <= HIGHEST or highest is not None:
                return from_rabbitmq(priority, highest or HIGHEST)
            raise ValueError("0 to 9 (first), or to what task_queue_max_priority says; set that")
        case _:
            if priority <= HIGHEST:
                return int(priority)
            raise ValueError(
                "0 (last) to 9 (first); for priorities written for a broker set task_priority_scheme to 'redis' or "
                "'rabbitmq'"
            )


def from_rabbitmq(priority: int, highest: int = HIGHEST) -> int:
    """Return our priority for one of 0 to ``highest``; those above count as the highest."""
    return 5 + int(min(priority, highest) * 4 / highest + 0.5)
