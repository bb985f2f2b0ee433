"""Claiming: one script chooses and hands over; here its answer becomes deliveries.

A claim whose answer was lost must not strand what it took: it has a token, and the next claim of that owner sends the
same one, whereupon the script answers with what that claim took instead of taking more. Nor may one that was held up on
its way strand anything when it arrives at last: a token older than the newest of its owner takes nothing, and a claim
that is sent again leaves its token in any case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence

import msgspec
from redis.connection import Connection

from horarium.clock import Instant
from horarium.engines.records import Limit
from horarium.engines.redis.commit import commit
from horarium.engines.redis.connection import Answer, Argument, Store
from horarium.engines.redis.intake import pack
from horarium.engines.redis.maintain import end_overdue
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import is_readable, set_aside
from horarium.engines.redis.notifier import RedisNotifier
from horarium.engines.redis.rows import HELD, Entry, decode_stored, encode
from horarium.engines.redis.tokens import Tokens
from horarium.errors import OwnerLost
from horarium.message import Delivery

ALL = "*"
TOKEN, AGAIN = 3, 7  # places among the arguments
ROUNDS = 20  # of 500 messages each that are overdue or stand aside, at some 20 ms
NONE = -1  # no such limit
NO_TASK = ""  # stands in for the tasks of a worker that knows none: a set in Redis is never empty


class Claims:
    """The claims of this process: their tokens, and the digests of what its workers know."""

    def __init__(self, store: Store, notifier: RedisNotifier) -> None:
        self._store = store
        self._notifier = notifier
        # By owner: the token of a claim whose answer was lost. Each use of it is atomic, and so needs no lock.
        self._unanswered: dict[str, str] = {}
        self._tokens = Tokens()
        self._digests: tuple[Collection[str] | None, str] = (None, ALL)  # of the tasks asked for last

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        now: Instant,
        tasks: Collection[str] | None,
        limits: Mapping[str, Limit] | None,
    ) -> list[Delivery]:
        """Give up to ``limit`` due messages to ``owner``; see Queue.claim."""
        for _ in range(ROUNDS):
            arguments = self._arguments(queues, owner, limit, now, tasks, limits)
            answer = self._answer(arguments, owner, tasks)
            deliveries = self._deliveries(answer, owner, now)
            # Nothing but overdue ones, or such as stand aside, was met: there may be more, and others behind them.
            if deliveries or not (answer[1] or answer[3]):
                break
        return deliveries

    def _answer(self, arguments: list[Argument], owner: str, tasks: Collection[str] | None) -> Answer:
        unanswered = self._unanswered.pop(owner, "")
        arguments[TOKEN] = token = unanswered or self._tokens.take()
        arguments[AGAIN] = int(token == unanswered)
        try:
            answer = self._ask(arguments)
            if answer[0] == b"tasks":  # the first claim with these, or a server that has lost them
                arguments.append(pack(list(tasks or ()) or [NO_TASK]))
                answer = self._ask(arguments)
        except BaseException:  # also what a signal handler raises: the claim may have been carried out all the same
            self._unanswered[owner] = token
            raise
        if answer[0] == b"lost":
            raise OwnerLost(owner)
        return answer

    def _ask(self, arguments: list[Argument]) -> Answer:
        def act(connection: Connection) -> Answer:
            sent, arguments[AGAIN] = list(arguments), 1
            return self._store.evaluate(connection, "claim", sent)

        return self._store.use(act)

    def _arguments(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        now: Instant,
        tasks: Collection[str] | None,
        limits: Mapping[str, Limit] | None,
    ) -> list[Argument]:
        arguments: list[Argument] = [now, owner, limit, "", self._digest(tasks), self._notifier.ear(queues)]
        arguments += (encode(owner), 0, len(queues), _packed(limits) if limits else "")
        for queue in queues:
            arguments += (queue, encode(queue))
        return arguments

    def _digest(self, tasks: Collection[str] | None) -> str:
        """Return the name under which the server knows what this worker knows."""
        asked, digest = self._digests
        if tasks is not asked:
            if tasks is None:
                digest = ALL
            else:
                digest = hashlib.sha1(encode(sorted(tasks)), usedforsecurity=False).hexdigest()
            self._digests = (tasks, digest) if isinstance(tasks, frozenset | tuple | None) else (None, ALL)
        return digest

    def _deliveries(self, answer: Answer, owner: str, now: Instant) -> list[Delivery]:
        _, overdue, unreadable, _, *told = answer
        if overdue:
            end_overdue(self._store, [id.decode() for id in overdue], now)
        deliveries, is_damaged = [], False
        for stored, fence, attempt, crashes in zip(told[::4], told[1::4], told[2::4], told[3::4], strict=True):
            try:
                message = decode_stored(stored)
            except msgspec.DecodeError:
                is_damaged = True
                continue
            deliveries.append(
                Delivery(message=message, owner=owner, fence=fence, attempt=attempt, crashes=crashes, claimed=now)
            )
        if unreadable or is_damaged:
            self._set_aside(owner, {id.decode() for id in unreadable}, now)
        return deliveries

    def _set_aside(self, owner: str, strange: set[str], now: Instant) -> None:
        """End what cannot be read of what the owner holds; the script could not read the records of the strange."""
        held = [id.decode() for id in self._store.ask("SMEMBERS", f"{self._store.prefix}own:{owner}")]

        def decide(entry: Entry) -> Move | None:
            entry.is_damaged = entry.is_damaged or (entry.id in strange and entry.record.phase != HELD)
            return None if is_readable(entry) else set_aside(entry, owner, now)

        commit(self._store, held, decide, now)


def _packed(limits: Mapping[str, Limit]) -> bytes:
    """Return limits as lua/claim.lua wants them."""
    return pack(
        {
            task: (
                NONE if limit.running is None else limit.running,
                NONE if limit.rate is None else limit.rate,
                limit.burst,
                limit.bucket,
            )
            for task, limit in limits.items()
        }
    )
