"""Celery's own tools, as far as programs and other packages take them from it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property as cached_property
from functools import lru_cache
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from horarium.app.registry import named
from horarium.app.stand_in import uuid as uuid

T = TypeVar("T")


gen_unique_id = uuid


def noop(*args: Any, **kwargs: Any) -> None:
    """Do nothing."""


def chunks(it: Iterator[T], n: int) -> Iterator[list[T]]:
    """Yield lists of ``n`` items, the last one of what is left."""
    iterator = iter(it)
    while part := list(islice(iterator, n)):
        yield part


def first(predicate: Callable[[T], Any] | None, it: Iterable[T]) -> T | None:
    """Return the first item that fits; without a predicate, the first that is not None."""
    return next((item for item in it if (predicate(item) if predicate else item is not None)), None)


def uniq(it: Iterable[T]) -> Iterator[T]:
    """Yield each item once, in the order of their first appearance."""
    return iter(dict.fromkeys(it))


def maybe_list(obj: Any, scalars: tuple[type, ...] = (dict, str)) -> Any:
    """Return a list of the one thing, or what is a list already; None stays None."""
    is_many = obj is None or (isinstance(obj, Iterable) and not isinstance(obj, scalars))
    return obj if is_many else [obj]


def memoize(maxsize: int | None = None, **_: Any) -> Callable[[Callable[..., T]], Any]:
    """Keep what a function returned for its arguments."""
    return lru_cache(maxsize)


def gen_task_name(app: Any, name: str, module_name: str | None) -> str:
    """Return the name that a task gets which declares none."""
    return named(name, module_name, app.main)


def qualname(obj: Any) -> str:
    """Return module and name of a class or of an object's class."""
    kind = obj if hasattr(obj, "__qualname__") else type(obj)
    return f"{kind.__module__}.{kind.__qualname__}"


def symbol_by_name(name: Any, aliases: Any = None, imp: Any = None, default: Any = None, **_: Any) -> Any:
    """Return what ``module:attribute`` or ``module.attribute`` names; what is no text as it is."""
    if not isinstance(name, str):
        return name
    name = (aliases or {}).get(name) or name
    module, _, attribute = name.rpartition(":" if ":" in name else ".")
    try:
        return getattr((imp or import_module)(module), attribute) if module else import_module(attribute)
    except (ImportError, AttributeError):
        if default is None:
            raise
        return default


def instantiate(name: Any, *args: Any, **kwargs: Any) -> Any:
    """Call what the name stands for."""
    return symbol_by_name(name)(*args, **kwargs)


@contextmanager
def _from_folder(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def import_from_cwd(module: str, imp: Any = None, package: str | None = None) -> ModuleType:
    """Import a module, also from the working folder."""
    with _from_folder(str(Path.cwd())):
        found: ModuleType = (imp or import_module)(module, package=package)
    return found


def gethostname() -> str:
    """Return this host's name."""
    return socket.gethostname()


def nodename(name: str, hostname: str) -> str:
    """Return the name of a worker on a host."""
    return f"{name}@{hostname}"


def nodesplit(name: str) -> tuple[str | None, str]:
    """Return the two parts of a worker's name."""
    left, at, right = name.partition("@")
    return (left, right) if at else (None, left)


def is_naive(dt: datetime) -> bool:
    """Whether it names no time zone."""
    return dt.utcoffset() is None


def maybe_make_aware(dt: datetime, tz: tzinfo | None = None, naive_as_utc: bool = True) -> datetime:
    """Read a naive datetime as UTC (else as local in ``tz``), and show it in ``tz``."""
    if is_naive(dt):
        dt = dt.replace(tzinfo=UTC if naive_as_utc else tz or UTC)
    return dt.astimezone(tz or UTC)


def maybe_iso8601(dt: datetime | str | None) -> datetime | None:
    """Return the datetime that a text of ISO 8601 means."""
    return datetime.fromisoformat(dt) if isinstance(dt, str) else dt


def maybe_timedelta(delta: Any) -> Any:
    """Return a number of seconds as a timedelta."""
    return timedelta(seconds=delta) if isinstance(delta, int | float) else delta
