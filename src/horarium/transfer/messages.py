"""Move waiting messages from one store to another, live. Killed at any moment it loses nothing; run again it finishes.

A message that is to move must not be started meanwhile. So it is *held*: claimed, and given back uncharged with a delay
of HOLD, within which nobody can claim it. Then it is put into the target under its own id (a repeated put changes
nothing), and only then ended in the source and forgotten there. What is due later than MARGIN from now is held already.

Killed after the put, the message stands in both stores; run again within HOLD, the source's is ended unstarted. Later
than that it may run in both, as anything may whose process dies at the wrong moment: tasks run at least once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, Held, MaintenancePolicy, Member, Page, Revoke, RunFilter
from horarium.errors import ImproperlyConfigured, OwnerLost
from horarium.message import Delivery, Message, new_id
from horarium.outcome import Released, Settlement, State, Verdict
from horarium.pulse import is_same_process, start_of
from horarium.version import __version__

BATCH = 200
HOLD: Seconds = 600.0  # for whoever runs it again by hand after it was killed
MARGIN: Seconds = 60.0  # a put and an end take two round trips, each with a patience of some seconds
GUARD: Seconds = 10.0  # of the margin, what must be left when the source's message is ended
# Between claim and release, a round trip, a killed mover strands a batch. Whoever runs it again on this host frees it.
LEASE: Seconds = 3600.0
NAME = "migrate"


class Chosen(Struct, frozen=True, kw_only=True):
    """Which messages are to move (empty: all), and into which queues, where they are to change."""

    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    renamed: dict[str, str] = {}

    @property
    def filter(self) -> RunFilter:
        return RunFilter(queues=self.queues, tasks=self.tasks)


class Left(Struct, frozen=True, kw_only=True):
    """What has not moved."""

    waiting: int = 0
    in_hand: int = 0  # of workers of the source: it ends there, or waits again and can move then
    next_due: Instant | None = None  # of those that wait


class Mover:
    """Moves messages from ``source`` to ``target``. Any number may run at a time, of one host or of many."""

    def __init__(self, source: Engine, target: Engine, chosen: Chosen) -> None:
        self._source = source
        self._target = target
        self._chosen = chosen
        self._owner = ""

    def check_two(self) -> None:
        """See that the stores are two, whatever their addresses say: in one, what is put and then ended would be gone.

        Raises: ImproperlyConfigured.
        """
        now = self._source.now()
        self._register(now)
        if any(record.member.owner == self._owner for record in self._target.inspector.workers(now=self._target.now())):
            self.leave()
            raise ImproperlyConfigured(
                f"expected two stores to move between, got one by two addresses: {self._source.url} and "
                f"{self._target.url}; name another store"
            )

    def free_stranded(self) -> int:
        """Give back what movers of this host hold that were killed; tell how many such movers there were."""
        now, host = self._source.now(), os.uname().nodename
        gone = [
            record.member.owner
            for record in self._source.inspector.workers(now=now)
            if record.member.name == f"{NAME}@{host}"
            and record.alive
            and not is_same_process(record.member.pid, _start_in(record.member.owner))
        ]
        if gone:
            self._source.inspector.leave(gone, now=now)
        return len(gone)

    def move_due(self, limit: int = BATCH) -> int:
        """Move up to a batch of those that are due; return how many. 0: nothing is due any more."""
        held, until = self._hold(min(limit, BATCH))
        return self._carry(held, until)

    def move_later(self, limit: int | None = None) -> Iterator[int]:
        """Move those that are due later than MARGIN, batch by batch; yield how many each time."""
        left = limit
        for page in self._pages():
            now = self._source.now()
            safe = now + milliseconds(MARGIN)
            later = [held for held in page if held.owner is None and held.due > safe][:left]
            if later:
                yield self._carry([_as_it_waits(held) for held in later], min(held.due for held in later))
                left = left if left is None else left - len(later)
                if left == 0:
                    return

    def left(self) -> Left:
        """Count what has not moved."""
        waiting = in_hand = 0
        next_due: Instant | None = None
        for page in self._pages():
            for held in page:
                if held.owner is not None:
                    in_hand += 1
                else:
                    waiting += 1
                    next_due = held.due if next_due is None else min(next_due, held.due)
        return Left(waiting=waiting, in_hand=in_hand, next_due=next_due)

    def leave(self) -> None:
        """Sign off from the source; whatever is still in hand waits there again. Doing it twice is fine."""
        if self._owner:
            self._source.inspector.leave([self._owner], now=self._source.now())
            self._owner = ""

    def _hold(self, limit: int) -> tuple[list[Message], Instant]:
        """Let due messages wait for HOLD, so that nobody starts them; return them, and when they come due again."""
        source, now = self._source, self._source.now()
        deliveries = self._claim(limit, now)
        settlements = [
            Settlement(
                id=delivery.message.id,
                owner=delivery.owner,
                fence=delivery.fence,
                outcome=Released(reason="it moves to another store", delay=HOLD),
            )
            for delivery in deliveries
        ]
        verdicts = source.queue.settle(settlements, now=now, policy=MaintenancePolicy()) if settlements else []
        held = [d.message for d, verdict in zip(deliveries, verdicts, strict=True) if verdict is not Verdict.LOST]
        return held, now + milliseconds(HOLD)

    def _claim(self, limit: int, now: Instant) -> Sequence[Delivery]:
        queues = self._chosen.queues or tuple(self._source.inspector.counts(most=0).queues)
        if not queues:
            return []
        tasks: Collection[str] | None = self._chosen.tasks or None
        if not self._owner:
            self._register(now)
        try:
            return self._source.queue.claim(queues, self._owner, limit, now=now, tasks=tasks)
        except OwnerLost:  # this process stood still for longer than LEASE
            self._register(now)
            return self._source.queue.claim(queues, self._owner, limit, now=now, tasks=tasks)

    def _register(self, now: Instant) -> None:
        host, pid = os.uname().nodename, os.getpid()
        self._owner = f"{NAME}/{start_of(pid)}/{new_id(now)}"
        member = Member(
            owner=self._owner,
            kind="child",
            name=f"{NAME}@{host}",
            host=host,
            pid=pid,
            started=now,
            version=__version__,
        )
        self._source.queue.renew([member], now=now, lease=LEASE)

    def _carry(self, messages: list[Message], until: Instant) -> int:
        """Put messages that nobody can claim before ``until`` into the target, and end them in the source."""
        if not messages:
            return 0
        target, source = self._target, self._source
        moved = [self._renamed(message) for message in messages]
        target.queue.put(moved, now=target.now())
        target.notifier.notify({QUEUE_TOPIC + message.queue for message in moved})
        now = source.now()
        if now > until - milliseconds(GUARD):
            return 0  # this process stood still: another one may have claimed them. The next round holds them anew
        ids = tuple(message.id for message in messages)
        ended = set(source.inspector.act(Revoke(ids=ids), now=now))
        cancelled = self._cancelled_meanwhile([id for id in ids if id not in ended])
        if cancelled:
            target.inspector.act(Revoke(ids=cancelled), now=target.now())
        source.results.forget(sorted(ended))
        return len(ended)

    def _cancelled_meanwhile(self, ids: list[str]) -> tuple[str, ...]:
        """Return those that somebody has cancelled in the source while they moved."""
        runs = self._source.results.read(ids) if ids else []
        return tuple(run.id for run in runs if run is not None and run.state == State.REVOKED)

    def _renamed(self, message: Message) -> Message:
        names: Mapping[str, str] = self._chosen.renamed
        return replace(message, queue=names[message.queue]) if message.queue in names else message

    def _pages(self) -> Iterator[tuple[Held, ...]]:
        after: str | None = None
        while True:
            page = self._source.inspector.find(self._chosen.filter, Page(limit=BATCH, after=after))
            yield page.held
            after = page.next
            if after is None:
                return


def _start_in(owner: str) -> int:
    """Return when a mover's process began, by its name as an owner; 0: not known."""
    parts = owner.split("/")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def _as_it_waits(held: Held) -> Message:
    """Return a message as it waits: one that waits after a crash goes on waiting."""
    message = held.message
    if held.crashes and held.due > (message.eta or 0):
        return replace(message, eta=held.due)
    return message
