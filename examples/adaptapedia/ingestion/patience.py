"""How long to wait before a server is asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


def wait_after(error: httpx.HTTPError, *, default: float) -> float:
    """Seconds: what the answer's ``Retry-After`` asks for, else the default."""
    if isinstance(error, httpx.HTTPStatusError):
        asked = error.response.headers.get("Retry-After")
        if asked is not None:
            return seconds_of(asked, datetime.now(UTC), default)
    return default


def seconds_of(retry_after: str, now: datetime, default: float) -> float:
    """Read a ``Retry-After``: seconds, or the date until which to wait."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - now).total_seconds(), 0.0)
    except (TypeError, ValueError):  # neither; or a date without a zone, of which nobody knows when it is
        return default
