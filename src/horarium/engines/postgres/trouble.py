"""What the server's and psycopg's errors mean to callers: the one table, at the edge of the engine.

By SQLSTATE, or by its class (the first two letters). Whatever else goes wrong with a connection is EngineUnavailable.
"""

from __future__ import annotations

import psycopg

from horarium.errors import EngineError, EngineUnavailable, StoreUnusable

LOOK = "look at the server and its log, then try again"

# Retrying may help.
UNAVAILABLE = {
    "08": ("cannot be reached", LOOK),
    "25006": ("is read-only at the moment, as a replica is", "give the address of the primary server"),
    "25P03": ("ended a transaction that stood still for too long", "try again; this process may have been stopped"),
    "40001": ("had two transactions in each other's way", "try again"),
    "40P01": ("had two transactions waiting for each other", "try again"),
    "53100": ("has no room left on its disk", "free some space on the server and try again"),
    "53200": ("ran out of memory", "give the server more memory and try again"),
    "53300": ("has no connection left", "raise max_connections, or let fewer processes use it"),
    "53": ("lacks a resource", LOOK),
    "55P03": ("kept a lock for too long", "try again; a program may be holding a transaction open on the tables"),
    "57014": ("took too long", "try again; the server may be overloaded"),
    "57P01": ("was shut down, or this connection was ended by its administrator", "try again"),
    "57P02": ("crashed, or ended this connection with another one", "try again"),
    "57P03": ("is starting or stopping", "try again"),
    "57P05": ("ended a connection that was idle", "try again"),
    "58": ("could not read or write its disk", LOOK),
}

# Retrying does not help.
UNUSABLE = {
    "22P05": ("cannot hold every character", "create its database with ENCODING 'UTF8'"),
    "28P01": ("refused the password", "set `store` to a URL with the right password"),
    "28000": (
        "refused this user",
        "set `store` to a URL with a user, database and sslmode that its pg_hba.conf allows",
    ),
    "3D000": ("has no such database", "create it, or set `store` to a URL with the right name"),
    "3F000": ("has no such schema", "let a user who may create it start once, or create it"),
    "42501": (
        "does not permit that to this user",
        "grant it CREATE on the database, or all on the schema and its tables",
    ),
    "42704": ("does not know a parameter of the URL", "take it out of the options in `store`"),
    "42P01": ("lacks a table of ours", "somebody has removed it: restore a backup, or drop the schema to start anew"),
    "42703": ("lacks a column of ours", "somebody has changed a table: restore a backup"),
    "XX001": ("found damaged data", "restore it from a backup"),
    "XX002": ("found a damaged index", "run REINDEX on the schema"),
}

# Of connections that never were: libpq says it in words alone. The first that fits.
REFUSED = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("authentication failed", "28000"),
    ('role "', "28000"),
    ('database "', "3D000"),
    ("permission denied for database", "42501"),
    ("unrecognized configuration parameter", "42704"),
)
TLS = ("server does not support SSL", "certificate", "SSL error", "sslmode value", "SSL is required", "root.crt")
LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})


def translate(error: psycopg.Error, shown: str) -> EngineError:
    """Return the error of ours that says what one of psycopg's means to a caller."""
    state = error.sqlstate or _state_of_refusal(error)
    lines = dict.fromkeys(line.strip() for line in str(error).splitlines() if line.strip())  # libpq says some twice
    got = " ".join(lines) or type(error).__name__
    for table, kind in ((UNAVAILABLE, EngineUnavailable), (UNUSABLE, StoreUnusable)):
        found, remedy = table.get(state) or table.get(state[:2]) or ("", "")
        if found:
            said = error.diag.message_primary or got  # without the place in our statement, which tells nobody anything
            return kind(f"expected the store {shown} to answer, but it {found} ({said}); {remedy}")
    if state == "TLS":
        return StoreUnusable(
            f"expected the store {shown} to be reached over TLS as its URL asks, got: {got}; set `store` to a URL with "
            "a fitting sslmode and sslrootcert"
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return EngineUnavailable(
            f"expected the store {shown} to be reached, got: {got}; see whether the server runs and `store` names its "
            "host and port, then try again"
        )
    return StoreUnusable(
        f"expected the store {shown} to carry out a statement, got {type(error).__name__}: {got}; if nobody else has "
        "changed its tables this is a defect of Horarium: please report it"
    )


def is_lost(error: psycopg.Error) -> bool:
    """Tell whether a connection broke, so that a new one may do better."""
    if error.sqlstate is not None:
        return error.sqlstate in LOST or error.sqlstate.startswith("08")
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def is_clash(error: psycopg.Error) -> bool:
    """Tell whether the same again, a moment later, should succeed."""
    return error.sqlstate in ("40001", "40P01")


def _state_of_refusal(error: psycopg.Error) -> str:
    text = str(error)
    if any(sign in text for sign in TLS):
        return "TLS"
    return next((state for sign, state in REFUSED if sign in text), "")
