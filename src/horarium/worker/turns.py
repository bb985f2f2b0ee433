"""Which of its queues a child claims from first: all together, strictly one after the other, or by weights.

Only the order of claims is chosen here, so every engine has all of them. Each child chooses for itself, and what holds
for each holds for all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Turns(Protocol):
    """An order of claims. ``plan`` gives groups of queues; the first that has something ends the round."""

    def plan(self, queues: tuple[str, ...]) -> Sequence[tuple[str, ...]]: ...

    def share(self, queues: tuple[str, ...], most: int) -> int:
        """Return how many may be claimed at once from a group where ``most`` may be in all; 1 or more."""
        ...

    def note(self, queues: tuple[str, ...], taken: int) -> None:
        """Learn that a group gave so many."""
        ...


class Together:
    """All queues as one: priority decides, then age."""

    def plan(self, queues: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        return (queues,)

    def share(self, queues: tuple[str, ...], most: int) -> int:
        return most

    def note(self, queues: tuple[str, ...], taken: int) -> None:
        """There is nothing to learn."""


class Strict:
    """A queue only when those named before it have nothing."""

    def plan(self, queues: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        return [(queue,) for queue in queues]

    def share(self, queues: tuple[str, ...], most: int) -> int:
        return most

    def note(self, queues: tuple[str, ...], taken: int) -> None:
        """There is nothing to learn."""


class Weighted:
    """Of what is started, each queue that has something waiting gets a share by its weight.

    Each queue has a meter that advances by 1 / weight for each message taken; the one that is behind is next (stride
    scheduling). A queue that was empty does not save up: when something comes it stands level with those at work.
    """

    def __init__(self, weights: Mapping[str, int]) -> None:
        self._weights = weights
        self._meters: dict[str, float] = {}
        self._planned: list[str] = []
        self._level = 0.0  # of the queue that was served last, before it was

    def plan(self, queues: tuple[str, ...]) -> Sequence[tuple[str, ...]]:
        self._planned = sorted(queues, key=lambda queue: self._meters.get(queue, self._level))  # stable: as they named
        return [(queue,) for queue in self._planned]

    def share(self, queues: tuple[str, ...], most: int) -> int:
        """A batch of one queue is no larger than its part of a batch of all: else it would hold up the others."""
        (queue,) = queues
        total = sum(self._weights.get(each, 1) for each in self._planned)
        return max(1, most * self._weights.get(queue, 1) // total)

    def note(self, queues: tuple[str, ...], taken: int) -> None:
        (queue,) = queues
        level = self._meters.get(queue, self._level)
        # Those asked before it had nothing: they stand level with it from now on.
        for empty in self._planned[: self._planned.index(queue)]:
            self._meters[empty] = max(self._meters.get(empty, level), level)
        self._level = level
        self._meters[queue] = level + taken / self._weights.get(queue, 1)


def turns(order: str, weights: Mapping[str, int]) -> Turns:
    """Return the order of claims that a worker was told."""
    if order == "strict":
        return Strict()
    return Weighted(weights) if weights else Together()
