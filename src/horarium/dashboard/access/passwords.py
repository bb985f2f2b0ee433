"""People with passwords: kept as scrypt's digest, never as they are."""

from __future__ import annotations

import base64
import hashlib
import hmac
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from horarium.dashboard.access.secret import new_salt, new_secret, seal
from horarium.dashboard.person import Role, role_of
from horarium.errors import ImproperlyConfigured

COST = 14  # of scrypt, as a power of two: some 50 ms and 16 MiB for each try
HIGHEST_COST = 17
BLOCK, LANES = 8, 1
NOBODYS = "scrypt${cost}$bm9ib2R5J3Mgc2FsdA==$" + "A" * 43 + "="  # what an unknown name is compared with
EXPECTED = "a dict from a name to (role, what `horarium tokens password` printed)"


class User(Struct, frozen=True):
    """``kept`` is ``scrypt$COST$SALT$DIGEST``."""

    name: str
    role: Role
    kept: str


class Users:
    """All who have passwords. A password that was right is recognised at once when it comes again: programs send it
    with each request, and scrypt is slow on purpose."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = dict(users)
        self._key = new_secret()  # of this process
        self._costs = [user.kept.split("$")[1] for user in self._users.values()] or [str(COST)]
        self._seen: dict[str, str] = {}  # by name

    def __bool__(self) -> bool:
        return bool(self._users)

    def get(self, name: str) -> User | None:
        return self._users.get(name)

    def check(self, name: str, password: str) -> User | None:
        """Return whose password it is. An unknown name takes as long as a wrong password of one of those who are known,
        and always of the same one: costs differ."""
        user = self._users.get(name)
        seal_of_it = seal(self._key, f"{len(name)}:{name}{password}")
        if user is not None and hmac.compare_digest(self._seen.get(name, ""), seal_of_it):
            return user
        is_right = fits(password, user.kept if user else self._nobodys(name))
        if user is None or not is_right:
            return None
        self._seen[name] = seal_of_it
        return user

    def _nobodys(self, name: str) -> str:
        which = int(seal(self._key, f"nobody:{name}")[:8], 16) % len(self._costs)
        return NOBODYS.format(cost=self._costs[which])


def hashed(password: str) -> str:
    """Return what may be kept of a password."""
    salt = new_salt()
    return f"scrypt${COST}${_said(salt)}${_said(_scrypt(password, salt, COST))}"


def fits(password: str, kept: str) -> bool:
    """Tell whether this is the password. Raises: ValueError for what is not of ``hashed``."""
    cost, salt, wanted = _parts(kept)
    return hmac.compare_digest(_scrypt(password, salt, cost), wanted)


def read_users(value: Any) -> dict[str, User]:  # Any: whatever a setting holds
    """Return the users that a setting names. Raises: ImproperlyConfigured; the password is not in its text."""
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(f"expected dashboard_users to be {EXPECTED}, got {type(value).__name__}")
    found = {}
    for name, pair in value.items():
        try:
            role, kept = pair
            _parts(kept)
            found[str(name)] = User(str(name), role_of(str(role)), kept)
        except (TypeError, ValueError, AttributeError) as error:
            raise ImproperlyConfigured(
                f"expected dashboard_users[{name!r}] to be (role, what `horarium tokens password` printed), got "
                f"something else ({type(error).__name__}); roles are viewer, operator, editor, admin"
            ) from None  # its text may hold a password
    return found


def read_pair(text: str, role: Role = Role.ADMIN) -> User:
    """Read Flower's ``name:password``. Raises: ImproperlyConfigured; the password is not in its text."""
    name, colon, password = text.partition(":")
    if not name or not colon or not password:
        raise ImproperlyConfigured("expected --basic-auth to be name:password, got something without one of the two")
    return User(name, role, hashed(password))


def _parts(kept: str) -> tuple[int, bytes, bytes]:
    kind, cost, salt, wanted = kept.split("$")
    if kind != "scrypt" or not 10 <= int(cost) <= HIGHEST_COST:
        raise ValueError("expected scrypt's digest with a cost from 10 to 17")
    try:
        return int(cost), base64.b64decode(salt, validate=True), base64.b64decode(wanted, validate=True)
    except NotBase64 as error:
        raise ValueError("expected Base64") from error


def _scrypt(password: str, salt: bytes, cost: int) -> bytes:
    most = 129 * BLOCK * 2**cost * LANES + 1_000_000
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=2**cost, r=BLOCK, p=LANES, maxmem=most, dklen=32
    )


def _said(data: bytes) -> str:
    return base64.b64encode(data).decode()
