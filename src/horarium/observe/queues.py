"""The queues as people look at them: what waits, for how long, who reads it, how fast it comes and goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.app.switches import Switch, Switched, read_switches
from horarium.clock import Instant, Seconds
from horarium.engines.records import Counts, Member, QueueCounts
from horarium.tally import WIDTH_MS, Reading, Tally, bucket_of

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine, Series

FLOW_OVER: Seconds = 120.0  # rates are means over so long: whole buckets of ten seconds
DEPTH_OVER: Seconds = 3600.0  # what is shown of the past
STAYS = frozenset({"retried", "released", "crashed", "replaced"})  # outcomes after which a message waits again
EMPTY = QueueCounts()


class QueueRow(Struct, frozen=True, kw_only=True):
    """A queue at a moment."""

    name: str
    counts: QueueCounts
    oldest: Seconds | None  # how long the ready message that waits longest has been due
    read_by: tuple[str, ...]  # names of live workers
    slots: int = 0  # of those who read it
    busy: int = 0
    paused: Switch | None = None

    @property
    def waiting(self) -> int:
        return self.counts.ready + self.counts.scheduled + self.counts.blocked

    @property
    def is_unread(self) -> bool:
        """Whether something waits in it that nobody alive would take."""
        return not self.read_by and self.waiting > 0


class Flow(Struct, frozen=True, kw_only=True):
    """How a queue has moved: messages a second, over the last FLOW_OVER."""

    came: float = 0.0
    left: float = 0.0
    ready: int = 0  # now
    depths: tuple[int | None, ...] = ()  # of each minute of the last hour: the most that were ready; None: not known

    @property
    def until_empty(self) -> Seconds | None:
        """How long until nothing is ready, if it goes on like this; None: it will not be empty."""
        if not self.ready:
            return 0.0
        return self.ready / (self.left - self.came) if self.left > self.came else None


def queue_rows(engine: Engine, *, now: Instant) -> list[QueueRow]:
    """Return the queues that hold something, are read, or are paused, by name. Raises: EngineUnavailable."""
    counts, switched = engine.inspector.counts(most=0), read_switches(engine, now=now)
    records = engine.inspector.workers(now=now)
    readers = [record.member for record in records if record.alive and record.member.kind != "scheduler"]
    return [row_of(name, counts, switched, readers, now=now) for name in sorted(_names(counts, switched, readers))]


def row_of(name: str, counts: Counts, switched: Switched, readers: Iterable[Member], *, now: Instant) -> QueueRow:
    """Return how one queue stands; one that nobody knows is empty. ``readers``: live workers and children."""
    of_queue = counts.queues.get(name, EMPTY)
    mine = [member for member in readers if name in member.queues]
    children = [member for member in mine if member.kind == "child"]
    return QueueRow(
        name=name,
        counts=of_queue,
        oldest=None if of_queue.oldest_due is None else max(0.0, (now - of_queue.oldest_due) / 1000),
        read_by=tuple(sorted({member.name for member in mine})),
        slots=sum(child.slots for child in children),
        busy=sum(len(child.running) for child in children),
        paused=switched.of_queue(name),
    )


def flows(series: Series, rows: Sequence[QueueRow], *, now: Instant) -> dict[str, Flow]:
    """Return by name how queues have moved. It changes with each bucket of ten seconds, not with each look.

    What came is not counted by anybody: it is what left, and by how much more there is now. Raises: EngineUnavailable.
    """
    if not rows:
        return {}
    until = bucket_of(now, "10s")
    since, hour = until - round(FLOW_OVER * 1000), bucket_of(now, "1m") - round(DEPTH_OVER * 1000)
    names = [row.name for row in rows]
    left = _left(series.tallies("10s", since=since, until=until, queues=names))
    recent = _by_queue(series.readings("10s", since=since, until=until, queues=names))
    minutes = _by_queue(series.readings("1m", since=hour, until=now + 1, queues=names))
    return {row.name: _flow(row, left, recent.get(row.name, []), minutes.get(row.name, []), hour) for row in rows}


def _flow(row: QueueRow, left: dict[str, int], recent: list[Reading], minutes: list[Reading], hour: Instant) -> Flow:
    gone = left.get(row.name, 0)
    stood = [reading.ready + reading.claimed for reading in recent]
    more = stood[-1] - stood[0] if len(stood) > 1 else 0
    depths: list[int | None] = [None] * (round(DEPTH_OVER) // 60 + 1)
    for reading in minutes:
        depths[(reading.at - hour) // WIDTH_MS["1m"]] = reading.ready
    return Flow(
        came=max(0.0, (gone + more) / FLOW_OVER),
        left=gone / FLOW_OVER,
        ready=row.counts.ready,
        depths=tuple(depths),
    )


def _left(tallies: Iterable[Tally]) -> dict[str, int]:
    """Count by queue what has left it for good."""
    left: dict[str, int] = {}
    for tally in tallies:
        ended = sum(number for word, number in tally.counts.items() if word not in STAYS)
        left[tally.queue] = left.get(tally.queue, 0) + ended
    return left


def _by_queue(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = {}
    for reading in readings:
        found.setdefault(reading.queue, []).append(reading)
    return found


def _names(counts: Counts, switched: Switched, readers: Iterable[Member]) -> set[str]:
    """Return the queues that hold something, are read, or are paused by their own name."""
    read = {name for member in readers for name in member.queues}
    paused = {switch.name for switch in switched.of_kind("queue") if not set("*?[") & set(switch.name)}
    return {*counts.queues, *read, *paused}
