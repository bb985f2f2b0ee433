"""What apsw's exceptions mean to callers: the one table, at the edge of the engine."""

from __future__ import annotations

from pathlib import Path

import apsw

from horarium.errors import EngineError, EngineUnavailable, StoreUnusable

# Retrying may help: somebody else is at it, or the disk is full or ailing.
UNAVAILABLE: dict[type[apsw.Error], tuple[str, str]] = {
    apsw.BusyError: ("is in use by another writer", "try again; a program may be holding a transaction open on it"),
    apsw.LockedError: ("is in use by another writer", "try again"),
    apsw.FullError: ("has no room left on its disk", "free some space and try again"),
    apsw.IOError: ("could not be read or written by the disk", "look at the disk and the system log, then try again"),
    apsw.ProtocolError: ("could not be locked", "try again"),
    apsw.NoMemError: ("ran out of memory", "free some memory and try again"),
    apsw.InterruptError: ("was interrupted", "try again"),
}

# Retrying does not help.
UNUSABLE: dict[type[apsw.Error], tuple[str, str]] = {
    apsw.CorruptError: ("is damaged", "restore it from a backup, or move it away to start with an empty one"),
    apsw.NotADBError: ("is not a database", "give the path of a Horarium store, or of a file that does not exist yet"),
    apsw.ReadOnlyError: ("cannot be written to", "make the file and its directory writable for this user"),
    apsw.CantOpenError: ("cannot be opened", "make the file and its directory readable and writable for this user"),
    apsw.PermissionsError: ("may not be accessed", "make the file and its directory writable for this user"),
}


def translate(error: apsw.Error, path: Path) -> EngineError:
    """Return the error of ours that says what one of apsw's means to a caller."""
    for kind, (found, remedy) in UNAVAILABLE.items():
        if isinstance(error, kind):
            return EngineUnavailable(f"expected the store {path} to answer, but it {found} ({error}); {remedy}")
    for kind, (found, remedy) in UNUSABLE.items():
        if isinstance(error, kind):
            return StoreUnusable(f"expected {path} to be a usable store, but it {found} ({error}); {remedy}")
    return StoreUnusable(
        f"expected the store {path} to carry out a statement, got {type(error).__name__}: {error}; if nobody else has "
        "changed its tables this is a defect of Horarium: please report it"
    )
