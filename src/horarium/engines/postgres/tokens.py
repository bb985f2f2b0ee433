"""Numbers that nobody else draws, by which the engine knows its own puts, claims, saves and firings again."""

from __future__ import annotations

from secrets import randbits

BITS = 62  # of a bigint, which has a sign


def new_token() -> int:
    return randbits(BITS)
