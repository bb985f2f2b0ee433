"""Whether a failed task may run again, and how long it waits before. Pure: randomness is passed in."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from horarium.clock import Seconds
from horarium.errors import TaskPredicate

# 2**64 s is beyond every cap; without this bound, a task retried for ever would one day overflow a float.
MOST_DOUBLINGS = 64


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How a task is retried. The defaults are Celery's."""

    max_retries: int | None = 3  # None: for ever
    delay: Seconds = 180.0  # the wait without backoff
    backoff: bool | float = False  # the wait doubles: the factor in seconds, True for 1
    backoff_max: Seconds = 600.0
    jitter: bool = True  # with backoff: wait anything from 0 to what the rule says


class Uniform(Protocol):
    """The part of ``random.Random`` that is needed here."""

    def uniform(self, a: float, b: float, /) -> float: ...


def may_retry(policy: RetryPolicy, retries: int) -> bool:
    """Tell whether a task that has been retried ``retries`` times may be retried once more."""
    return policy.max_retries is None or retries < policy.max_retries


def delay_before(policy: RetryPolicy, retries: int, rng: Uniform) -> Seconds:
    """Return the wait before the next retry, ``retries`` of them being behind (0 before the first).

    Without backoff: ``delay``. With it: factor * 2**retries, at most ``backoff_max``; with jitter, anything from 0
    to that, so that tasks which failed together do not come back together.
    """
    if not policy.backoff:
        return max(0.0, policy.delay)
    longest = min(policy.backoff_max, float(policy.backoff) * 2.0 ** min(retries, MOST_DOUBLINGS))
    longest = max(0.0, longest)
    return rng.uniform(0.0, longest) if policy.jitter else longest


def is_retriable(
    error: BaseException,
    autoretry_for: tuple[type[BaseException], ...],
    dont_autoretry_for: tuple[type[BaseException], ...] = (),
) -> bool:
    """Tell whether an exception asks for a retry by itself. ``dont_autoretry_for`` wins; what a task raises to steer
    its own end (Retry, Ignore, Reject) never does."""
    if isinstance(error, (TaskPredicate, dont_autoretry_for)):
        return False
    return isinstance(error, autoretry_for)
