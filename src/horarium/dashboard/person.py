"""Who asks, and what they may do."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

from msgspec import Struct
from starlette.requests import HTTPConnection


class Role(IntEnum):
    """What a person may do; each role may do what those before it may."""

    NOBODY = 0  # of a route: whoever asks may
    VIEWER = 1  # look at everything but secrets
    OPERATOR = 2  # run again, cancel, run now, pause
    EDITOR = 3  # make, change and remove schedules
    ADMIN = 4  # purge, stop workers, tokens, what is redacted

    @property
    def word(self) -> str:
        return self.name.lower()


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who has shown who they are. ``via`` is how: session, token, basic, proxy, django, callable, open."""

    name: str
    role: Role
    via: str
    csrf: str = ""  # what each change must bring along; empty where no browser sends credentials by itself

    def may(self, role: Role) -> bool:
        return self.role >= role


class Access(Protocol):
    """Knows people. Asked once for each request, in a thread."""

    def person(self, connection: HTTPConnection) -> Person | None:
        """Return who asks, None for somebody unknown. Raises: EngineUnavailable."""
        ...

    def login_path(self) -> str | None:
        """Return where a browser may log in, below the dashboard; None: nowhere, the answer is 401."""
        ...


class Open:
    """Whoever asks is an admin: only for a server that nobody else can reach, or in front of which others guard."""

    def __init__(self, role: Role = Role.ADMIN) -> None:
        self._person = Person(name="somebody", role=role, via="open")

    def person(self, connection: HTTPConnection) -> Person | None:
        return self._person

    def login_path(self) -> str | None:
        return None
