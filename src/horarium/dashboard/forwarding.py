"""Proxies in front: which ones there are, and what is believed of what they say of those they ask for.

Nothing is believed of anybody who is not listed: a header is written by whoever connects.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from horarium.dashboard.guard import PEER
from horarium.errors import ImproperlyConfigured

logger = logging.getLogger("horarium.web")

FOR, PROTOCOL = "x-forwarded-for", "x-forwarded-proto"


class Proxies:
    """Listed addresses and networks. Raises: ImproperlyConfigured for what is none, such as a name."""

    def __init__(self, listed: Sequence[str]) -> None:
        self._networks = [_network(each) for each in listed]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def has(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(ip_address(found) in network for network in self._networks)


class Forwarded:
    """Writes down who has connected, and takes from a listed proxy for whom it asks, and over which protocol.

    X-Forwarded-For is read from its right end, where each proxy adds who has asked it: the first address that is no
    listed proxy is whose request this is. What stands left of it was sent by them. A proxy that says nothing, or what
    is no address, asks for itself.
    """

    def __init__(self, inner: ASGIApp, proxies: Proxies) -> None:
        self._inner = inner
        self._proxies = proxies
        self._has_told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            peer = scope[PEER] = scope.get("client")
            headers = Headers(scope=scope)
            if peer is not None and self._proxies.has(peer[0]):
                scope["client"] = self._client(peer, headers.getlist(FOR))
                scope["scheme"] = _scheme(headers.getlist(PROTOCOL), scope["scheme"])
            elif FOR in headers or PROTOCOL in headers:
                self._tell(str(peer[0]) if peer else "nowhere")
        await self._inner(scope, receive, send)

    def _client(self, peer: tuple[str, int], lines: list[str]) -> tuple[str, int]:
        found = peer
        for hop in reversed([hop for line in lines for hop in line.split(",")]):
            address = _address(hop)
            if address is None:
                break
            found = (address, 0)
            if not self._proxies.has(address):
                break
        return found

    def _tell(self, peer: str) -> None:
        if not self._has_told:
            self._has_told = True
            logger.warning(
                "%s sends X-Forwarded-* and is no listed proxy, so that it is not believed; name it if it is one: "
                "--proxy-peer %s",
                *(peer, peer),
            )


def _address(text: str) -> str | None:
    """Return an address as it is compared and kept; one may come with a port, in brackets, or in another's form."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def _scheme(lines: list[str], otherwise: str) -> str:
    said = lines[-1].rpartition(",")[2].strip().lower() if lines else ""
    return said if said in ("http", "https") else otherwise


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ImproperlyConfigured(
            f"expected the address of a proxy or a network, such as 10.0.0.5 or 10.0.0.0/8, got {text!r}"
        ) from None
