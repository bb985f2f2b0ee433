"""Who asks, and what they may do."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol, runtime_checkable

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


ROLES = tuple(role for role in Role if role > Role.NOBODY)


def role_of(word: str) -> Role:
    """Return the role of this name. Raises: ValueError."""
    for role in ROLES:
        if role.word == word.lower():
            return role
    raise ValueError(f"expected a role: {', '.join(role.word for role in ROLES)}; got {word!r}")


class Person(Struct, frozen=True, kw_only=True):
    """Somebody who has shown who they are. ``via`` is how: session, token, basic, proxy, django, callable, open; or
    anybody, where nobody was asked and the address is no private one."""

    name: str
    role: Role
    via: str
    csrf: str = ""  # what each change must bring along; empty where no browser sends credentials by itself
    session: str = ""  # of a browser: the name of its session, to count by

    def may(self, role: Role) -> bool:
        return self.role >= role


@runtime_checkable
class Access(Protocol):
    """Knows people. Asked once for each request, in a thread."""

    challenge: str  # what a 401 says in WWW-Authenticate; empty: nothing

    def person(self, connection: HTTPConnection) -> Person | None:
        """Return who asks, None for somebody unknown. Raises: EngineUnavailable."""
        ...

    def login_url(self, base: str, then: str) -> str | None:
        """Return where a browser may log in, to come back to ``then`` (a path below the dashboard, which is at
        ``base``); None: nowhere, the answer is 401."""
        ...


class Open:
    """Whoever asks is an admin: only for a server that nobody else can reach, or in front of which others guard.

    ``is_exposed``: others can reach it all the same; each page says so in red.
    """

    challenge = ""

    def __init__(self, role: Role = Role.ADMIN, *, is_exposed: bool = False) -> None:
        self._person = Person(name="somebody", role=role, via="anybody" if is_exposed else "open")

    def person(self, connection: HTTPConnection) -> Person | None:
        return self._person

    def login_url(self, base: str, then: str) -> str | None:
        return None
