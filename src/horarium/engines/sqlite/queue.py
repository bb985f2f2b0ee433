"""Messages, from stored to settled, in SQLite. Each verb is a room of its own; this is the door to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import DeadOwner, Limit, Maintenance, MaintenancePolicy, Member, Placed, Renewal
from horarium.engines.sqlite.claim import Wish, claim
from horarium.engines.sqlite.connection import Store
from horarium.engines.sqlite.intake import insert
from horarium.engines.sqlite.maintain import maintain
from horarium.engines.sqlite.settle import settle
from horarium.engines.sqlite.sql import change, fetch
from horarium.message import Delivery, Message
from horarium.outcome import Settlement, Verdict

_encode = msgspec.json.Encoder().encode


class SqliteQueue:
    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        if not messages:
            return []
        with self._store.write("shared", visible) as db:
            return insert(db, messages, now)

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
        return claim(self._store, Wish(queues, owner, limit, tasks, limits or {}), now)

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        if not members:
            return Renewal()
        lost: list[str] = []
        terminate: list[str] = []
        with self._store.write("never") as db:  # a lease means nothing to the processes after a power loss
            for member in members:
                values = {
                    "owner": member.owner,
                    "name": member.name,
                    "now": now,
                    "until": now + milliseconds(lease),
                    "member": _encode(member),
                }
                if change(db, "renew", values) == 0:
                    lost.append(member.owner)
                else:
                    terminate += (id for (id,) in fetch(db, "to_terminate", {"owner": member.owner}))
        return Renewal(lost=tuple(lost), terminate=tuple(terminate))

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        return settle(self._store, settlements, now, policy) if settlements else []

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        return maintain(self._store, now, policy, dead)
