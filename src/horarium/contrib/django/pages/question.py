"""What a person asks the list of runs for, read from an address: every text may be wrong, and none raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core import signing

from horarium.clock import Instant
from horarium.engines.records import RunFilter

PERIODS = {"15m": ("15 minutes", 900), "1h": ("hour", 3600), "24h": ("24 hours", 86_400), "7d": ("7 days", 604_800)}
NAME_CHARS = 255
FIELDS = ("q", "state", "task", "queue", "schedule", "period")


class Asked(NamedTuple):
    """The parts of the question; an empty one is not asked."""

    q: str = ""  # the beginning of an id
    state: str = ""
    task: str = ""
    queue: str = ""
    schedule: str = ""
    period: str = ""

    def filter(self, now: Instant) -> RunFilter:
        """Return it as the store understands it."""
        return RunFilter(
            states=(self.state,) if self.state else (),
            tasks=(self.task,) if self.task else (),
            queues=(self.queue,) if self.queue else (),
            schedule=self.schedule or None,
            id_prefix=self.q or None,
            since=now - PERIODS[self.period][1] * 1000 if self.period else None,
        )

    def link(self, **changes: str) -> str:
        """Return the query of an address that asks the same but for these parts, from the first page on."""
        wanted = {**self._asdict(), **changes}
        return "?" + urlencode({name: value for name, value in wanted.items() if value})


def read(query: Mapping[str, Any]) -> Asked:
    """Return what an address asks for; what cannot be meant is left out."""
    parts = {name: _clean(query.get(name, "")) for name in FIELDS}
    if parts["period"] not in PERIODS:
        parts["period"] = ""
    return Asked(**parts)


def sealed(place: str, store: str) -> str:
    """Return a place in a listing as it may travel through an address."""
    return signing.Signer(salt=f"horarium.place.{store}").sign(place)


def opened(text: str, store: str) -> str | None:
    """Return the place, if we have made it for this store; else None, the first page."""
    try:
        return signing.Signer(salt=f"horarium.place.{store}").unsign(text) if text else None
    except signing.BadSignature:
        return None


def _clean(text: str) -> str:
    """No store has names with control characters or half of a surrogate pair; some refuse to be asked for one."""
    kept = "".join(char for char in text[:NAME_CHARS] if char.isprintable())
    return kept.strip()
