"""From a decoded value to what a task's type hint asks for, where that makes sense.

The law: a value that already fits is left alone, a hint that is not known here changes nothing, and plain hints (int,
str, list, dict ...) are never checked, as Python does not check them. A hint that is known, with a value that cannot be
read as it, is an error with the value's path.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Struct

from horarium.errors import DecodingError
from horarium.sayable import is_pydantic
from horarium.tagged import read_bytes, read_datetime, read_time


def convert(value: Any, hint: Any, *, path: str = "value") -> Any:
    """Return ``value`` as ``hint`` asks for it.

    Read are: datetime, date, time, UUID and bytes (base64) from text, timedelta from seconds or ISO 8601 text, Decimal
    from text or numbers, tuple, set and frozenset from a list, an Enum member from its value, a dataclass, Struct or
    pydantic model from a dict; also inside list, dict, tuple, set, Optional, Union and Annotated.
    Raises: DecodingError with the path of the value that cannot be read so.
    """
    # Any for value: whatever was sent. Any for hint: a type, or one of typing's forms, which have no common class.
    origin = get_origin(hint)
    if origin is None:
        return _to_class(value, hint, path) if isinstance(hint, type) else value
    if origin is Annotated:
        return convert(value, get_args(hint)[0], path=path)
    if origin is Union or origin is types.UnionType:
        return _to_union(value, get_args(hint), path)
    if origin is dict and isinstance(value, dict) and len(get_args(hint)) == 2:
        item_hint = get_args(hint)[1]
        return {key: convert(item, item_hint, path=f'{path}["{key}"]') for key, item in value.items()}
    if origin in _COLLECTIONS and isinstance(value, list | tuple | set | frozenset):
        return _to_collection(value, origin, get_args(hint), path)
    return value


def is_convertible(hint: Any) -> bool:
    """Tell whether ``convert`` may ever change a value for this hint; ask once, when a task is declared."""
    origin = get_origin(hint)
    if origin is None:
        return isinstance(hint, type) and _reader(hint) is not None
    if origin in _COLLECTIONS and origin is not list:
        return True
    if origin in (Annotated, Union, types.UnionType, dict, list):
        return any(is_convertible(part) for part in get_args(hint))
    return False


def is_secret_hint(hint: Any) -> bool:
    """Tell whether a hint asks for one of pydantic's secrets (SecretStr), also beside None, or inside of Annotated."""
    origin = get_origin(hint)
    if origin is None:
        return isinstance(hint, type) and hasattr(hint, "get_secret_value")
    return origin in (Annotated, Union, types.UnionType) and any(is_secret_hint(part) for part in get_args(hint))


def _to_class(value: Any, hint: type, path: str) -> Any:
    reader = _reader(hint)
    if reader is None or value is None or isinstance(value, hint):
        return value
    try:
        return reader(value, path)
    except DecodingError:
        raise
    except Exception as error:  # constructors and validators of the user's own may object in any way they like
        raise _unreadable(value, hint.__qualname__, path, str(error)) from error


def _to_union(value: Any, parts: tuple[Any, ...], path: str) -> Any:
    if any(part in type(value).__mro__ for part in parts):
        return value
    wanted = [part for part in parts if is_convertible(part)]
    for part in wanted:
        try:
            return convert(value, part, path=path)
        except DecodingError:
            continue  # another part of the union may read it
    if wanted and all(part in wanted or part is types.NoneType for part in parts):
        raise _unreadable(value, " | ".join(getattr(part, "__qualname__", str(part)) for part in parts), path, "")
    return value


def _to_collection(value: Iterable[Any], origin: type, hints: tuple[Any, ...], path: str) -> Any:
    items = list(value)
    if origin is not tuple or hints[1:] == (...,):
        hints = hints[:1] * len(items)
    elif len(hints) != len(items):
        raise _unreadable(value, f"tuple of {len(hints)}", path, f"it has {len(items)} items")
    read = [
        convert(item, hint, path=f"{path}[{index}]")
        for index, (item, hint) in enumerate(zip(items, hints, strict=True))
    ]
    return _COLLECTIONS[origin](read)


def _to_timedelta(value: Any) -> timedelta:
    if isinstance(value, int | float):
        return timedelta(seconds=value)
    return msgspec.convert(value, timedelta)


def _to_decimal(value: Any) -> Decimal:
    return Decimal(repr(value) if isinstance(value, float) else value)


def _to_dataclass(value: Any, hint: type, path: str) -> Any:
    import dataclasses  # loaded already: the hint came from it

    if not isinstance(value, dict):
        raise TypeError("a dict of its fields is needed")
    hints = _field_hints(hint)
    derived = {field.name for field in dataclasses.fields(hint) if not field.init}
    return hint(
        **{
            name: convert(item, hints.get(name), path=f"{path}.{name}")
            for name, item in value.items()
            if name not in derived
        }
    )


@lru_cache(maxsize=512)
def _field_hints(hint: type) -> dict[str, Any]:
    try:
        return get_type_hints(hint, include_extras=True)
    except NameError:  # names under TYPE_CHECKING: such fields are left as they came
        return {}


@lru_cache(maxsize=512)
def _reader(hint: type) -> Callable[[Any, str], Any] | None:
    """Return the function (value, path) that reads a value as this class, None for a class that is not known here."""
    simple = _SIMPLE.get(hint)
    if simple is not None:
        return lambda value, path: simple(value)
    if issubclass(hint, Enum):
        return lambda value, path: hint(value)
    if issubclass(hint, Struct):
        return lambda value, path: msgspec.convert(value, hint, dec_hook=lambda kind, item: convert(item, kind))
    if issubclass(hint, tuple) and hasattr(hint, "_fields"):  # a NamedTuple
        return lambda value, path: hint(*_listed(value))
    if hasattr(hint, "__dataclass_fields__"):
        return lambda value, path: _to_dataclass(value, hint, path)
    if is_pydantic(hint):
        return lambda value, path: hint.model_validate(value)  # type: ignore[attr-defined]
    if hasattr(hint, "get_secret_value"):
        return lambda value, path: hint(value)  # type: ignore[call-arg]
    return None


def _listed(value: Any) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        raise TypeError("a list is needed")
    return value


def _unreadable(value: object, wanted: str, path: str, why: str) -> DecodingError:
    text = repr(value)
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    return DecodingError(
        f"{path}: expected a value for {wanted}, got {shown}{f' ({why})' if why else ''}; "
        "send one that the task's type hint can be read from, or change the hint"
    )


_SIMPLE: dict[type, Callable[[Any], Any]] = {
    datetime: read_datetime,
    date: date.fromisoformat,
    time: read_time,
    timedelta: _to_timedelta,
    Decimal: _to_decimal,
    UUID: UUID,
    bytes: read_bytes,
    tuple: lambda value: tuple(_listed(value)),
    set: lambda value: set(_listed(value)),
    frozenset: lambda value: frozenset(_listed(value)),
}
_COLLECTIONS: dict[Any, Callable[[list[Any]], Any]] = {list: list, tuple: tuple, set: set, frozenset: frozenset}
