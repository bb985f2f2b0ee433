"""Claiming: one statement, one round trip; safe to repeat, also when its answer was lost.

Every claim draws a token, which is written into the rows it takes. A claim whose outcome is unknown is remembered, and
before the owner's next one its rows are looked for: what it took is handed out then, and stays in nobody's drawer.
Where a message with a slot, or of a task with a limit, is next in line, the careful way goes on: see careful.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.engines.postgres.aftermath import carry_out
from horarium.engines.postgres.careful import Asked, CarefulLook
from horarium.engines.postgres.connection import RELAXED, Store
from horarium.engines.postgres.moves import Moves, set_aside_unreadable
from horarium.engines.postgres.room import Room
from horarium.engines.postgres.rows import decode_message
from horarium.engines.postgres.sql import Database, Row, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import Limit
from horarium.errors import EngineUnavailable, OwnerLost
from horarium.message import Delivery

# A line is read to twice the limit, so that a batch stays full while one other process is claiming as much from it;
# when that was too little, four times as far.
HEADROOM = 2
FURTHER = 4
CAREFUL = 1000  # the careful way reads no further at once: it holds up all others that go it


class Batch(Struct):
    """What a claim has come to."""

    rows: list[Row]  # message, id, fence, attempt, crashes of each delivery
    overdue: list[str]  # ids
    is_cut: bool = False
    is_stopped: bool = False
    is_bound: bool = False  # by what the careful way has to look at


class Claims:
    """The claims of one engine, and what is not known of them."""

    def __init__(self, store: Store, topics: Topics, expire: Callable[[Sequence[str], Instant], None]) -> None:
        self._store = store
        self._topics = topics
        self._expire = expire
        self._lock = threading.Lock()  # guards _unsure
        self._unsure: dict[str, dict[int, Seconds]] = {}  # by owner: tokens whose answers were lost, and since when

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        now: Instant,
        tasks: Collection[str] | None,
        limits: Mapping[str, Limit],
    ) -> list[Delivery]:
        """Give up to ``limit`` due messages to ``owner``; see Queue.claim."""
        token = new_token()
        unsure = self._unsure_of(owner)
        asked = Asked(
            queues=array(dict.fromkeys(queues)),
            owner=owner,
            tasks=None if tasks is None else array(tasks),
            token=token,
            limits={task: each for task, each in limits.items() if each.running is not None or each.rate is not None},
        )

        tries: list[int] = []  # the token, as often as it may have been used: a clash may come behind a first look

        def work(db: Database, again: bool) -> Batch:
            rows = self._claimed_before(db, owner, [*unsure, *tries], token, limit)
            tries.append(token)
            if rows:
                return Batch(rows, [])
            return self._claim(db, asked, limit, now)

        try:
            batch = self._store.carry_out(work)
        except BaseException as error:
            if not isinstance(error, OwnerLost):
                self._doubt(owner, token)
            raise
        self._settle_doubts(owner, unsure, found=len(batch.rows))
        if batch.overdue:
            self._expire(batch.overdue, now)
        return self._deliveries(batch.rows, owner, now)

    def _claim(self, db: Database, asked: Asked, limit: int, now: Instant) -> Batch:
        """Claim, reading further along the lines where the first look did not fill the batch."""
        if limit < 1:
            self._check_owner(db, asked.owner)
            return Batch([], [])
        batch = Batch([], [], is_cut=True)
        per_line = HEADROOM * limit
        barred = Room(db, asked.limits, now).full() if asked.limits else []
        bars = array(barred), array(task for task in asked.limits if task not in barred)
        while batch.is_cut and not batch.is_stopped and len(batch.rows) < limit:
            found = self._look(db, asked, limit - len(batch.rows), now, per_line, bars, fresh=not batch.rows)
            batch.rows += found.rows
            batch.overdue = list(dict.fromkeys([*batch.overdue, *found.overdue]))
            batch.is_cut, batch.is_stopped, batch.is_bound = found.is_cut, found.is_stopped, found.is_bound
            per_line *= FURTHER
        if batch.is_bound and len(batch.rows) < limit:
            self._claim_carefully(db, asked, batch, limit, now)
        return batch

    def _claim_carefully(self, db: Database, asked: Asked, batch: Batch, limit: int, now: Instant) -> None:
        """Go on with the batch where something is in line of which no more may be taken than there is room for."""
        look = CarefulLook(db, asked, now, space=self._topics.lock_space, key=self._topics.key_of_lock("room"))
        look.durable = self._store.durable
        per_line = HEADROOM * limit
        while len(batch.rows) < limit:
            rows, is_done = look.take(limit - len(batch.rows), per_line, fresh=not batch.rows)
            batch.rows += rows
            if is_done:
                break
            per_line = min(per_line * FURTHER, CAREFUL)
        batch.overdue = list(dict.fromkeys([*batch.overdue, *look.overdue]))

    def _look(
        self, db: Database, asked: Asked, limit: int, now: Instant, per_line: int, bars: tuple[str, str], *, fresh: bool
    ) -> Batch:
        rows = db.fetch(
            "claim",
            owner=asked.owner,
            queues=asked.queues,
            tasks=asked.tasks,
            barred=bars[0],
            careful=bars[1],
            token=asked.token,
            now=now,
            limit=limit,
            per_line=per_line,
            fresh=fresh,
            durable=self._store.durable,
            relaxed=RELAXED,
        )
        if not rows:
            raise OwnerLost(asked.owner)
        _, _, is_cut, is_stopped, overdue, is_bound, *first = rows[0]
        taken = [row[6:] for row in rows] if first[0] is not None else []
        return Batch(taken, overdue or [], is_cut, is_stopped, is_bound)

    def _check_owner(self, db: Database, owner: str) -> None:
        """Raises: OwnerLost."""
        for _, given_up in db.fetch("owner", owner=owner):
            if given_up is None:
                return
        raise OwnerLost(owner)

    # Claims whose answers were lost.

    def _claimed_before(self, db: Database, owner: str, unsure: Sequence[int], token: int, limit: int) -> list[Row]:
        if not unsure or limit < 1:
            return []
        return db.fetch("claimed_before", owner=owner, unsure=array(unsure), token=token, limit=limit)

    def _unsure_of(self, owner: str) -> list[int]:
        if not self._unsure:
            return []
        with self._lock:
            return list(self._unsure.get(owner, ()))

    def _doubt(self, owner: str, token: int) -> None:
        with self._lock:
            self._unsure.setdefault(owner, {})[token] = self._store.clock.monotonic()

    def _settle_doubts(self, owner: str, unsure: Sequence[int], *, found: int) -> None:
        """Forget the tokens under which nothing was found. A server that had lost sight of us may still be at it, but
        no longer than it gives any statement."""
        if not unsure or found:
            return
        before = self._store.clock.monotonic() - 2 * self._store.patience
        with self._lock:
            tokens = {token: since for token, since in self._unsure.get(owner, {}).items() if since > before}
            if tokens:
                self._unsure[owner] = tokens
            else:
                self._unsure.pop(owner, None)

    # Rows into deliveries.

    def _deliveries(self, rows: list[Row], owner: str, now: Instant) -> list[Delivery]:
        deliveries, unreadable = [], []
        for text, id, fence, attempt, crashes in rows:
            try:
                message = decode_message(text)
            except msgspec.DecodeError:
                unreadable.append(id)
                continue
            deliveries.append(
                Delivery(message=message, owner=owner, fence=fence, attempt=attempt, crashes=crashes, claimed=now)
            )
        if unreadable:
            with suppress(EngineUnavailable):  # they stay in hand then; maintain sets them aside when the owner ends
                self._set_aside(unreadable, now)
        return deliveries

    def _set_aside(self, ids: Sequence[str], now: Instant) -> None:
        def work(moves: Moves) -> None:
            for entry in moves.entries(ids):
                set_aside_unreadable(moves, entry)

        self._store.carry_out(lambda db, again: carry_out(db, now, self._topics, work))
