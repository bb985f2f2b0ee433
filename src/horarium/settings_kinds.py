"""What a setting may be: each kind reads what the user wrote into the value that is kept, or refuses it.

Units are given up here: a timedelta becomes seconds, a zone its name, Celery's pool names ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta, tzinfo
from math import isfinite
from typing import Any

from msgspec import Struct

from horarium.address import read_results, read_store
from horarium.alerting import read_alerts
from horarium.rate import EXPECTED as RATE_EXPECTED
from horarium.rate import per_second


class Kind(Struct, frozen=True):
    """What a setting may be. ``read`` returns the value as it is kept, or raises ValueError with a remedy or none."""

    expected: str
    read: Callable[[Any], Any]  # Any: whatever the user wrote
    takes_none: bool = False  # False: None stands for the default
    is_secret: bool = False  # its value is in no complaint and in no listing


def or_none(kind: Kind, *, zero_too: bool = False) -> Kind:
    def read(value: Any) -> Any:
        if value is None or (zero_too and type(value) is int and value == 0):
            return None
        return kind.read(value)

    return Kind(f"{kind.expected}, or None", read, takes_none=True, is_secret=kind.is_secret)


def one_of(*names: str, aliases: Mapping[str, str] | None = None, remedies: Mapping[str, str] | None = None) -> Kind:
    def read(value: Any) -> str:
        name = value.lower() if isinstance(value, str) else ""
        if name in names:
            return name
        if aliases and name in aliases:
            return aliases[name]
        raise ValueError((remedies or {}).get(name, ""))

    return Kind("one of " + ", ".join(map(repr, names)), read)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write True or False")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _number(value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError
    return float(value)


def _at_least_zero(value: Any) -> float:
    seconds = _number(value)
    if seconds < 0:
        raise ValueError
    return seconds


def _positive(value: Any) -> float:
    seconds = _at_least_zero(value)
    if not seconds:
        raise ValueError
    return seconds


def _whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or value < least
            or (most is not None and value > most)
        ):
            raise ValueError
        return value

    return read


def _module_names(value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset) or not all(isinstance(n, str) and n for n in names):
        raise ValueError
    return tuple(names)


def _zone_name(value: Any) -> str:
    name = getattr(value, "key", None) or str(value) if isinstance(value, tzinfo) else value
    if not isinstance(name, str) or not name:
        raise ValueError
    if name != "UTC":
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(name)
        except (ValueError, LookupError, OSError):
            raise ValueError(_nearest_zone(name)) from None
    return name


def _nearest_zone(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    near = get_close_matches(name, available_timezones(), 1)
    return f"did you mean {near[0]!r}?" if near else ""


def _schedules(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ValueError
    for name, entry in value.items():
        if not isinstance(entry, Mapping):
            raise ValueError(f"the entry of {name!r} must be a dict with the keys 'task' and 'schedule'")
    return dict(value)


def _routes(value: Any) -> Any:
    asks = callable(value) or hasattr(value, "route_for_task")
    if not (asks or isinstance(value, Mapping | str | list | tuple)):
        raise ValueError
    return value


def _queue_names(value: Any) -> tuple[str, ...]:
    """Read names from a list, the keys of a dict, or objects such as kombu's queues, which have a ``name``."""
    if isinstance(value, str):
        return (_text(value),)
    if not isinstance(value, Iterable):
        raise ValueError
    return tuple(dict.fromkeys(map(_queue_name, value)))


def _queue_name(queue: Any) -> str:
    if type(queue).__name__ == "Broadcast":
        raise ValueError("a message goes to one worker here: send one message for each receiver")
    kind = (getattr(queue, "queue_arguments", None) or {}).get("x-queue-type")
    if kind is not None and kind not in QUEUE_TYPES:
        raise ValueError(f"known queue types are {', '.join(QUEUE_TYPES)}, got {kind!r}")
    return _text(getattr(queue, "name", queue))


def _weights(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping):
        raise ValueError
    return {_text(queue): _whole(1)(weight) for queue, weight in value.items()}


def _names(value: Any) -> tuple[str, ...]:
    return tuple(_text(name) for name in ((value,) if isinstance(value, str) else _listed(value)))


def _patterns(value: Any) -> tuple[str, ...]:
    patterns = _names(value)
    for pattern in patterns:
        try:
            found = re.compile(pattern).match("")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        if found is not None:
            raise ValueError(f"{pattern!r} matches every text; let it match what is secret")
    return patterns


def _listed(value: Any) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        raise ValueError
    return value


def _annotations(value: Any) -> Any:
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, Mapping):
            if not all(isinstance(name, str) and isinstance(chosen, Mapping) for name, chosen in one.items()):
                raise ValueError("write for instance {'shop.mail': {'time_limit': 60}}, or '*' for every task")
        elif not isinstance(one, str) and not hasattr(one, "annotate") and not hasattr(one, "annotate_any"):
            raise ValueError
    return value


def _rate(value: Any) -> Any:
    try:
        per_second(value)
    except ValueError:
        raise ValueError from None
    return value.strip() if isinstance(value, str) else value


def _log_level(value: Any) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.upper() not in _LEVELS:
        raise ValueError(f"write one of {', '.join(_LEVELS)}")
    return value.upper()


def _bounds(value: Any) -> tuple[int, int] | None:
    """Read the most and the fewest of something. Celery's setting names a class that scales; ours is built in."""
    if isinstance(value, str) and (":" in value or "." in value):
        return None
    numbers = value.split(",") if isinstance(value, str) else value
    if not isinstance(numbers, list | tuple) or len(numbers) not in (1, 2):
        raise ValueError
    most, fewest = (int(number) for number in (*numbers, *(() if len(numbers) == 2 else (1,))))
    if not 1 <= fewest <= most:
        raise ValueError("write the larger one first")
    return most, fewest


def _only_json(value: Any) -> Any:
    names = [value] if isinstance(value, str) else list(value)
    if not names or any(name not in ("json", "application/json") for name in names):
        raise ValueError("Horarium carries strict JSON and nothing else; pass ids and plain values, see docs")
    return value


def _users(value: Any) -> dict[str, tuple[str, str]]:
    """Read who has a password; what is kept of it is checked where it is used. No error may show it."""
    if not isinstance(value, Mapping):
        raise ValueError("`horarium tokens password` makes what is kept of a password")
    for name, pair in value.items():
        if (
            not isinstance(name, str)
            or not isinstance(pair, list | tuple)
            or [type(each) for each in pair] != [str, str]
        ):
            raise ValueError(f"what stands under {name!r} is not (role, digest)")
    return {name: (role, digest) for name, (role, digest) in value.items()}


QUEUE_TYPES = ("classic", "quorum", "stream")
COMPRESSIONS = {
    **{f"application/{name}": name for name in ("zstd", "brotli")},
    **{f"application/x-{name}": name for name in ("gzip", "bz2", "lzma")},
    "bz2": "bzip2",
    "xz": "lzma",
    "zstandard": "zstd",
}

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_POOL_ALIASES = {
    "prefork": "process",
    "processes": "process",
    "threads": "thread",
    "asyncio": "async",
}
_POOL_REMEDIES = dict.fromkeys(("gevent", "eventlet"), 'for tasks that wait on the network use "async" or "thread"')


class Setting(Struct, frozen=True, kw_only=True):
    """One setting. A dict as default is copied for each app."""

    name: str
    default: Any  # as various as the settings
    kind: Kind
    doc: str


FLAG = Kind("True or False", _flag)
TEXT = Kind("a text that is not empty", _text)
SECONDS = Kind("a positive number of seconds or a timedelta", _positive)
WAIT = Kind("a number of seconds or a timedelta, 0 or more", _at_least_zero)
COUNT = Kind("a whole number, 1 or more", _whole(1))
BYTES = Kind("a whole number of bytes, 1 or more", _whole(1))
MODULES = Kind("a list of module names", _module_names)
JSON_ONLY = Kind("'json'", _only_json)
POOL = one_of("process", "thread", "async", "solo", aliases=_POOL_ALIASES, remedies=_POOL_REMEDIES)
KIBIBYTES = Kind("a whole number of KiB, 1 or more", _whole(1))
BYTES_OR_ZERO = Kind("a whole number of bytes, 0 or more", _whole(0))
HIGHEST = Kind("a whole number from 1 to 255", _whole(1, 255))
PRIORITY = Kind("a whole number from 0 to 9", _whole(0, 9))
STORE_URL = Kind("the URL of a store", read_store)
RESULTS_URL = Kind("the URL of a store, 'store', or None", read_results, takes_none=True)
ZONE = Kind("the name of a time zone, such as 'Europe/Berlin'", _zone_name)
SCHEDULES = Kind("a dict from a schedule's name to a dict with 'task' and 'schedule'", _schedules)
BOUNDS = Kind("(most, fewest), two whole numbers from 1 on", _bounds)
ROUTES = Kind("a dict, a function, a router object, a dotted path, or a list of them", _routes)
QUEUES = Kind("a list of queues' names, a dict by their names, or kombu's queues", _queue_names)
WEIGHTS = Kind("a dict from a queue's name to its weight, a whole number, 1 or more", _weights)
SECRET_NAMES = Kind("a list of names", _names)
PATTERNS = Kind("a list of regular expressions", _patterns)
ANNOTATIONS = Kind("a dict from a task's name, or '*', to its options; or a list of such", _annotations)
RATE = Kind(RATE_EXPECTED, _rate)
USERS = Kind("a dict from a name to (role, digest of the password)", _users, is_secret=True)
LOG_LEVEL = Kind("the name of a log level", _log_level)
ALERTS = Kind("a dict with 'channels', and 'rules' if any differ", read_alerts, is_secret=True)
