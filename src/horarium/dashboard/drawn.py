"""Pieces that many pages have in common, drawn once for all of them, as long as what they tell is the same.

Each list of runs holds other runs than the next one, and most of their lines are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar, cast

T = TypeVar("T")

MOST = 10_000  # pieces; a line of a list has a kilobyte or two


class Drawn:
    """The pieces of one dashboard. Threads may share it: a piece that two draw at once is the same for both."""

    def __init__(self) -> None:
        self._pieces: dict[Hashable, tuple[object, Any]] = {}  # Any: whatever is drawn; the last used is the last
        self._lock = Lock()  # of ``_pieces``

    def once(self, key: Hashable, facts: object, draw: Callable[[], T]) -> T:
        """Return the piece of this key, drawn anew only if it tells of other facts than before."""
        with self._lock:
            known = self._pieces.pop(key, None)
        if known is None or (known[0] is not facts and known[0] != facts):
            known = facts, draw()
        with self._lock:
            self._pieces[key] = known
            if len(self._pieces) > MOST:
                del self._pieces[next(iter(self._pieces))]
        return cast("T", known[1])
