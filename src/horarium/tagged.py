"""Values that JSON cannot say, in the tagged form in which they travel: ``{"__horarium__": kind, "value": payload}``.

One table serves both ways: a kind's writer turns the value into a JSON payload, its reader takes the payload back.
Nothing is imported or called by name on the way back: a kind that is not in the table is an error. ``codec`` is the
door to this room.
"""

from __future__ import annotations

import binascii
import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from horarium.errors import DecodingError

TAG = "__horarium__"
PAYLOAD = "value"
TAG_BYTES = b'"__horarium__"'  # as our encoder writes it: raw JSON without it holds no tagged form
# A plain dict that happens to hold the reserved key travels as the payload of this kind; its keys are then literal.
ESCAPED_DICT = "dict"
# What pydantic's SecretStr and its like hold: whoever shows stored values knows by the tag that it is not to be seen.
SECRET = "secret"

# What goes wrong when a payload is not what the kind's writer wrote.
MALFORMED = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, OSError)

T = TypeVar("T")


class Kind(Struct, Generic[T], frozen=True):
    """One kind of value: its name in the store and the two directions."""

    name: str
    type: type[T]
    write: Callable[[T], Any]  # Any: a JSON value
    read: Callable[[Any], T]


def untag(value: Any) -> Any:
    """Return a decoded JSON value with all its tagged forms undone.

    Raises: DecodingError, or one of MALFORMED from a payload that its writer cannot have written.
    """
    if isinstance(value, list):
        return [untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: untag(item) for key, item in value.items()}
    kind, payload = value[TAG], value.get(PAYLOAD)
    if kind == ESCAPED_DICT and isinstance(payload, dict):
        return {key: untag(item) for key, item in payload.items()}
    reader = _READERS.get(kind) if isinstance(kind, str) and len(value) == 2 else None
    if reader is None:
        raise DecodingError(
            f"expected a tagged value of kind {', '.join(_READERS)} or {ESCAPED_DICT}, got {_clipped(value)}; "
            "a newer Horarium may have written it, or a program that does not know the reserved key"
        )
    return reader(untag(payload))


def write_moment(value: datetime | time) -> str:
    """Return the ISO form; a zone with a name follows in brackets (RFC 9557), so that it comes back as that zone."""
    kind = datetime if isinstance(value, datetime) else time  # a subclass may have an isoformat of its own
    text: str = kind.isoformat(value)  # type: ignore[arg-type]
    zone = getattr(value.tzinfo, "key", None)
    return f"{text}[{zone}]" if isinstance(zone, str) else text


def read_datetime(text: str) -> datetime:
    """Read what ``write_moment`` wrote, or any ISO 8601 form. A zone this host does not know leaves the offset."""
    iso, _, zone_name = text.partition("[")
    moment = datetime.fromisoformat(iso)
    zone = _zone(zone_name.removesuffix("]"))
    if zone is None or moment.tzinfo is None:
        return moment
    local = moment.replace(tzinfo=zone)
    if local.utcoffset() == moment.utcoffset():
        return local
    folded = local.replace(fold=1)  # the second of two equal clock times
    # Neither fits when the zone's rules differ between the two hosts: the instant counts more than the clock time.
    return folded if folded.utcoffset() == moment.utcoffset() else moment.astimezone(zone)


def read_time(text: str) -> time:
    """Read what ``write_moment`` wrote, or any ISO 8601 form."""
    iso, _, zone_name = text.partition("[")
    clock_time = time.fromisoformat(iso)
    zone = _zone(zone_name.removesuffix("]"))
    return clock_time if zone is None else clock_time.replace(tzinfo=zone)


def read_timedelta(parts: list[int]) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days, seconds, microseconds)


def is_secret(value: object) -> bool:
    """Tell whether a value is one of pydantic's secrets, without importing pydantic."""
    return "pydantic" in sys.modules and hasattr(type(value), "get_secret_value")


def read_secret(value: Any) -> Any:
    """Return pydantic's secret of a value; the value itself where nobody has imported pydantic."""
    types = sys.modules.get("pydantic.types")
    if types is None:
        return value
    kind = "SecretStr" if isinstance(value, str) else "SecretBytes" if isinstance(value, bytes) else "Secret"
    return getattr(types, kind)(value)


def read_bytes(text: str) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


def _as_list(payload: Any) -> list[Any]:
    if not isinstance(payload, list):
        raise TypeError(f"expected a list of items, got {_clipped(payload)}")
    return payload


def _clipped(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _zone(name: str) -> tzinfo | None:
    if not name:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        return None


def _write_bytes(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


# The order matters for subclasses: a datetime is a date.
SCALARS: tuple[Kind[Any], ...] = (
    Kind("datetime", datetime, write_moment, read_datetime),
    Kind("date", date, date.isoformat, date.fromisoformat),
    Kind("time", time, write_moment, read_time),
    Kind("timedelta", timedelta, lambda value: [value.days, value.seconds, value.microseconds], read_timedelta),
    Kind("decimal", Decimal, str, Decimal),
    Kind("uuid", UUID, str, UUID),
    Kind("bytes", bytes, _write_bytes, read_bytes),
)
# The payload of a collection is a list of its items.
COLLECTIONS: tuple[Kind[Any], ...] = (
    Kind("tuple", tuple, list, lambda items: tuple(_as_list(items))),
    Kind("set", set, list, lambda items: set(_as_list(items))),
    Kind("frozenset", frozenset, list, lambda items: frozenset(_as_list(items))),
)
SCALAR_BY_TYPE = {kind.type: kind for kind in SCALARS}
COLLECTION_BY_TYPE = {kind.type: kind for kind in COLLECTIONS}
_READERS: dict[str, Callable[[Any], Any]] = {kind.name: kind.read for kind in (*SCALARS, *COLLECTIONS)}
_READERS[SECRET] = read_secret
