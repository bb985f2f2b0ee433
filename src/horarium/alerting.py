"""The setting ``alerts``: what is told to whom, read from a dict into values and checked on the way.

Nothing here sends or looks at anything. What is secret in it is not in any ``repr``, nor in a complaint.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from horarium.clock import Seconds

Positive: TypeAlias = Annotated[Seconds, Meta(gt=0)]
Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Address: TypeAlias = Annotated[str, Meta(pattern=r"^[^\s@<>]+@[^\s@<>]+$")]


class Known(Struct, frozen=True):
    """A rule that there is. ``after``: how long it must be so before anybody is told, unless the setting says more."""

    name: str
    title: str
    after: Seconds
    doc: str


KNOWN = (
    Known(
        "schedule_missed", "Schedule missed", 60.0, "A schedule is due and nothing fired it, or firings were missed."
    ),
    Known("schedule_late", "Schedule late", 0.0, "A schedule fired, and has not succeeded within its grace."),
    Known("task_failed", "Task failed", 0.0, "A task failed after its last retry, or its process died too often."),
    Known("queue_old", "Queue too old", 600.0, "Something has been ready in a queue for so long."),
    Known("queue_unread", "Queue nobody reads", 60.0, "Something waits in a queue that no live worker reads."),
    Known("worker_lost", "Worker lost", 0.0, "A worker went silent with work in hand, or left a queue unread."),
    Known("no_scheduler", "No scheduler", 60.0, "There are schedules, and no scheduler is alive."),
)
RULES: Mapping[str, Known] = {known.name: known for known in KNOWN}


class Secretive(Struct, frozen=True, kw_only=True):
    """A value whose ``repr`` names its kind alone: addresses of channels let whoever has them write there."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __str__(self) -> str:
        return repr(self)


class Webhook(Secretive, frozen=True, kw_only=True, tag="webhook", forbid_unknown_fields=True):
    """A POST of JSON. ``secret`` signs it. ``allow_private`` lets it go to this host and to private networks."""

    kind: ClassVar[str] = "webhook"
    url: Text
    secret: str = ""
    allow_private: bool = False


class Slack(Secretive, frozen=True, kw_only=True, tag="slack", forbid_unknown_fields=True):
    """A POST of ``{"text": ...}``, as Slack, Mattermost and Rocket.Chat take it."""

    kind: ClassVar[str] = "slack"
    url: Text
    allow_private: bool = False


class Email(Secretive, frozen=True, kw_only=True, tag="email", forbid_unknown_fields=True):
    """A mail, handed to a server that takes it."""

    kind: ClassVar[str] = "email"
    to: Annotated[tuple[Address, ...], Meta(min_length=1)]
    sender: Address = msgspec.field(name="from")
    host: Text = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535)] = 25
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: str = ""


class Apprise(Secretive, frozen=True, kw_only=True, tag="apprise", forbid_unknown_fields=True):
    """Whatever else the library apprise can reach, by its URLs. It has rules of its own for where it connects to."""

    kind: ClassVar[str] = "apprise"
    urls: Annotated[tuple[Text, ...], Meta(min_length=1)]


Channel: TypeAlias = Webhook | Slack | Email | Apprise


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a project says of a rule. ``names``: patterns of what it is about, such as ``reports.*``; none: all."""

    after: Annotated[Seconds, Meta(ge=0)] | None = None
    names: tuple[Text, ...] = ()
    channels: tuple[Text, ...] = ()  # none: all


class Alerting(Secretive, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of the setting. The rules that are not named are as they are by default; False turns one off."""

    channels: dict[Text, Channel]
    rules: dict[str, Rule | Literal[False]] = msgspec.field(default_factory=dict)
    dashboard_url: str = ""  # where links lead to; none: no links
    timezone: str = ""  # of the times in messages; none: the app's
    wait: Annotated[Seconds, Meta(ge=0)] = (
        30.0  # before the first message about a group: what comes together is told so
    )
    repeat: Positive = 4 * 3600.0  # while it lasts
    most_per_hour: Annotated[int, Meta(ge=1)] = 10  # messages of a channel; the rest comes as one digest
    every: Positive = 15.0  # between two looks
    error_text: bool = True  # whether messages quote the text of an exception, or only name its class
    heartbeat: str = ""  # a URL that is asked once a minute as long as all this works
    allow_private_heartbeat: bool = False

    def rule(self, name: str) -> Rule | None:
        """Return what is said of a rule; None when it is turned off."""
        said = self.rules.get(name, Rule())
        return said or None

    def after(self, name: str) -> Seconds:
        said = self.rule(name)
        return RULES[name].after if said is None or said.after is None else said.after

    def channels_of(self, name: str) -> tuple[str, ...]:
        said = self.rule(name)
        return tuple(self.channels) if said is None or not said.channels else said.channels


def read_alerts(value: Any) -> Alerting:
    """Read the setting as it is written: a dict. Raises: ValueError with what is wrong where, and no value of it."""
    if isinstance(value, Alerting):
        return value
    if not isinstance(value, Mapping) or not value.get("channels"):
        raise ValueError('write for instance {"channels": {"ops": {"type": "webhook", "url": "https://..."}}}')
    try:
        alerting = msgspec.convert(_plain(value), Alerting, strict=True)
    except msgspec.ValidationError as error:
        raise ValueError(_without_values(str(error))) from None
    _check(alerting)
    return alerting


def _check(alerting: Alerting) -> None:
    for name, said in alerting.rules.items():
        if name not in RULES:
            raise ValueError(_no_such_rule(name))
        for wanted in said.channels if said else ():
            if wanted not in alerting.channels:
                raise ValueError(f"rule {name} names channel {wanted!r}, and there are {', '.join(alerting.channels)}")
    for name, channel in alerting.channels.items():
        if isinstance(channel, Webhook | Slack):
            _check_url(channel.url, f"the url of channel {name!r}")
    for url, what in ((alerting.heartbeat, "heartbeat"), (alerting.dashboard_url, "dashboard_url")):
        if url:
            _check_url(url, what)
    if alerting.timezone:
        _check_zone(alerting.timezone)


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo  # here and not above, as difflib below: every start of a program imports this file

    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError(f"no time zone is named {name!r}") from None


def _check_url(url: str, what: str) -> None:
    """Raises: ValueError, which does not quote the URL: it may be all that is needed to write there."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{what} cannot be read as a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{what} must begin with https:// or http:// and name a host")
    if "@" in parts.netloc:
        raise ValueError(f"{what} must hold no user and password")
    if any(ord(character) <= 32 or ord(character) >= 127 for character in url):
        raise ValueError(f"{what} must be ASCII without spaces; write other characters as %XX")


def _plain(value: Any) -> Any:
    """Return what was written with durations as seconds and all sequences as lists."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple | set) else value


def _without_values(text: str) -> str:
    """Return a complaint of msgspec's, which names places by their paths and quotes nothing but tags and keys."""
    is_about_type = "field `type`" in text or text.endswith(".type`")
    return f"{text}; the types of channels are webhook, slack, email, apprise" if is_about_type else text


def _no_such_rule(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, RULES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(RULES)}"
    return f"no rule is named {name!r}; {hint}"
