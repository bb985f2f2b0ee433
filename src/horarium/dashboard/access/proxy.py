"""People whom a proxy in front has let in: it says their name in a header, and is believed by its own address."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from starlette.requests import HTTPConnection

from horarium.dashboard.forwarding import Proxies
from horarium.dashboard.guard import peer_of
from horarium.dashboard.person import Person, Role
from horarium.errors import ImproperlyConfigured

logger = logging.getLogger("horarium.web")

LONGEST = 200  # of a name


class ProxyHeader:
    """``peers``: addresses or networks of proxies. ``roles``: by name, to the letter; others have ``role``.

    The proxy must remove the header from what it is sent itself. Raises: ImproperlyConfigured for peers that are no
    addresses, or none at all.
    """

    def __init__(
        self,
        peers: Sequence[str],
        *,
        header: str = "X-Forwarded-User",
        role: Role = Role.VIEWER,
        roles: Mapping[str, Role] | None = None,
    ) -> None:
        self._peers = Proxies(peers)
        if not self._peers:
            raise ImproperlyConfigured(
                "expected the addresses of the proxies whose header is believed, got none; name them: --proxy-peer"
            )
        self._header = header.lower()
        self._role = role
        self._roles = dict(roles or {})

    def person(self, connection: HTTPConnection) -> Person | None:
        given = connection.headers.getlist(self._header)
        if not given:
            return None
        peer = peer_of(connection.scope)
        if not self._peers.has(peer):
            logger.warning("refused the header %s from %s, which is no listed proxy", self._header, peer or "nowhere")
            return None
        name = given[0].strip()
        if len(given) != 1 or not name or len(name) > LONGEST or not name.isprintable():
            logger.warning("refused a header %s that is not one name", self._header)
            return None
        role = self._roles.get(name, self._role)
        return Person(name=name, role=role, via="proxy") if role > Role.NOBODY else None
