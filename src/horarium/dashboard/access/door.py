"""The door: every way in, tried in one order, and what a login and a logout do.

A request shows who it is from by an Authorization header (a token, or a password), by the cookie of a session, by a
trusted proxy's header, or by what another application knows. A header that is wrong ends the search: nobody falls back
to being somebody else. Each refusal is written to the log, without what was shown.
"""

from __future__ import annotations

import base64
import logging
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from msgspec import Raw
from msgspec.structs import replace
from starlette.requests import HTTPConnection

from horarium.clock import Seconds
from horarium.dashboard.access.links import LoginLinks
from horarium.dashboard.access.passwords import User, Users
from horarium.dashboard.access.secret import digest, is_same, new_secret, seal
from horarium.dashboard.access.sessions import LONGEST, Session, Sessions
from horarium.dashboard.access.throttle import Throttle
from horarium.dashboard.access.tokens import Tokens
from horarium.dashboard.ask import Cookie
from horarium.dashboard.guard import address_of
from horarium.dashboard.person import Person, Role, role_of
from horarium.engines.records import Note
from horarium.observe.text import one_line

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger("horarium.web")

NAME = "horarium_session"
SEALS = "access/seal/"  # below it the keys that processes have made; the first one counts
ITSELF = "/live"  # the path of what a page asks by itself: nobody need be there


class LoginRefused(Exception):
    """Whoever this is may not come in like this; ``wait`` says how long no further try is looked at."""

    def __init__(self, text: str, *, wait: Seconds = 0.0) -> None:
        super().__init__(text)
        self.text = text
        self.wait = wait


class Knower(Protocol):
    """One more way of knowing people: ProxyHeader, Asked."""

    def person(self, connection: HTTPConnection) -> Person | None: ...


class Door:
    """Tokens, sessions and links of the app's store; ``users`` with passwords; ``others`` in their order. Nobody may do
    more than ``most``, whatever their role."""

    def __init__(
        self,
        app: Horarium,
        *,
        users: dict[str, User] | None = None,
        others: Sequence[Knower] = (),
        most: Role = Role.ADMIN,
    ) -> None:
        self._app = app
        self._most = most
        self.users = Users(users or {})
        self.tokens = Tokens(app)
        self.sessions = Sessions(app)
        self.links = LoginLinks(app)
        self._others = tuple(others)
        self._throttle = Throttle(app.connection.clock)
        self.challenge = 'Basic realm="Horarium", charset="UTF-8"' if self.users else 'Bearer realm="Horarium"'

    def person(self, connection: HTTPConnection) -> Person | None:
        """Return who asks. Raises: EngineUnavailable."""
        found = self._found(connection)
        return found if found is None or found.role <= self._most else replace(found, role=self._most)

    def _found(self, connection: HTTPConnection) -> Person | None:
        if "authorization" in connection.headers:
            return self._by_header(connection)
        if (secret := connection.cookies.get(cookie_name(connection))) and (
            found := self._by_session(connection, secret)
        ):
            return found
        for other in self._others:
            if (found := other.person(connection)) is not None:
                # A browser sends by itself what these know it by, so that changes need a proof of ours besides.
                return (
                    found
                    if found.csrf
                    else replace(found, csrf=seal(self._key(), f"{found.via}:{found.name}:{found.session}"))
                )
        return None

    def login_url(self, base: str, then: str) -> str | None:
        return f"{base}/login?then={quote(then, safe='')}"

    def log_in(
        self, connection: HTTPConnection, *, token: str = "", link: str = "", name: str = "", password: str = ""
    ) -> tuple[Person, Cookie]:
        """Begin a session for whoever shows a token, an unused link, or a name and password; the browser's session
        before it ends. Raises: LoginRefused, EngineUnavailable."""
        address = address_of(connection.scope)
        name = "" if link or token else name
        self._refuse_hasty(address, name)
        with self._throttle.turn(address):
            self._refuse_hasty(address, name)
            shown = self._shown(token, link, name, password)
            if shown is None:
                self._throttle.failed(address, name)
        if shown is None:
            logger.warning(
                "refused a login from %s as %s", address, one_line(name) if name else "link" if link else "token"
            )
            raise LoginRefused(_WRONG["link" if link else "token" if token else "password"])
        who, role, proof = shown
        if name:
            self._throttle.succeeded(address, name)
        if before := connection.cookies.get(cookie_name(connection)):
            self.sessions.close(before)
        secret, session = self.sessions.open(who, role.word, proof, now=self._app.engine.now())
        logger.info("%s logged in from %s as %s", one_line(who), address, role.word)
        return _person(session, role, secret), session_cookie(connection, secret)

    def log_out(self, connection: HTTPConnection) -> Cookie:
        """End the browser's session, everywhere. Raises: EngineUnavailable."""
        if secret := connection.cookies.get(cookie_name(connection)):
            self.sessions.close(secret)
        return session_cookie(connection, "")

    def _refuse_hasty(self, address: str, name: str) -> None:
        """Raises: LoginRefused for whoever has to wait."""
        if wait := self._throttle.wait_for(address, name):
            logger.warning("refused a login from %s: too many failed before it", address)
            raise LoginRefused(f"Too many tries have failed. Wait {int(wait) + 1} s.", wait=wait)

    def _shown(self, token: str, link: str, name: str, password: str) -> tuple[str, Role, str] | None:
        """Return who that is, their role, and the proof that the session will hang on."""
        now = self._app.engine.now()
        if link:
            by_link = self.links.use(link, now=now)
            return ("admin", by_link, "link:") if by_link is not None else None
        if token:
            found = self.tokens.read(token.strip(), now=now)
            return (found.name, found.right, f"token:{found.digest}") if found is not None else None
        user = self.users.check(name, password)
        return (user.name, user.role, f"user:{digest(user.kept)}") if user is not None else None

    def _by_session(self, connection: HTTPConnection, secret: str) -> Person | None:
        now = self._app.engine.now()
        is_use = not str(connection.scope["path"]).endswith(ITSELF)
        session = self.sessions.read(secret, now=now, is_use=is_use)
        if session is None or (role := self._role_now(session)) is None:
            return None
        return _person(session, role, secret)

    def _role_now(self, session: Session) -> Role | None:
        """Return the role that a session still gives, None if what it was opened with holds no longer."""
        kind, _, what = session.proof.partition(":")
        match kind:
            case "link":
                return role_of(session.role)
            case "token":
                token = self.tokens.find(what, now=self._app.engine.now())
                return token.right if token is not None else None
            case "user":
                user = self.users.get(session.name)
                return user.role if user is not None and is_same(digest(user.kept), what) else None
        return None

    def _by_header(self, connection: HTTPConnection) -> Person | None:
        kind, _, shown = connection.headers["authorization"].partition(" ")
        address = address_of(connection.scope)
        if kind.lower() == "bearer":
            token = self.tokens.read(shown.strip(), now=self._app.engine.now())
            if token is None:
                logger.warning("refused a token from %s", address)
                return None
            return Person(name=token.name, role=token.right, via="token")
        if kind.lower() == "basic" and self.users:
            return self._by_password(shown, address)
        logger.warning("refused an Authorization header of a kind that is not taken, from %s", address)
        return None

    def _by_password(self, shown: str, address: str) -> Person | None:
        try:
            name, _, password = base64.b64decode(shown.strip(), validate=True).decode().partition(":")
        except (NotBase64, UnicodeDecodeError):
            logger.warning("refused a Basic header that cannot be read, from %s", address)
            return None
        try:
            self._refuse_hasty(address, name)
            with self._throttle.turn(address):
                self._refuse_hasty(address, name)
                user = self.users.check(name, password)
                if user is None:
                    self._throttle.failed(address, name)
        except LoginRefused:
            return None
        if user is None:
            logger.warning("refused a password from %s as %s", address, one_line(name))
            return None
        self._throttle.succeeded(address, name)
        # Browsers send it by themselves, once they have asked for it. The key is kept where the passwords are.
        return Person(name=name, role=user.role, via="basic", csrf=seal(user.kept, "csrf"))

    def _key(self) -> str:
        """Return the key that all processes of this store share; it is made when it is first needed."""
        notes = self._app.engine.notes
        now = self._app.engine.now()
        found = notes.read(SEALS, now=now)
        if not found:
            # Two processes may do so at the same time: then both read two, and take the first.
            notes.post([Note(key=f"{SEALS}{new_secret()}", text=Raw(b"true"))], now=now)
            found = notes.read(SEALS, now=now)
        return found[0].key


_WRONG = {
    "link": "This link has been used or is too old. `horarium web` prints a new one when it starts.",
    "token": "This token is not known, has been removed, or has expired.",
    "password": "Name or password are not right.",
}


def cookie_name(connection: HTTPConnection) -> str:
    """Return the name of the session's cookie: browsers keep cookies by host, so that two dashboards on ports of one
    host, or below two prefixes, must differ in it."""
    scope = connection.scope
    base = "".join(each if each.isalnum() else "-" for each in scope.get("root_path", ""))
    if scope["scheme"] == "https":
        return f"__Host-{NAME}{base}"
    try:
        port = urlsplit(f"//{connection.headers.get('host', '')}").port
    except ValueError:
        port = None
    return f"{NAME}{base}{f'-{port}' if port else ''}"


def session_cookie(connection: HTTPConnection, secret: str) -> Cookie:
    """Return the cookie for a session's secret; without one, that which ends it."""
    is_secure = connection.scope["scheme"] == "https"
    return Cookie(
        name=cookie_name(connection),
        value=secret,
        lasts=LONGEST if secret else 0.0,
        path="/" if is_secure else None,  # __Host- wants it
        is_secure=is_secure,
    )


def _person(session: Session, role: Role, secret: str) -> Person:
    return Person(name=session.name, role=role, via="session", csrf=session.csrf, session=digest(secret)[:16])
