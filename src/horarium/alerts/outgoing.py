"""A POST to an address that a project has written down: never to a place that it cannot have meant.

The name is resolved once. If any of what it resolves to is not a public address, nothing is sent, unless the setting
allows private ones; else the connection goes to the very address that was checked, so that a name which resolves to
something else a moment later gains nothing. No redirect is followed, no proxy of the environment asked. All of it takes
LIMIT at the most, and reads MOST_BYTES of the answer.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from horarium.clock import Clock, Seconds

LIMIT: Seconds = 10.0
MOST_BYTES = 65_536
NAT64 = ip_network("64:ff9b::/96")
# What some versions of Python take for public: NAT64 of one's own network, IPv4 in a translation's form, and what IANA
# keeps for protocols, relays, examples and routers.
NOT_PUBLIC = tuple(
    map(ip_network, ("64:ff9b:1::/48", "::ffff:0:0:0/96", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "5f00::/16"))
)
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
PASSING = (408, 425, 429)  # of 4xx: what may be otherwise later

Resolve = Callable[[str, int], list[str]]


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a try to send something. ``trouble`` is in words and holds no address; None: it was taken.

    ``is_final``: sending it again cannot help, for the receiver has understood it and does not want it, or it must not
    be sent there at all."""

    trouble: str | None = None
    is_final: bool = False


class Refused(Exception):
    """A place that nothing is sent to."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system finds them. Raises: OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def check_address(address: str) -> None:
    """Raises: Refused unless an address is public; so is one that only wraps another one."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        raise Refused("its name leads to what is no address") from None
    for each in (ip, *_within(ip)):
        is_site_local = isinstance(each, IPv6Address) and each.is_site_local  # fec0::/10, which is_global lets through
        is_reserved = is_site_local or any(each in network for network in NOT_PUBLIC)
        if each.is_multicast or each.is_unspecified or is_reserved or not each.is_global:
            raise Refused("its name leads to a private address; allow_private=True allows that")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    clock: Clock,
    allow_private: bool = False,
    resolve: Resolve = resolve,
    limit: Seconds = LIMIT,
) -> Answer:
    """POST a body; tell what became of it. Never raises for what the network or the other side does."""
    deadline = clock.monotonic() + limit
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = _resolved(resolve, host, port, _rest(deadline, clock))
        if not allow_private:
            for address in addresses:
                check_address(address)
        with _connected(parts, host, port, addresses, lambda: _rest(deadline, clock)) as connection:
            connection.settimeout(_rest(deadline, clock))
            connection.sendall(_request(parts, body, headers))
            return _answer(connection, lambda: _rest(deadline, clock))
    except Refused as error:
        return Answer(trouble=str(error), is_final=True)
    except TimeoutError:
        return Answer(trouble=f"it took longer than {limit:g} s")
    except ssl.SSLCertVerificationError as error:
        return Answer(trouble=f"its certificate is not valid: {error.verify_message}")
    except (OSError, UnicodeError) as error:
        return Answer(trouble=f"it cannot be reached: {getattr(error, 'strerror', None) or type(error).__name__}")


def _resolved(resolve: Resolve, host: str, port: int, within: Seconds) -> list[str]:
    """Return the addresses of a host. Raises: TimeoutError when they take too long; what ``resolve`` raises.

    The system's resolver has limits of its own, of half a minute and more, and cannot be stopped: its thread is left
    to end by itself."""
    found: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look() -> None:
        try:
            found.put(resolve(host, port))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is raised where it was waited for
            found.put(error)

    threading.Thread(target=look, name="horarium-resolve", daemon=True).start()
    try:
        answer = found.get(timeout=within)
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _within(ip: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 one leads to by way of a translation."""
    if isinstance(ip, IPv4Address):
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in NAT64 or int(ip) >> 32 == 0:  # also the old "compatible" ones, ::a.b.c.d
        found.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in found if each is not None]


def _connected(
    parts: SplitResult, host: str, port: int, addresses: list[str], rest: Callable[[], Seconds]
) -> socket.socket:
    """Return a connection to the first of the addresses that takes one. Raises: OSError of the last one."""
    trouble: OSError = OSError("no address")
    for address in addresses:
        try:
            connection = socket.create_connection((address, port), timeout=rest())
        except OSError as error:
            trouble = error
            continue
        if parts.scheme == "http":
            return connection
        try:
            connection.settimeout(rest())
            return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
    raise trouble


def _rest(deadline: Seconds, clock: Clock) -> Seconds:
    """Return how much time is left. Raises: TimeoutError when there is none."""
    left = deadline - clock.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _request(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if "\r" not in value and "\n" not in value)
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _answer(connection: socket.socket, rest: Callable[[], Seconds]) -> Answer:
    """Read until the head of the answer is whole; what comes after it is nobody's business."""
    taken = b""
    while b"\r\n\r\n" not in taken and len(taken) < MOST_BYTES:
        connection.settimeout(rest())
        piece = connection.recv(4096)
        if not piece:
            break
        taken += piece
    with suppress(OSError):  # the answer is there; whether the other side hears our goodbye does not matter
        connection.shutdown(socket.SHUT_RDWR)
    found = STATUS.match(taken)
    if found is None or b"\r\n\r\n" not in taken:
        return Answer(trouble="its answer is not HTTP")
    status = int(found[1])
    if 200 <= status < 300:
        return Answer()
    is_redirect = 300 <= status < 400
    is_final = is_redirect or (400 <= status < 500 and status not in PASSING)
    why = ", a redirect, which is not followed" if is_redirect else ""
    return Answer(trouble=f"it answered {status}{why}", is_final=is_final)
