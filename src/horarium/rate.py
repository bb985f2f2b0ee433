"""A rate, as people write it: '10/m', '100/s', '2.5/h', or a number per second."""

from __future__ import annotations

import re

from horarium.clock import Instant

SPANS = {"s": 1.0, "m": 60.0, "h": 3600.0}
EXPECTED = "a rate such as '10/s', '100/m', '1000/h', a number per second, or 0 for no limit"
_FORM = re.compile(r"(\d+(?:\.\d+)?)(?:/([smh]))?")


def per_second(rate: object) -> float | None:
    """Return how many a second a rate allows; None when it sets no limit (None, or a rate of 0).

    Raises: ValueError for what is no rate.
    """
    if rate is None:
        return None
    if isinstance(rate, int | float) and not isinstance(rate, bool) and 0 <= rate < float("inf"):
        return float(rate) or None
    found = _FORM.fullmatch(rate.strip()) if isinstance(rate, str) else None
    if found is None:
        raise ValueError(f"expected {EXPECTED}, got {rate!r:.100}; correct the rate")
    return float(found[1]) / SPANS[found[2] or "s"] or None


def refilled(left: float, at: Instant, now: Instant, *, rate: float, burst: int) -> float:
    """Return what a bucket holds now that had so much left then: it gains ``rate`` a second, and holds no more than
    ``burst``. A clock that went back takes from it."""
    return min(float(burst), left + (now - at) / 1000 * rate)
