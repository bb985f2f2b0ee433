"""Answers to people's questions. The hot path never comes here, so walking the lines from end to end is fine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import chain
from typing import NamedTuple

import msgspec

from horarium.clock import Instant, milliseconds
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
from horarium.engines.redis.commit import carry_out, commit, commit_together, look
from horarium.engines.redis.connection import Answer, Store
from horarium.engines.redis.gates import Turned, look_at_turned, read_turned
from horarium.engines.redis.maintain import held_by
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import cancel, give_back, is_readable, rank, revoke, set_aside
from horarium.engines.redis.rows import HELD, WAITING, Entry, matches, queue_of, readable_member, to_entry, to_run
from horarium.outcome import State

STRETCH = 500  # places of a line read by one call

IN_HAND, IN_LINE, BLOCKED = 0, 1, 2

_decode_place = msgspec.json.Decoder(tuple[int, int, Instant, int]).decode  # where, priority negated, due, turn


class Line(NamedTuple):
    queue: str
    slot: str

    @property
    def rank(self) -> int:
        """The priority, negated: lower is claimed first."""
        return -int(self.slot.partition(":")[0])


class Standing(NamedTuple):
    """A message that has not ended, in the order of a listing."""

    place: tuple[int, int, Instant, int]
    entry: Entry


class RedisInspector:
    def __init__(self, store: Store) -> None:
        self._store = store

    def counts(self, *, most: int | None = None) -> Counts:
        runs, states, held, schedules, lines, blocked = self._store.call("counts", [self._store.now()])
        counted = {state: count for state, count in _pairs(states) if count > 0}
        pending = runs - sum(counted.values())
        if pending > 0:
            counted[str(State.PENDING)] = pending
        claimed = Counter[str]()
        for hand, count in _pairs(held):
            claimed[queue_of(hand.encode())] += max(0, count)
        stuck = {queue: count for queue, count in _pairs(blocked) if count > 0}
        rows = [
            (queue.decode(), slot.decode().partition(":")[2], total, due, int(float(first)))
            for queue, slot, total, due, first in zip(*(lines[at::5] for at in range(5)), strict=True)
        ]
        names = sorted({row[0] for row in rows} | claimed.keys() | stuck.keys())
        return Counts(
            queues={
                name: _counts_of([row[1:] for row in rows if row[0] == name], claimed[name], stuck.get(name, 0))
                for name in names
            },
            states=bounded(counted, most),
            schedules=schedules,
        )

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        if page.limit < 1:
            return HeldPage(held=())
        after = None if page.after is None else _decode_place(page.after)
        shown: list[Standing] = []
        for each in self._standing(after):
            if (after is None or each.place > after) and matches(to_run(each.entry), filter):
                shown.append(each)
            if len(shown) > page.limit:
                break
        more = len(shown) > page.limit
        shown = shown[: page.limit]
        held = tuple(_to_held(each.entry) for each in shown)
        return HeldPage(held=held, next=msgspec.json.encode(shown[-1].place).decode() if more else None)

    def act(self, action: Action, *, now: Instant) -> list[str]:
        match action:
            case Revoke(ids=ids, terminate=terminate):
                return self._revoke(ids, terminate, now)
            case Purge(queues=queues):
                return self._purge(queues, now)
            case Rank(ids=ids, priority=priority):
                return self._rank(ids, priority, now)
            case Seal(id=id, size=size):
                return self._seal(id, size, now)

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        found = self._store.call("members")
        records = []
        for owner, member, seen, held in zip(*(found[at::4] for at in range(4)), strict=True):
            at, lease_until, given_up = (int(part or 0) for part in (seen or b"0;0;0").split(b";"))
            if given_up and given_up <= now - milliseconds(MEMBER_LISTED):
                continue
            records.append(
                MemberRecord(
                    member=readable_member(member, owner=owner.decode()),
                    seen=at,
                    lease_until=lease_until,
                    alive=not given_up and now < lease_until,
                    held=held,
                    given_up=given_up or None,
                )
            )
        return sorted(records, key=lambda record: (not record.alive, record.member.name, record.member.owner))

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        if not owners:
            return
        self._store.call("give_up", [now, "named", *owners])
        for owner in owners:
            _, _, held = held_by(self._store, owner)

            def decide(entry: Entry, owner: str = owner) -> Move | None:
                if entry.is_damaged or not is_readable(entry):
                    return set_aside(entry, owner, now)
                is_ours = entry.record.phase == HELD and entry.record.owner == owner
                return give_back(entry, now) if is_ours else None

            commit(self._store, [entry.id for entry in held], decide, now)

    def _revoke(self, ids: Sequence[str], terminate: bool, now: Instant) -> list[str]:
        def decide(entry: Entry) -> Move | None:
            return cancel(entry, terminate=terminate, now=now)

        changed = commit_together(self._store, ids, decide, now)
        return [id for id in dict.fromkeys(ids) if id in changed]

    def _purge(self, queues: tuple[str, ...] | None, now: Instant) -> list[str]:
        """Line by line, a stretch at a time, so that a million messages do not stop the server for seconds. The blocked
        ones come first, and what is doomed by that is carried out at the end: what is to be purged ends as purged."""

        def decide(entry: Entry) -> Move | None:
            waits = entry.record.phase == WAITING and is_readable(entry)
            return revoke(entry, "purged", now) if waits else None

        purged: list[str] = []
        turned: list[Turned] = []
        for stretch in self._blocked(0):
            wanted = [entry.id for entry in stretch if queues is None or entry.readable_message.queue in queues]
            purged += commit(self._store, wanted, decide, now, turned=turned)
        for line in self._lines():
            if queues is None or line.queue in queues:
                for places in self._stretches(line, None):
                    purged += commit(self._store, [each.entry.id for each in places], decide, now, turned=turned)
        ended = set(purged)
        carry_out(self._store, [each for each in turned if each.entry.id not in ended], now)
        return purged

    def _rank(self, ids: Sequence[str], priority: int, now: Instant) -> list[str]:
        last: dict[str, Move] = {}

        def decide(entry: Entry) -> Move | None:
            move = rank(entry, priority)
            if move is not None and move.slot is not None:
                if move.slot in last:
                    last[move.slot].slot = None  # only the last of a slot calls back those who stand aside for it
                last[move.slot] = move
            return move

        changed = commit_together(self._store, ids, decide, now)
        return [id for id in dict.fromkeys(ids) if id in changed]

    def _seal(self, id: str, size: int, now: Instant) -> list[str]:
        is_sealed, gates = self._store.call("seal", [id, size])
        # Not told now, it may have been so by the call before, whose answer was lost.
        carry_out(self._store, read_turned(self._store, gates) or look_at_turned(self._store, [id]), now)
        return [id] if is_sealed else []

    def _lines(self) -> list[Line]:
        found = [text.decode() for text in self._store.call("lines")]
        return [Line(queue, slot) for queue, slot in zip(found[::2], found[1::2], strict=True)]

    def _standing(self, after: tuple[int, int, Instant, int] | None) -> Iterator[Standing]:
        """Yield all that has not ended: in hand, then in line in the order of claims, then blocked."""
        if after is None or after[0] == IN_HAND:
            yield from sorted(self._in_hand(), key=lambda each: each.place)
        if after is None or after[0] != BLOCKED:
            yield from self._in_line(after if after is not None and after[0] == IN_LINE else None)
        for stretch in self._blocked(after[3] if after is not None and after[0] == BLOCKED else 0):
            yield from (Standing((BLOCKED, 0, 0, entry.turn), entry) for entry in stretch)

    def _in_line(self, after: tuple[int, int, Instant, int] | None) -> Iterator[Standing]:
        by_rank: dict[int, list[Line]] = {}
        for line in self._lines():
            by_rank.setdefault(line.rank, []).append(line)
        for negated, lines in sorted(by_rank.items()):
            if after is not None and negated < after[1]:
                continue
            since = after[2] if after is not None and negated == after[1] else None
            yield from merge(*(self._walk(line, since) for line in lines), key=lambda each: each.place)

    def _in_hand(self) -> Iterator[Standing]:
        found = self._store.call("members")
        for owner in (owner for owner, held in zip(found[::4], found[3::4], strict=True) if held):
            for entry in held_by(self._store, owner.decode())[2]:
                if entry.record.phase == HELD:
                    message = entry.readable_message
                    yield Standing((IN_HAND, -message.priority, entry.due, entry.turn), entry)

    def _blocked(self, after: int) -> Iterator[list[Entry]]:
        """Yield what is blocked, by turn, a stretch at a time."""
        while True:
            key = f"{self._store.prefix}blocked"
            found = self._store.ask("ZRANGEBYSCORE", key, f"({after}", "+inf", "WITHSCORES", "LIMIT", 0, STRETCH)
            if not found:
                return
            after = int(float(found[-1]))
            entries = look(self._store, [id.decode() for id in found[::2]])
            yield [entry for entry in entries if entry is not None and entry.blocked]

    def _walk(self, line: Line, since: Instant | None) -> Iterator[Standing]:
        last = None
        for each in chain.from_iterable(self._stretches(line, since)):
            if last is None or each.place > last:
                last = each.place
                yield each

    def _stretches(self, line: Line, since: Instant | None) -> Iterator[list[Standing]]:
        """Yield what stands in a line, a stretch at a time. Where the last one of a stretch has left meanwhile, those
        that are due in the same millisecond come again."""
        score: bytes | int | str = "" if since is None else since
        member = b""
        while True:
            found: Answer = self._store.call("lines", [line.queue, line.slot, score, member, STRETCH])
            if not found:
                return
            member, score = found[-4:-2]
            yield [
                _standing(line, *place)
                for place in zip(*(found[at::4] for at in range(4)), strict=True)
                if place[2] is not None
            ]


def _standing(line: Line, member: bytes, score: bytes, stored: bytes, record: bytes | None) -> Standing:
    entry = to_entry(member[15:].decode(), stored, record)
    entry.turn, entry.due = int(member[:14]), int(float(score))
    return Standing((IN_LINE, line.rank, entry.due, entry.turn), entry)


def _pairs(flat: Answer) -> Iterator[tuple[str, int]]:
    return ((key.decode(), int(value)) for key, value in zip(flat[::2], flat[1::2], strict=True))


def _counts_of(lines: list[tuple[str, int, int, Instant]], claimed: int, blocked: int) -> QueueCounts:
    """Return the counts of a queue from its lines: task, messages, due messages, earliest due."""
    ready = [line for line in lines if line[2]]
    due = sum(line[2] for line in ready)
    tasks: dict[str, int] = {}
    for task, _, count, _ in ready:
        tasks[task] = tasks.get(task, 0) + count
    return QueueCounts(
        ready=due,
        scheduled=sum(line[1] for line in lines) - due,
        claimed=claimed,
        blocked=blocked,
        oldest_due=min((line[3] for line in ready), default=None),
        tasks=tasks,
    )


def _to_held(entry: Entry) -> Held:
    record = entry.record
    return Held(
        message=entry.readable_message,
        state=record.state,
        due=entry.due,
        owner=record.owner if record.phase == HELD else None,
        fence=record.fence,
        attempt=record.attempt,
        crashes=record.crashes,
        is_blocked=bool(entry.blocked),
    )
