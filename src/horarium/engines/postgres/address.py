"""From a store's URL to what libpq is told, and to what people may be shown: never the password."""

from __future__ import annotations

import math
import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict

from horarium.clock import Seconds
from horarium.errors import InvalidSetting

DEFAULT_SCHEMA = "horarium"
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,47}")
SECRETS = frozenset({"password", "sslpassword"})

# Plans must not hang on how many rows there were when the server last looked: the hot table goes from nothing to a
# million in a minute. Every hot statement has one good plan, by index; these leave the planner no other.
PLANS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class Address(Struct, frozen=True, kw_only=True):
    """Where a store is. ``conninfo`` holds the password and is shown to nobody."""

    shown: str
    schema: str
    conninfo: dict[str, str]


def read_address(url: str, *, patience: Seconds, durable: bool) -> Address:
    """Take a URL apart. Raises: InvalidSetting."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(query).get("schema", DEFAULT_SCHEMA)
    if SCHEMA.fullmatch(schema) is None or schema.startswith("pg_"):
        raise InvalidSetting(
            "store",
            "a URL whose schema is a lower-case identifier of at most 48 letters, digits and underscores",
            schema,
            "write for example ?schema=horarium",
        )
    shown = urlunsplit(
        parts._replace(
            netloc=_without_password(parts.netloc),
            query=_encoded([(key, "***" if key in SECRETS else value) for key, value in query]),
        )
    )
    rest = _encoded([(key, value) for key, value in query if key != "schema"])
    try:
        given = conninfo_to_dict(urlunsplit(parts._replace(query=rest)))
    except psycopg.Error as error:
        raise InvalidSetting("store", "a URL that PostgreSQL can read", shown, _one_line(error)) from None
    for port in str(given.get("port") or "").split(","):
        if port and not port.isdecimal():
            raise InvalidSetting("store", "a URL with a number for its port", shown, "write for example host:5432")
    return Address(
        shown=shown,
        schema=schema,
        conninfo=_complete({key: str(value) for key, value in given.items()}, patience, durable),
    )


def _encoded(query: list[tuple[str, str]]) -> str:
    return urlencode(query, safe="*", quote_via=quote)  # libpq takes a plus sign for a plus sign


def _without_password(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{name}{':***' if colon else ''}{at}{host}"


def _complete(given: dict[str, str], patience: Seconds, durable: bool) -> dict[str, str]:
    """Add what the URL does not say. No socket and no statement may wait for ever."""
    ms = max(1, round(patience * 1000))
    settings = {
        "statement_timeout": str(ms),
        "lock_timeout": str(max(1, ms * 4 // 5)),  # so that a lock is named as the cause before the statement is
        "idle_in_transaction_session_timeout": str(ms),
        "synchronous_commit": "on" if durable else "off",
        "default_transaction_isolation": "read\\ committed",
        "client_min_messages": "warning",
        **PLANS,
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    defaults = {
        "application_name": "horarium",
        "connect_timeout": str(max(2, math.ceil(patience))),
        "keepalives": "1",
        "keepalives_idle": "10",
        "keepalives_interval": "3",
        "keepalives_count": "3",
        "tcp_user_timeout": str(max(1000, ms)),
    }
    return {
        **defaults,
        **given,
        "client_encoding": "UTF8",
        "options": f"{options} {given['options']}" if "options" in given else options,
    }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
