"""Messages, from stored to settled, in Redis. Each verb is a room of its own; this is the door to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import DeadOwner, Limit, Maintenance, MaintenancePolicy, Member, Placed, Renewal
from horarium.engines.redis.claim import Claims
from horarium.engines.redis.commit import carry_out
from horarium.engines.redis.connection import Argument, Store
from horarium.engines.redis.gates import look_at_turned
from horarium.engines.redis.intake import put_arguments, turns_at_once
from horarium.engines.redis.maintain import maintain
from horarium.engines.redis.notifier import RedisNotifier
from horarium.engines.redis.rows import encode
from horarium.engines.redis.settle import settle
from horarium.message import Delivery, Message
from horarium.outcome import Settlement, Verdict


class RedisQueue:
    def __init__(self, store: Store, notifier: RedisNotifier) -> None:
        self._store = store
        self._claims = Claims(store, notifier)

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        if not messages:
            return []
        arguments: list[Argument] = [now, len(messages)]
        for message in messages:
            arguments += put_arguments(message)
        placed = self._store.call("put", arguments)
        carry_out(self._store, look_at_turned(self._store, turns_at_once(messages)), now)
        if visible is not None:
            visible()
        return [each.decode() if isinstance(each, bytes) else each == 1 for each in placed]

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
        return self._claims.claim(queues, owner, limit, now, tasks, limits)

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        if not members:
            return Renewal()
        arguments: list[Argument] = [now, now + milliseconds(lease)]
        for member in members:
            arguments += (member.owner, encode(member.name), encode(member))
        lost, terminate = self._store.call("renew", arguments)
        return Renewal(lost=tuple(owner.decode() for owner in lost), terminate=tuple(id.decode() for id in terminate))

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        return settle(self._store, settlements, now, policy) if settlements else []

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        return maintain(self._store, now, policy, dead)
