"""Opening a store file: what is refused, how it is made, how its schema is brought up to date.

Nothing here opens the file but SQLite itself: a descriptor of our own would, when closed, drop the POSIX locks of every
connection of this process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from time import sleep

import apsw

from horarium.clock import Clock, Seconds
from horarium.engines.sqlite.migrate import APPLICATION_ID, LATEST, migrate
from horarium.errors import StoreUnusable

MOUNTS = Path("/proc/self/mountinfo")
# SQLite's WAL needs memory that is shared by all processes and locks that work: not over a network.
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.sshfs", "fuse.glusterfs"}
)
WAL_PAUSE: Seconds = 0.005
MAKING_PATIENCE: Seconds = 0.5
SMALLEST_PAGE = 512  # bytes


def wake_directory(path: Path) -> Path:
    """Return where the notifier keeps its FIFOs."""
    return path.with_name(f"{path.name}-wake")


def check_place(path: Path) -> None:
    """Refuse a place where no store can be. Raises: StoreUnusable."""
    if not path.parent.is_dir():
        raise StoreUnusable(
            f"expected the directory {path.parent} of the store {path.name} to exist; create it, or give another path"
        )
    if path.is_dir():
        raise StoreUnusable(f"expected {path} to be a file, it is a directory; give the path of a file inside of it")
    kind = _file_system(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise StoreUnusable(
            f"expected the store {path} to be on a local disk, it is on a network file system ({kind}), where SQLite "
            "loses data; use a local path, or the Redis or PostgreSQL engine for several hosts"
        )


def make_whole(path: Path) -> None:
    """Make a store beside its place, and give it its name when it is whole: nobody ever meets one half made, however
    long its maker is held up by a slow disk, or stopped.

    Of several that do this at once one is first, and all use its store. Where files cannot have a second name nothing
    is made; nor where there is something already, were it a link to a file that is missing, or the WAL of a store that
    was deleted: only of an empty file does SQLite know that what lies beside it is another's. A maker that is killed
    may leave its draft behind. Raises: apsw.Error.
    """
    if any(path.with_name(f"{path.name}{end}").exists() for end in ("-wal", "-journal")):
        return
    draft = path.with_name(f"{path.name}-new-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        connection = apsw.Connection(str(draft))
        try:
            if connection.pragma("journal_mode", "wal") == "wal":  # else its opening says what is expected
                migrate(connection)
        finally:
            connection.close()
        with suppress(OSError):
            path.hardlink_to(draft)
    finally:
        for end in ("", "-journal", "-wal", "-shm"):
            draft.with_name(f"{draft.name}{end}").unlink(missing_ok=True)


def refuse_stump(path: Path, clock: Clock) -> None:
    """Refuse a file too short to be a store, and an empty one that was a store: there are traces beside it.

    Where stores cannot be made whole, one that another process is making this very moment is empty too, but not for
    long. Raises: StoreUnusable.
    """
    if 0 < path.stat().st_size < SMALLEST_PAGE:  # SQLite would take it for empty
        raise StoreUnusable(
            f"expected {path} to be a usable store, but it is not a database; give the path of a Horarium store, or of "
            "a file that does not exist yet"
        )
    file = path.resolve()  # a link has nothing beside it
    traces = [trace for trace in (file.with_name(f"{file.name}-wal"), wake_directory(file)) if trace.exists()]
    give_up = clock.monotonic() + MAKING_PATIENCE
    while traces and path.stat().st_size == 0 and clock.monotonic() < give_up:
        sleep(WAL_PAUSE)
    if traces and path.stat().st_size == 0:
        raise StoreUnusable(
            f"expected {path} to be a store, it is empty although {traces[0].name} shows that it was one; restore it "
            f"from a backup, or remove {_kind(traces[0])}{traces[0].name} to start with an empty one"
        )


def _kind(trace: Path) -> str:
    return "the directory " if trace.is_dir() else ""


def initialise(connection: apsw.Connection, path: Path, clock: Clock, patience: Seconds) -> None:
    """Check that the file is a store of ours, or nothing yet; then bring its schema up to date.

    Many processes may do this at once. A file that is refused is left as it is.
    """
    if connection.readonly("main"):
        raise StoreUnusable(
            f"expected the store {path} to be writable, it is read-only for this user; change its owner or permissions"
        )
    application, version = _identify(connection)
    if application != APPLICATION_ID and not _is_blank(connection):
        raise StoreUnusable(
            f"expected {path} to be a Horarium store, it is another program's database; give Horarium a file of its own"
        )
    if version > LATEST:
        raise StoreUnusable(
            f"expected the store {path} to have schema {LATEST} or older, it has {version}: a newer Horarium has "
            "upgraded it; upgrade Horarium here too"
        )
    if version < LATEST:
        _switch_to_wal(connection, clock, patience)
        migrate(connection)


def _identify(connection: apsw.Connection) -> tuple[int, int]:
    return int(connection.pragma("application_id")), int(connection.pragma("user_version"))


def _is_blank(connection: apsw.Connection) -> bool:
    """Tell whether there is nothing yet, or whether another process has made the store just now."""
    for _ in connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1"):
        return _identify(connection)[0] == APPLICATION_ID
    return True


def _switch_to_wal(connection: apsw.Connection, clock: Clock, patience: Seconds) -> None:
    """Make it a WAL database. SQLite does not ask the busy handler here, so several processes at once collide."""
    give_up = clock.monotonic() + patience
    while True:
        try:
            mode = connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if clock.monotonic() >= give_up:
                raise
            sleep(WAL_PAUSE * (1 + os.getpid() % 7 / 7))
            continue
        if mode != "wal":
            raise StoreUnusable(f"expected the file system to allow SQLite's WAL mode, got {mode!r}; use a local disk")
        return


def _file_system(directory: Path) -> str:
    """Return the type of the file system that holds a directory, "" where that cannot be told."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = f"{directory.resolve()}/"
    longest, kind = -1, ""
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = left.split()[4].replace("\\040", " ")
        if place.startswith(mount.rstrip("/") + "/") and len(mount) >= longest:  # of two on one place the later holds
            longest, kind = len(mount), right.split()[0]
    return kind
