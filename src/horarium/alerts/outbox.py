"""What is to be sent and what was: tries, the most of an hour, and the digest of what was too much. Values only.

A message is kept here from the moment it is decided until a channel has taken it or it is given up; so whoever watches
next sends it, if the one who decided it does not come to that. It may then be sent twice, under one id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from horarium.alerting import Alerting
from horarium.alerts.messages import Message, digest_of
from horarium.alerts.outgoing import Answer
from horarium.clock import Instant, Seconds, milliseconds

WAITS: tuple[Seconds, ...] = (15.0, 60.0, 300.0, 900.0)  # before each further try; then a message is given up
WINDOW: Seconds = 3600.0
MOST_TITLES = 50  # of a digest; the rest is a number

Outcome: TypeAlias = Literal["sent", "again", "given up"]


class Pending(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message on its way to one channel."""

    channel: str
    message: Message
    due: Instant
    tries: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.channel, self.message.id


class HeldBack(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a channel will get as one digest."""

    titles: tuple[str, ...] = ()
    left_out: int = 0


class Delivery(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One try to send a message, for the log."""

    at: Instant
    channel: str
    kind: str
    id: str
    title: str
    occasion: str
    number: int  # of the try
    outcome: Outcome
    trouble: str = ""


class Outbox(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything on its way, and when each channel was given something in the last hour."""

    pending: tuple[Pending, ...] = ()
    given: dict[str, tuple[Instant, ...]] = msgspec.field(default_factory=dict)
    held: dict[str, HeldBack] = msgspec.field(default_factory=dict)


class ChannelStand(Struct, frozen=True, kw_only=True):
    """How a channel stands, without its address: whoever has that may write there."""

    name: str
    kind: str
    last: Delivery | None = None
    waiting: int = 0
    held: int = 0


def add(outbox: Outbox, message: Message, channels: Collection[str], alerting: Alerting, *, now: Instant) -> Outbox:
    """Put a message on its way to channels; to one that has had its most of this hour it comes in a digest."""
    for channel in channels:
        given = _lately(outbox, channel, now)
        if len(given) >= alerting.most_per_hour or channel in outbox.held:
            outbox = replace(outbox, held=outbox.held | {channel: _held(outbox.held.get(channel), message.title)})
        else:
            outbox = _put(outbox, channel, message, given, now)
    return outbox


def add_digests(outbox: Outbox, alerting: Alerting, *, app: str, now: Instant) -> Outbox:
    """Send what was held back to each channel that may have a message again."""
    link = f"{alerting.dashboard_url.rstrip('/')}/alerts" if alerting.dashboard_url else ""
    for channel, held in outbox.held.items():
        given = _lately(outbox, channel, now)
        if len(given) < alerting.most_per_hour:
            message = digest_of(held.titles, held.left_out, app=app, channel=channel, now=now, link=link)
            rest = {name: each for name, each in outbox.held.items() if name != channel}
            outbox = _put(replace(outbox, held=rest), channel, message, given, now)
    return outbox


def due(outbox: Outbox, now: Instant) -> list[Pending]:
    return [pending for pending in outbox.pending if pending.due <= now]


def note(outbox: Outbox, pending: Pending, answer: Answer, kind: str, *, now: Instant) -> tuple[Outbox, Delivery]:
    """Note what became of a try: the message is gone, or waits for the next one."""
    others = tuple(each for each in outbox.pending if each.key != pending.key)
    outcome: Outcome = "sent"
    if answer.trouble is not None:
        is_last = pending.tries >= len(WAITS) or answer.is_final
        outcome = "given up" if is_last else "again"
        if not is_last:
            later = now + milliseconds(WAITS[pending.tries])
            others = (*others, replace(pending, tries=pending.tries + 1, due=later))
    return replace(outbox, pending=others), delivery_of(pending, answer, kind, outcome, now=now)


def delivery_of(pending: Pending, answer: Answer, kind: str, outcome: Outcome, *, now: Instant) -> Delivery:
    return Delivery(
        at=now,
        channel=pending.channel,
        kind=kind,
        id=pending.message.id,
        title=pending.message.title,
        occasion=pending.message.occasion,
        number=pending.tries + 1,
        outcome=outcome,
        trouble=answer.trouble or "",
    )


def without_channels_but(outbox: Outbox, channels: Collection[str]) -> Outbox:
    """Forget what was on its way to channels that the setting names no more."""
    return Outbox(
        pending=tuple(each for each in outbox.pending if each.channel in channels),
        given={name: given for name, given in outbox.given.items() if name in channels},
        held={name: held for name, held in outbox.held.items() if name in channels},
    )


def stands_of(outbox: Outbox, log: Iterable[Delivery], alerting: Alerting | None) -> list[ChannelStand]:
    """Return how each channel of the setting stands. ``log``: the newest first."""
    last: dict[str, Delivery] = {}
    for delivery in log:
        last.setdefault(delivery.channel, delivery)
    stands = []
    for name, channel in (alerting.channels if alerting is not None else {}).items():
        held = outbox.held.get(name)
        waiting = sum(pending.channel == name for pending in outbox.pending)
        number = len(held.titles) + held.left_out if held is not None else 0
        stands.append(ChannelStand(name=name, kind=channel.kind, last=last.get(name), waiting=waiting, held=number))
    return stands


def _lately(outbox: Outbox, channel: str, now: Instant) -> tuple[Instant, ...]:
    return tuple(at for at in outbox.given.get(channel, ()) if at > now - milliseconds(WINDOW))


def _put(outbox: Outbox, channel: str, message: Message, given: tuple[Instant, ...], now: Instant) -> Outbox:
    return replace(
        outbox,
        pending=(*outbox.pending, Pending(channel=channel, message=message, due=now)),
        given=outbox.given | {channel: (*given, now)},
    )


def _held(before: HeldBack | None, title: str) -> HeldBack:
    held = before or HeldBack()
    if len(held.titles) >= MOST_TITLES:
        return replace(held, left_out=held.left_out + 1)
    return replace(held, titles=(*held.titles, title))
