"""What has ever been counted, from buckets that are kept for a while only: counters that never go back.

Closed hours are folded into one sum, which is kept in the store, and to which the hours since are added. Folding the
same hours gives the same sum, so that any number of dashboards may do it, and each tells the same numbers; and they go
on when a dashboard starts anew. They begin with the hour of the first question, and begin anew only when the store is
made anew or nobody asks for as long as hours are kept (tally.KEPT).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note
from horarium.tally import Tally, bucket_of, oldest_kept, plus

KEY = "metrics/totals"
# Workers add what they have counted within seconds; who was cut off from the store may come later. After that an hour
# is closed: what is still added to it is in charts, but not in counters.
CLOSED_AFTER: Seconds = 900.0


class Totals(Struct, frozen=True, kw_only=True):
    """The sums of what lies before ``until``, the beginning of an hour."""

    until: Instant
    tallies: tuple[Tally, ...] = ()


def totals(engine: Engine, *, now: Instant) -> list[Tally]:
    """Return what each task on each queue has come to since counting began. Raises: EngineUnavailable."""
    known = _kept(engine, now)
    base = known or Totals(until=bucket_of(now, "1h"))
    hours = engine.series.tallies("1h", since=base.until, until=now + milliseconds(3600.0))
    closed = bucket_of(now - milliseconds(CLOSED_AFTER), "1h")
    if known is None or closed > base.until:
        folded = (each for each in hours if each.at < closed)
        _keep(engine, Totals(until=max(closed, base.until), tallies=tuple(_summed([*base.tallies, *folded]))), now)
    return _summed([*base.tallies, *hours])


def _summed(tallies: Iterable[Tally]) -> list[Tally]:
    """Return one tally of each task and queue, in order."""
    found: dict[tuple[str, str], Tally] = {}
    for each in tallies:
        key = (each.task, each.queue)
        found[key] = plus(found[key], each) if key in found else each
    return [found[key] for key in sorted(found)]


def _kept(engine: Engine, now: Instant) -> Totals | None:
    for note in engine.notes.read(KEY, now=now):
        try:
            found = msgspec.json.decode(note.text, type=Totals)
        except msgspec.DecodeError:  # of a version that counts otherwise: begin anew, as a counter may
            return None
        return found if found.until >= oldest_kept("1h", now) else None
    return None


def _keep(engine: Engine, found: Totals, now: Instant) -> None:
    plain = replace(found, tallies=tuple(replace(each, at=0) for each in found.tallies))
    engine.notes.post([Note(key=KEY, text=Raw(msgspec.json.encode(plain)))], now=now)
