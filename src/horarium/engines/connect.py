"""From a URL to an engine. The engine's own module is imported only when one is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from horarium.address import POSTGRES, REDIS, SCHEMES
from horarium.clock import Seconds
from horarium.engines.pair import PairEngine, about_results
from horarium.engines.protocol import Engine
from horarium.errors import ImproperlyConfigured

DEFAULT_FILE = "horarium.db"
Durability: TypeAlias = Literal["full", "relaxed"]
DURABILITIES: dict[str, Durability] = {"full": "full", "relaxed": "relaxed"}


def connect(url: str, *, durability: str = "full", patience: Seconds | None = None) -> Engine:
    """Return the engine that a URL names.

    ``memory://`` is a new, empty store of this process. ``sqlite:///events.db`` is a file in the working directory,
    ``sqlite:////var/lib/events.db`` one anywhere, ``sqlite:`` alone ./horarium.db.
    ``redis://[user:password@]host:6379/0``
    (also ``rediss``, ``redis+socket``, ``unix`` and ``sentinel``) is a Redis or Valkey server,
    ``postgresql://[user:password@]host/database`` a PostgreSQL one; both may be shared by many hosts.
    ``durability`` is ``full`` (survives a power cut) or ``relaxed`` (survives every process; a
    power cut may undo the last moments).
    ``patience`` is how long a verb waits for a busy store before it raises EngineUnavailable (None: the engine's own).
    Raises: ImproperlyConfigured when the URL or the durability cannot be read; whatever the engine raises on opening.
    """
    chosen = DURABILITIES.get(durability)
    if chosen is None:
        raise ImproperlyConfigured(
            f"expected durability to be 'full' or 'relaxed', got {durability!r}; use one of them"
        )
    scheme, colon, rest = url.partition(":")
    match scheme.lower() if colon else "":
        case "memory":
            return _memory(rest)
        case "sqlite":
            return _sqlite(rest, chosen, patience)
        case name if name in REDIS:
            return _redis(url, chosen, patience)
        case name if name in POSTGRES:
            return _postgres(url, chosen, patience)
        case _:
            # The rest of the URL may hold a password: it is not shown.
            got = f"the scheme {scheme!r}" if colon else f"{url!r} without one"
            raise ImproperlyConfigured(
                f"expected a store URL with one of the schemes {', '.join(SCHEMES)}, got {got}; "
                "write for example sqlite:///horarium.db or redis://localhost:6379/0"
            )


def connect_pair(store: str, results: str, *, durability: str = "full", patience: Seconds | None = None) -> Engine:
    """Return an engine that keeps messages in one store and remembers ended runs in another. Raises: as connect."""
    carrier = connect(store, durability=durability, patience=patience)
    try:
        keeper = connect(results, durability=durability, patience=patience)
    except ImproperlyConfigured as error:  # the engines know one name for what they are given
        raise ImproperlyConfigured(about_results(str(error))) from error
    return PairEngine(carrier, keeper)


def module_of(url: str) -> str:
    """Return the name of the module that holds a URL's engine."""
    scheme = url.partition(":")[0].lower()
    room = "redis" if scheme in REDIS else "postgres" if scheme in POSTGRES else scheme
    return f"horarium.engines.{room}"


def absent_file(url: str) -> Path | None:
    """Return the file that a URL's store will be once somebody opens it, or None: it is there, or is no file, or cannot
    be made, which ``connect`` explains."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "sqlite":
        return None
    path = Path(DEFAULT_FILE if rest in ("", "//", "///") else rest.removeprefix("///"))
    makeable = (rest in ("", "//") or rest.startswith("///")) and path.name != ":memory:" and path.parent.is_dir()
    return path if makeable and not path.exists() else None


def _memory(rest: str) -> Engine:
    from horarium.engines.memory import MemoryEngine

    if rest.strip("/"):
        raise ImproperlyConfigured(
            f"expected memory:// with nothing behind it, got memory:{rest}; each connection has a store of its own"
        )
    return MemoryEngine()


def _sqlite(rest: str, durability: Durability, patience: Seconds | None) -> Engine:
    from horarium.engines.sqlite import SqliteEngine

    if rest in ("", "//", "///"):
        return SqliteEngine(DEFAULT_FILE, durability=durability, patience=patience)
    path = rest.removeprefix("///")
    if path == rest:
        raise ImproperlyConfigured(
            f"expected sqlite:///PATH with three slashes (four for an absolute path), got sqlite:{rest}; "
            f"write sqlite:///{rest.removeprefix('//')}"
        )
    if path == ":memory:":
        raise ImproperlyConfigured(
            "expected the path of a file, got ':memory:'; threads and children could not share it: use memory://"
        )
    return SqliteEngine(path, durability=durability, patience=patience)


def _redis(url: str, durability: Durability, patience: Seconds | None) -> Engine:
    try:
        from horarium.engines.redis import RedisEngine
    except ImportError as error:
        raise _without("redis", error) from error
    return RedisEngine(url, durability=durability, patience=patience)


def _postgres(url: str, durability: Durability, patience: Seconds | None) -> Engine:
    try:
        from horarium.engines.postgres import PostgresEngine
    except ImportError as error:
        raise _without("postgres", error) from error
    return PostgresEngine(url, durability=durability, patience=patience)


def _without(extra: str, error: ImportError) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"expected the libraries of the {extra} store to be installed, got: {error}; "
        f"install them with: pip install 'horarium[{extra}]'"
    )
