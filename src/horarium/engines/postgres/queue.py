"""Messages, from stored to settled, in PostgreSQL. Each verb is a room of its own; this is the door to them.

``put_in`` and ``settle_in`` do the same inside a transaction of the caller's, on the caller's connection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.aftermath import carry_out
from horarium.engines.postgres.claim import Claims
from horarium.engines.postgres.connection import RELAXED, Store, transaction
from horarium.engines.postgres.guests import Guests
from horarium.engines.postgres.intake import Intake, is_bound
from horarium.engines.postgres.keys import insert, place
from horarium.engines.postgres.maintain import maintain
from horarium.engines.postgres.moves import Moves, expire
from horarium.engines.postgres.rows import encode_member
from horarium.engines.postgres.settle import Settling
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.postgres.trouble import translate
from horarium.engines.records import (
    QUEUE_TOPIC,
    DeadOwner,
    Limit,
    Maintenance,
    MaintenancePolicy,
    Member,
    Placed,
    Renewal,
)
from horarium.message import Delivery, Message
from horarium.outcome import Settlement, Verdict


class PostgresQueue:
    def __init__(self, store: Store, topics: Topics) -> None:
        self._store = store
        self._topics = topics
        self._guests = Guests(store)
        self._claims = Claims(store, topics, self._expire)

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        if not messages:
            return []
        token = new_token()
        intake = Intake(messages, now, token)
        has_keys = any(message.unique is not None for message in messages)
        queues = {QUEUE_TOPIC + message.queue for message in messages}

        def work(db: Database, again: bool) -> list[Placed]:
            if has_keys:
                return self._place(db, messages, now, token, again=again)
            before = intake.stored_before(db) if again else set()
            with db.connection.pipeline() as pipeline:  # one round trip for two transactions
                intake.send(db)
                pipeline.sync()
                self._topics.announce(db, queues)
            are_new = intake.tell()
            return [*(intake.first_of(before) if before else are_new)]

        are_new = self._store.carry_out(work)
        if visible is not None:
            visible()
        return are_new

    def _place(
        self, db: Database, messages: Sequence[Message], now: Instant, token: int, *, again: bool
    ) -> list[Placed]:
        """Store messages of which some have a unique key."""
        topics = {QUEUE_TOPIC + message.queue for message in messages}
        with transaction(db):
            before = Intake(messages, now, token).stored_before(db) if again else set()
            placed = place(db, messages, now, token, before=before, topics=topics)
        self._topics.announce(db, topics)
        return placed

    def check_guest(self, connection: object) -> None:
        """See that ``put_in`` and ``settle_in`` can take part in transactions of a connection; see Guests.check."""
        self._guests.check(connection)

    def put_in(
        self,
        connection: psycopg.Connection[Any],
        messages: Sequence[Message],
        *,
        now: Instant,
        is_fresh: bool = False,
    ) -> list[Placed]:
        """Store messages inside the caller's transaction, all or none; tell for each whether it is new, or who has its
        unique key.

        They are there, and their queues' listeners are woken, when the caller commits; after a rollback nothing is.
        ``connection`` must reach the database of this store, and its user may write to this store's schema. Do not hold
        the transaction open for long: whoever puts the same ids or unique keys waits for its end. Under REPEATABLE READ
        or SERIALIZABLE an id that ends elsewhere during this very transaction may be stored once more.
        Fresh messages that depend on no others are one statement.
        Raises: EngineUnavailable, StoreUnusable; the transaction is void then, as after any error.
        """
        self._store.prepare()
        if not messages:
            return []
        with self._inside(connection) as db:
            topics = {QUEUE_TOPIC + message.queue for message in messages}
            if is_fresh and not any(map(is_bound, messages)):
                Intake(messages, now, new_token()).send_at_once(db, self._topics.channels(topics))
                return [True] * len(messages)
            placed = insert(db, messages, now, new_token(), topics=topics)
            self._topics.announce_at_commit(db, topics)
        return placed

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        *,
        now: Instant,
        tasks: Collection[str] | None = None,
        limits: Mapping[str, Limit] | None = None,
    ) -> list[Delivery]:
        return self._claims.claim(queues, owner, limit, now, tasks, limits or {})

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        if not members:
            return Renewal()
        told = {member.owner: member for member in members}
        owners = array(told)

        def work(db: Database, again: bool) -> tuple[set[str], list[tuple[str, str]]]:
            with db.connection.pipeline():
                renewed = db.run(
                    "renew",
                    owners=owners,
                    names=array(member.name for member in told.values()),
                    members=array(map(encode_member, told.values())),
                    now=now,
                    until=now + milliseconds(lease),
                    relaxed=RELAXED,
                )
                terminate = db.run("to_terminate", owners=owners)
            return {owner for _, owner in renewed.fetchall()}, [(owner, id) for owner, id in terminate.fetchall()]

        held, terminate = self._store.carry_out(work)
        return Renewal(
            lost=tuple(member.owner for member in members if member.owner not in held),
            terminate=tuple(
                id for member in members if member.owner in held for owner, id in terminate if owner == member.owner
            ),
        )

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        if not settlements:
            return []

        def work(db: Database, again: bool) -> list[Verdict]:
            return Settling(db, settlements, now, policy).carry_out(self._topics)

        return self._store.carry_out(work)

    def settle_in(
        self,
        connection: psycopg.Connection[Any],
        settlements: Sequence[Settlement],
        *,
        now: Instant,
        policy: MaintenancePolicy,
    ) -> list[Verdict]:
        """Record outcomes inside the caller's transaction, so that a task ends together with what it wrote.

        The verdicts hold if the caller commits; after a rollback the deliveries are still in hand. Until then their
        rows are locked, and so are the gates at which they arrive, and the schedules that have fired them, which do not
        fire meanwhile: commit soon. Settle several in one call: two callers who do so one by one may wait for each
        other. What is doomed by it is ended by the next maintain; so is released, under REPEATABLE READ or
        SERIALIZABLE, what waited for it. See put_in for the connection. Raises: EngineUnavailable, StoreUnusable.
        """
        self._store.prepare()
        if not settlements:
            return []
        with self._inside(connection) as db:
            settling = Settling(db, settlements, now, policy)
            verdicts = settling.carry_out_inside()
            self._topics.announce_at_commit(db, settling.topics)
        return verdicts

    def abandon(self, connection: psycopg.Connection[Any]) -> None:
        self._guests.abandon(connection)

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        return maintain(self._store, self._topics, now, policy, dead)

    def _expire(self, ids: Sequence[str], now: Instant) -> None:
        """End those that a claim met past their expires. A claim needs no flush, and neither does this."""

        def work(moves: Moves) -> None:
            for entry in moves.entries(ids):
                if entry.is_waiting and entry.expires is not None and entry.expires <= now:
                    expire(moves, entry)

        self._store.carry_out(lambda db, again: carry_out(db, now, self._topics, work, durable=False))

    @contextmanager
    def _inside(self, connection: psycopg.Connection[Any]) -> Iterator[Database]:
        """Our statements on the caller's connection. On one in autocommit mode without an open transaction they are a
        transaction of their own."""
        try:
            if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
                with connection.transaction():
                    yield self._store.on(connection)
            else:
                yield self._store.on(connection)
        except psycopg.Error as error:
            raise translate(error, self._store.address.shown) from error
