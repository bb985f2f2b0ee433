"""Commands to workers and their replies, as they lie in the store: who is meant, and until when a command holds.

A command is a note under ``command/<id>``, a reply one under ``reply/<command>/<owner>``; both expire by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from horarium.clock import Instant, Seconds

COMMANDS = "command/"
REPLIES = "reply/"
COMMAND_TOPIC = "commands"  # workers listen; not records.CONTROL_TOPIC: a command needs no renewal of leases
REPLY_TOPIC = "replies"  # those who have asked listen

UNANSWERED: Seconds = 60.0  # how long a command holds that nobody waits for
REPLY_KEPT: Seconds = 60.0  # how long a reply may be fetched

Matcher: TypeAlias = Literal["glob", "pcre"]


class Command(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What workers are asked to tell or to do. ``expires``: a worker that learns of it later does nothing."""

    id: str
    name: str
    arguments: dict[str, Any] = {}
    destination: tuple[str, ...] | None = None  # names of workers; None: all
    pattern: str | None = None  # besides: only names like this
    matcher: Matcher = "glob"
    issued: Instant
    expires: Instant
    wants_reply: bool = True

    @property
    def key(self) -> str:
        return COMMANDS + self.id

    @property
    def replies(self) -> str:
        """The prefix of the keys of its replies."""
        return f"{REPLIES}{self.id}/"


class Reply(Struct, frozen=True, kw_only=True):
    """What one worker has answered."""

    node: str
    pid: int
    owner: str
    answer: Any  # JSON, as various as the commands


def is_named(names: Collection[str] | None, *, name: str, host: str, pid: int) -> bool:
    """Whether a worker is one of those named (None: all are): by its name, by ``name#pid`` where several share one, or
    as ``celery@host``, which means the workers of that host."""
    return names is None or any(each in names for each in (name, f"{name}#{pid}", f"celery@{host}"))


def is_like(pattern: str | None, matcher: Matcher, name: str) -> bool:
    """Whether a worker's name is like a pattern. Raises: ValueError for a pattern that cannot be read."""
    if pattern is None:
        return True
    if matcher == "glob":
        return fnmatchcase(name, pattern)
    try:
        return re.match(pattern, name) is not None
    except re.error as error:
        raise ValueError(f"expected a regular expression, got {pattern!r} ({error})") from error


def is_for(command: Command, *, name: str, host: str, pid: int) -> bool:
    """Whether a command is addressed to a worker."""
    return is_named(command.destination, name=name, host=host, pid=pid) and is_like(
        command.pattern, command.matcher, name
    )
