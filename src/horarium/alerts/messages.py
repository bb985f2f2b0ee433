"""What people read: a notice as words, and as the JSON of a webhook. Arguments of tasks are in none of it.

Times stand in the zone of the setting, with its name. Whatever is foreign (names, texts of exceptions) is one line in
which every character shows; what would be markup to Slack is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from horarium.alerting import RULES
from horarium.alerts.book import Incident, Notice, Occasion
from horarium.clock import Instant, Seconds
from horarium.observe.finding import plural
from horarium.observe.moments import iso, local, span
from horarium.observe.text import one_line

LISTED = 10  # subjects of a group that are named; the rest is a number

WORDS: dict[Occasion, str] = {
    "firing": "FIRING",
    "still": "STILL FIRING",
    "recovered": "RECOVERED",
    "digest": "DIGEST",
    "test": "TEST",
}


class Item(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One of those that a message is about."""

    name: str
    text: str
    since: Instant
    count: int = 0
    last_good: Instant | None = None


class Message(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is sent, whole: a channel only puts it in its own form. ``id`` is the same for each try to send it."""

    id: str
    at: Instant
    occasion: Occasion
    app: str
    rule: str = ""
    title: str  # one line: state and name
    body: str  # some lines
    items: tuple[Item, ...] = ()
    number: int = 0  # of all that it is about
    count: int = 0
    since: Instant | None = None
    downtime: Seconds | None = None
    link: str = ""
    key: str = ""  # the same for all messages of one outbreak


def message_of(notice: Notice, *, app: str, now: Instant, zone: str, dashboard_url: str = "") -> Message:
    """Return a notice as it is told."""
    known = RULES[notice.rule]
    items = tuple(map(_item, sorted(notice.incidents, key=lambda incident: incident.since)))
    key = _digest(f"{app}/{notice.key}")
    is_over = notice.occasion == "recovered"
    downtime = (now - notice.since) / 1000 if is_over else None
    count = sum(item.count for item in items)
    link = f"{dashboard_url.rstrip('/')}{_path(notice.incidents)}" if dashboard_url else ""
    about = items[0].name if len(items) == 1 else plural(len(items), "thing")
    if notice.rule.startswith("schedule") and len(items) > 1:
        about = f"{plural(len(items), 'schedule')} of {one_line(notice.group)}"
    title = f"{WORDS[notice.occasion]}: {known.title}: {about}"
    lines = [_line(item, zone, is_over=is_over) for item in items[:LISTED]]
    if len(items) > LISTED:
        lines.append(f"and {len(items) - LISTED} more")
    lines.append(f"since {local(notice.since, zone)}")
    if downtime is not None:
        lines.append(f"well again after {span(downtime)}")
    if count > 1:
        lines.append(f"{count} times so far")
    return Message(
        id=_digest(f"{key}/{notice.number}"),
        at=now,
        occasion=notice.occasion,
        app=app,
        rule=notice.rule,
        title=_titled(app, title),
        body="\n".join([*lines, *([link] if link else [])]),
        items=items[:LISTED],
        number=len(items),
        count=count,
        since=notice.since,
        downtime=downtime,
        link=link,
        key=key,
    )


def digest_of(titles: Sequence[str], left_out: int, *, app: str, channel: str, now: Instant, link: str = "") -> Message:
    """Return one message in place of several that were too many for a channel."""
    number = len(titles) + left_out
    lines = [f"- {title}" for title in titles] + ([f"and {left_out} more"] if left_out else [])
    return Message(
        id=_digest(f"{app}/{channel}/digest/{now}"),
        at=now,
        occasion="digest",
        app=app,
        title=_titled(app, f"DIGEST: {plural(number, 'message')} held back in the last hour"),
        body="\n".join([*lines, *([link] if link else [])]),
        number=number,
        link=link,
    )


def trial(*, app: str, channel: str, by: str, now: Instant, zone: str) -> Message:
    """Return a message that shows whether a channel works."""
    return Message(
        id=_digest(f"{app}/{channel}/test/{now}"),
        at=now,
        occasion="test",
        app=app,
        title=_titled(app, "TEST: this channel works"),
        body=f"sent by {one_line(by)} at {local(now, zone)}; nothing is wrong",
    )


def webhook_body(message: Message) -> bytes:
    """Return the JSON of a webhook. Its fields stay; new ones may come."""
    body: dict[str, Any] = {  # Any: JSON
        "version": 1,
        "id": message.id,
        "key": message.key,
        "occasion": message.occasion,
        "at": iso(message.at),
        "app": message.app,
        "rule": message.rule,
        "title": message.title,
        "text": message.body,
        "since": None if message.since is None else iso(message.since),
        "downtime_s": message.downtime,
        "number": message.number,
        "count": message.count,
        "link": message.link,
        "about": [
            {
                "name": item.name,
                "text": item.text,
                "since": iso(item.since),
                "count": item.count,
                "last_good": None if item.last_good is None else iso(item.last_good),
            }
            for item in message.items
        ],
    }
    return msgspec.json.encode(body)


def slack_body(message: Message) -> bytes:
    """Return what Slack, Mattermost and Rocket.Chat take; nothing in it is markup but the bold title."""
    title, body = (_without_markup(text) for text in (message.title, message.body))
    return msgspec.json.encode({"text": f"*{title}*\n{body}"})


def _item(incident: Incident) -> Item:
    return Item(
        name=one_line(incident.subject),
        text=one_line(incident.text),
        since=incident.since,
        count=incident.count,
        last_good=incident.last_good,
    )


def _line(item: Item, zone: str, *, is_over: bool) -> str:
    good = f"; last good: {local(item.last_good, zone)}" if item.last_good is not None and not is_over else ""
    return f"{item.name}: {item.text}{good}"


def _path(incidents: Iterable[Incident]) -> str:
    paths = {incident.path for incident in incidents}
    return paths.pop() if len(paths) == 1 else "/alerts"


def _titled(app: str, text: str) -> str:
    return f"[{one_line(app, 40)}] {text}"


def _without_markup(text: str) -> str:
    """Slack reads <...> as links and mentions, and * _ ~ ` as styles; the zero-width space breaks the latter."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"{character}\u200b" if character in "*_~`@" else character for character in escaped)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
