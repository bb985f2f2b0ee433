"""Firing: one script decides, by what is in the store, and enqueues.

What makes way for a firing (overlap) is moved as people's revocations are: looked at, decided here, and carried out by
the script that fires, if it is still as it was looked at. So such a firing takes a second call, the others one.
"""

from __future__ import annotations

from collections.abc import Sequence

from horarium.clock import Instant
from horarium.engines.redis.commit import TRIES, carry_out, look, restless
from horarium.engines.redis.connection import Argument, Store
from horarium.engines.redis.gates import look_at_turned
from horarium.engines.redis.intake import pack, put_arguments, turns_at_once
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import cancel, is_readable, revoke
from horarium.engines.redis.rows import WAITING, Entry
from horarium.engines.redis.tokens import Tokens
from horarium.schedules.record import Fate, Firing

FATES = {"s": Fate.SENT, "k": Fate.SKIPPED, "h": Fate.HELD, "r": Fate.REPEATED, "l": Fate.LOST}
UNDECIDED = "?"  # of lua/fire.lua: it must be told first how those that are active make way


def fire(store: Store, tokens: Tokens, firings: Sequence[Firing], now: Instant) -> list[Fate]:
    """Enqueue each due instant exactly once; see Schedules.fire."""
    fates: dict[int, Fate] = {}
    ways: dict[int, list[Move]] = {}  # by firing: how those that it met make way
    pending, tries = list(range(len(firings))), 0
    while pending:
        letters, *active = store.call("fire", [now, tokens.take(), *_arguments(firings, pending, ways)])
        told = dict(zip(pending, letters.decode(), strict=True))
        fates |= {place: FATES[letter] for place, letter in told.items() if letter != UNDECIDED}
        tries = 0 if len(fates) > len(firings) - len(pending) else tries + 1
        if tries == TRIES:
            raise restless(store)
        pending = [place for place, letter in told.items() if letter == UNDECIDED]
        for place, ids in zip(pending, active, strict=True):
            ways[place] = _ways(store, firings[place], [id.decode() for id in ids], now)
    messages = [message for firing in firings for message in firing.messages]
    doomed = [id for moves in ways.values() for move in moves for id in move.dooms or ()]
    carry_out(store, look_at_turned(store, [*turns_at_once(messages), *doomed]), now)
    return [fates[place] for place in range(len(firings))]


def blank(instant: Instant | None) -> Argument:
    """Return an instant as the scripts want it."""
    return "" if instant is None else instant


def _arguments(firings: Sequence[Firing], chosen: Sequence[int], ways: dict[int, list[Move]]) -> list[Argument]:
    arguments: list[Argument] = [len(chosen)]
    for place in chosen:
        firing = firings[place]
        arguments += (
            firing.schedule,
            firing.kind,
            firing.version,
            blank(firing.expected),
            blank(firing.next_fire),
            firing.missed,
            firing.overlap,
            firing.max_active,
            pack(ways[place]) if ways.get(place) else "",
            len(firing.messages),
        )
    for place in chosen:
        for message in firings[place].messages:
            arguments += put_arguments(message)
    return arguments


def _ways(store: Store, firing: Firing, active: Sequence[str], now: Instant) -> list[Move]:
    return [_way(entry, firing, now) for entry in look(store, active) if entry is not None]


def _way(entry: Entry, firing: Firing, now: Instant) -> Move:
    """Return how a message makes way; one that need not, or cannot, is only compared with how it was looked at."""
    stays = Move(id=entry.id, guard=entry.guard)
    if entry.record.phase == WAITING:
        reason = f"replaced by the firing of {firing.nominal}"
        return revoke(entry, reason, now) if is_readable(entry) else stays
    if firing.overlap == "cancel_previous":
        return cancel(entry, terminate=True, now=now) or stays
    return stays
