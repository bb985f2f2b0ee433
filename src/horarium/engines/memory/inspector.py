"""Answers to people's questions, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from horarium.clock import Clock, Instant, milliseconds
from horarium.engines.memory.store import Entry, Store, matches
from horarium.engines.records import (
    MEMBER_LISTED,
    Action,
    Counts,
    Held,
    HeldPage,
    MemberRecord,
    Page,
    Purge,
    QueueCounts,
    Rank,
    Revoke,
    RunFilter,
    Seal,
    bounded,
)


class MemoryInspector:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def counts(self, *, most: int | None = None) -> Counts:
        now = self._clock.now()
        with self._store.lock:
            entries = list(self._store.entries.values())
            by_queue: dict[str, list[Entry]] = {}
            for entry in entries:
                if not entry.run.has_ended:
                    by_queue.setdefault(entry.message.queue, []).append(entry)
            return Counts(
                queues={queue: _queue_counts(held, now) for queue, held in by_queue.items()},
                states=bounded(Counter(str(entry.run.state) for entry in entries), most),
                schedules=len(self._store.schedules),
            )

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        with self._store.lock:
            entries = [each for each in self._store.entries.values() if not each.run.has_ended]
            places = sorted((_place(entry), entry.run.id) for entry in entries if matches(entry.run, filter))
            if page.after is not None:
                after = msgspec.json.decode(page.after, type=tuple[int, int, Instant, int])
                places = [place for place in places if place[0] > after]
            shown = places[: page.limit]
            held = tuple(_held(self._store.entries[id]) for _, id in shown)
        more = len(places) > len(shown) > 0
        return HeldPage(held=held, next=msgspec.json.encode(shown[-1][0]).decode() if more else None)

    def act(self, action: Action, *, now: Instant) -> list[str]:
        with self._store.changing(now):
            match action:
                case Revoke(ids=ids, terminate=terminate):
                    entries = [self._store.entries[id] for id in dict.fromkeys(ids) if id in self._store.entries]
                    return [entry.run.id for entry in entries if self._revoke(entry, terminate, now)]
                case Purge(queues=queues):
                    return self._purge(self._store.entries.values(), queues, now)
                case Rank(ids=ids, priority=priority):
                    entries = [self._store.entries[id] for id in dict.fromkeys(ids) if id in self._store.entries]
                    waiting = [each for each in entries if each.is_waiting and each.message.priority != priority]
                    self._store.rank(waiting, priority)
                    return [entry.run.id for entry in waiting]
                case Seal(id=id, size=size):
                    return [id] if self._store.seal(id, size, now) else []

    def _revoke(self, entry: Entry, terminate: bool, now: Instant) -> bool:
        """Cancel; tell whether that changed anything."""
        if entry.run.has_ended or entry.run.cancel == "terminate":
            return False
        if entry.is_waiting:
            self._store.revoke(entry, "revoked", now)
            return True
        mark = "terminate" if terminate else "revoke"
        changed = entry.run.cancel != mark
        entry.run = replace(entry.run, cancel=mark)
        return changed

    def _purge(self, entries: Iterable[Entry], queues: tuple[str, ...] | None, now: Instant) -> list[str]:
        waiting = [each for each in entries if each.is_waiting and (queues is None or each.message.queue in queues)]
        for entry in waiting:
            self._store.revoke(entry, "purged", now)
        return [entry.run.id for entry in waiting]

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        with self._store.lock:
            records = [
                MemberRecord(
                    member=owner.member,
                    seen=owner.seen,
                    lease_until=owner.lease_until,
                    alive=owner.is_alive(now),
                    held=len(owner.held),
                    given_up=owner.given_up,
                )
                for owner in self._store.owners.values()
                if owner.given_up is None or now < owner.given_up + milliseconds(MEMBER_LISTED)
            ]
        return sorted(records, key=lambda record: (not record.alive, record.member.name, record.member.owner))

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        with self._store.changing(now):
            for owner in (self._store.owners[name] for name in owners if name in self._store.owners):
                owner.given_up = now if owner.given_up is None else owner.given_up
                for entry in list(owner.held.values()):
                    self._store.give_back(entry, now)


def _queue_counts(entries: list[Entry], now: Instant) -> QueueCounts:
    blocked = sum(entry.is_blocked for entry in entries)
    waiting = [entry for entry in entries if entry.is_waiting and not entry.is_blocked]
    ready = [entry for entry in waiting if entry.due <= now]
    return QueueCounts(
        ready=len(ready),
        scheduled=len(waiting) - len(ready),
        claimed=len(entries) - len(waiting) - blocked,
        blocked=blocked,
        oldest_due=min((entry.due for entry in ready), default=None),
        tasks=dict(Counter(entry.message.task for entry in ready)),
    )


def _place(entry: Entry) -> tuple[int, int, Instant, int]:
    """Where it stands in a listing: those in hand, those in line in the order of claims, those that are blocked."""
    if entry.is_blocked:
        return 2, 0, 0, entry.seq
    return int(entry.is_waiting), -entry.message.priority, entry.due, entry.seq


def _held(entry: Entry) -> Held:
    return Held(
        message=entry.message,
        state=entry.run.state,
        due=entry.due,
        owner=entry.owner,
        fence=entry.fence,
        attempt=entry.attempt,
        crashes=entry.crashes,
        is_blocked=entry.is_blocked,
    )
