"""What redis-py's exceptions and Redis's error replies mean to callers: the one table, at the edge of the engine."""

from __future__ import annotations

import re

from horarium.errors import EngineError, EngineUnavailable, StoreUnusable
from redis import exceptions

# By the first word of an error reply. Retrying may help.
UNAVAILABLE = {
    "LOADING": ("is still reading its data", "it will answer when it has; try again"),
    "BUSY": ("is busy with a long script", "try again"),
    "READONLY": ("is a replica at the moment", "try again; if it stays so, give the address of the master"),
    "MASTERDOWN": ("has lost its master", "try again"),
    "OOM": ("has no memory left (maxmemory)", "raise maxmemory, or keep results for a shorter time (result_expires)"),
    "MISCONF": ("cannot write to its disk", "look at its log and its disk, then try again"),
    "CLUSTERDOWN": ("is a cluster that is not whole", "try again"),
    "TRYAGAIN": ("is moving the namespace to another node", "try again"),
    "ASK": ("is moving the namespace to another node", "try again"),
    "NOREPLICAS": ("has too few replicas to accept writes (min-replicas-to-write)", "try again"),
    "UNKILLABLE": ("is busy with a long script", "try again"),
}

# Retrying does not help.
UNUSABLE = {
    "NOAUTH": ("wants a password", "put it into the setting store: redis://:password@host:6379/0"),
    "WRONGPASS": ("does not accept the password", "mend the password in the setting store"),
    "NOPERM": ("does not let this user do that", "give the user the rights that docs/how-to/use-many-hosts.md lists"),
    "WRONGTYPE": ("holds foreign data under our keys", "use a namespace of its own: redis://host/0?namespace=shop"),
}


def translate(error: exceptions.RedisError, url: str) -> EngineError:
    """Return the error of ours that says what one of redis-py's means to a caller. ``url`` bears no password."""
    text = str(error)
    word = _word(error, text)
    if word in UNAVAILABLE:
        found, remedy = UNAVAILABLE[word]
        return EngineUnavailable(f"expected the store {url} to answer, but it {found} ({text:.200}); {remedy}")
    if word in UNUSABLE:
        found, remedy = UNUSABLE[word]
        return StoreUnusable(f"expected the store {url} to be usable, but it {found} ({text:.200}); {remedy}")
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError):
        return EngineUnavailable(
            f"expected the store {url} to answer, got: {text:.300}; see that the server runs and that the setting "
            "store has its address"
        )
    return StoreUnusable(
        f"expected the store {url} to carry out a script, got {type(error).__name__}: {text:.300}; if nobody else "
        "writes to its keys this is a defect of Horarium: please report it"
    )


def moved_to(error: exceptions.RedisError) -> tuple[str, int] | None:
    """Return host and port of the node of a cluster to ask instead; None if the error does not say so."""
    if isinstance(error, exceptions.MovedError):
        return error.host, error.port
    found = MOVED.fullmatch(str(error))  # redis-py up to 5 has no class for it outside of its cluster client
    return None if found is None else (found[1], int(found[2]))


def _word(error: exceptions.RedisError, text: str) -> str:
    """Return the reply's first word; redis-py drops it where it has a class of its own, and Redis 6 puts it inside."""
    if "Authentication required" in text:
        return "NOAUTH"
    for kind, word in CLASSES.items():
        if isinstance(error, kind):
            return word
    inside = IN_SCRIPT.search(text)
    return inside[1] if inside else text.split(" ", 1)[0]


MOVED = re.compile(r"MOVED \d+ (.*):(\d+)")
IN_SCRIPT = re.compile(r"@user_script: ?\d+: -?([A-Z]{3,})\b")
CLASSES: dict[type[exceptions.RedisError], str] = {
    exceptions.AuthenticationError: "WRONGPASS",
    exceptions.NoPermissionError: "NOPERM",
    exceptions.BusyLoadingError: "LOADING",
    exceptions.ReadOnlyError: "READONLY",
    exceptions.OutOfMemoryError: "OOM",
    exceptions.MasterDownError: "MASTERDOWN",
    exceptions.ClusterDownError: "CLUSTERDOWN",
    exceptions.TryAgainError: "TRYAGAIN",
    exceptions.AskError: "ASK",
}
