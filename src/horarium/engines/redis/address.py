"""From a URL to connections: which server, which database, which namespace, and with what patience.

``redis://``, ``rediss://`` (TLS), ``unix://`` or ``redis+socket://`` (a socket file) name one server;
``sentinel://[user:password@]host:26379,host:26379/SERVICE[/db]`` asks sentinels for the master. Behind ``?`` may stand
``namespace`` (default: horarium), ``sentinel_password``, ``ssl_cert_reqs`` (``required`` unless said otherwise) and
whatever redis-py knows of its own.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from msgspec import Struct
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel

from horarium.address import masked
from horarium.clock import Seconds
from horarium.errors import ImproperlyConfigured

DEFAULT_NAMESPACE = "horarium"
NAMESPACE = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
CONNECT_TIMEOUT: Seconds = 3.0
SENTINEL_PORT = 26379
CERTIFICATES = ("none", "optional", "required")  # what may be asked of a server's; Celery's users write CERT_NONE

# After so long without an answer to a probe, or to what was sent, the kernel gives a connection up (seconds, ms).
KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3}
USER_TIMEOUT_MS = 10_000


class Address(Struct, frozen=True, kw_only=True):
    """Where the store is. ``open`` makes a connection that is not connected yet."""

    url: str  # as people may see it: without the password
    namespace: str
    open: Callable[[], Connection]
    retarget: Callable[[str, int], Callable[[], Connection]]  # the same on another node of the cluster


def read_address(url: str, patience: Seconds) -> Address:
    """Read a URL. ``patience`` bounds each wait for an answer. Raises: ImproperlyConfigured."""
    split = urlsplit(url)
    query = parse_qs(split.query)
    namespace = query.pop("namespace", [DEFAULT_NAMESPACE])[0]
    if not NAMESPACE.fullmatch(namespace):
        raise ImproperlyConfigured(
            f"expected the store's namespace to be letters, digits and any of _.:-, got {namespace!r:.100}; "
            "write redis://host:6379/0?namespace=shop"
        )
    if "ssl_cert_reqs" in query:
        query["ssl_cert_reqs"] = [_certificates(query["ssl_cert_reqs"][0])]
    options = _options(patience)
    if split.scheme == "sentinel":
        find = _sentinel(url, query, options)
        return Address(url=masked(url), namespace=namespace, open=find, retarget=lambda host, port: find)
    given = _parsed(url, query)
    kind = given.pop("connection_class", Connection)
    if kind is UnixDomainSocketConnection:
        for option in ("socket_keepalive", "socket_keepalive_options"):
            del options[option]
    made = {**options, **given}

    def open() -> Connection:
        return _made(kind, made, url)

    def retarget(host: str, port: int) -> Callable[[], Connection]:
        return lambda: _made(kind, {**made, "host": host, "port": port}, url)

    return Address(url=masked(url), namespace=namespace, open=open, retarget=retarget)


def _certificates(text: str) -> str:
    """Return what is asked of a server's certificate. Raises: ImproperlyConfigured."""
    asked = text.lower().removeprefix("ssl.").removeprefix("cert_")
    if asked not in CERTIFICATES:
        raise ImproperlyConfigured(
            f"expected ssl_cert_reqs in the setting store to be one of {', '.join(CERTIFICATES)}, got {text!r:.100}; "
            "to trust a certificate of your own making write ?ssl_ca_certs=/path/to/it.pem"
        )
    return asked


def _parsed(url: str, query: dict[str, list[str]]) -> dict[str, Any]:
    """Return what redis-py makes of a URL. Raises: ImproperlyConfigured."""
    scheme, _, rest = url.partition("://")
    scheme = "unix" if scheme == "redis+socket" else scheme
    plain = f"{scheme}://{rest.partition('?')[0]}?{urlencode(query, doseq=True)}"
    database = urlsplit(plain).path.strip("/")
    try:
        given: dict[str, Any] = parse_url(plain)
        if scheme != "unix" and database and not database.isdecimal():
            raise ValueError(f"the database {database!r} is no number")
    except ValueError as error:
        raise ImproperlyConfigured(
            f"expected the setting store to be like redis://user:password@host:6379/0, got {masked(url)} "
            f"({_reason(error)}); mend the URL"
        ) from None  # its text may bear a part of the password
    if scheme == "unix" and not given.get("path"):
        raise ImproperlyConfigured(
            f"expected a path in the setting store, got {masked(url)}; write redis+socket:///run/redis/redis.sock"
        )
    return given


def _reason(error: ValueError) -> str:
    if "Port" in str(error):  # what is no port is often the beginning of a password
        return "the port is no number; in a password write / ? # @ as %2F %3F %23 %40"
    return str(error)


def _options(patience: Seconds) -> dict[str, Any]:
    keepalive = {getattr(socket, name): value for name, value in KEEPALIVE.items() if hasattr(socket, name)}
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        keepalive[socket.TCP_USER_TIMEOUT] = USER_TIMEOUT_MS
    return {
        "socket_timeout": patience,
        "socket_connect_timeout": min(CONNECT_TIMEOUT, patience),
        "socket_keepalive": True,
        "socket_keepalive_options": keepalive,
        "client_name": "horarium",
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),  # connection.py tries again, and knows what may be sent twice
    }


def _made(kind: type[Connection], options: dict[str, Any], url: str) -> Connection:
    try:
        return kind(**options)
    except TypeError as error:
        raise ImproperlyConfigured(
            f"expected options that redis-py knows behind the ? of the setting store, got {masked(url)} ({error}); "
            "leave the unknown ones out"
        ) from error


def _sentinel(url: str, query: dict[str, list[str]], options: dict[str, Any]) -> Callable[[], Connection]:
    """Return what asks the sentinels for the master and makes a connection to it, anew each time."""
    user, password, sentinels, path = _sentinel_parts(url)
    service, _, database = path.partition("/")
    service = service or query.get("master_name", [""])[0]
    if not service or not sentinels or (database and not database.isdecimal()):
        raise ImproperlyConfigured(
            "expected the setting store to be like sentinel://host:26379,host:26379/SERVICE/0, got "
            f"{masked(url)}; mend the URL"
        )
    asked = {key: options[key] for key in ("socket_timeout", "socket_connect_timeout", "socket_keepalive")}
    sentinel_password = query.get("sentinel_password", [None])[0]
    sentinel = Sentinel(sentinels, sentinel_kwargs={**asked, "password": sentinel_password})
    made = {**options, "username": user, "password": password, "db": int(database or 0)}
    kind = SSLConnection if query.get("ssl", ["false"])[0] == "true" else Connection

    def open() -> Connection:
        host, port = sentinel.discover_master(service)
        return _made(kind, {**made, "host": host, "port": port}, url)

    return open


def _sentinel_parts(url: str) -> tuple[str | None, str | None, list[tuple[str, int]], str]:
    """Return user, password, sentinels and what stands behind them; Celery writes ``sentinel://a;sentinel://b``."""
    rest = url.partition("?")[0].replace(";sentinel://", ",").removeprefix("sentinel://")
    hosts, _, path = rest.partition("/")
    credentials, _, hosts = hosts.rpartition("@")
    user, _, password = credentials.partition(":")
    sentinels = []
    for each in filter(None, hosts.split(",")):
        host, _, port = each.partition(":")
        sentinels.append((host, int(port) if port.isdecimal() else SENTINEL_PORT))
    return unquote(user) or None, unquote(password) or None, sentinels, path
