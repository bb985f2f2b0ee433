"""Arguments and results: from the JSON that kombu writes to ours, and back.

Both have plain JSON and a tagged form for more; the tags differ. Bytes, datetimes, dates, times, decimals and UUIDs
have one on both sides. A tuple becomes a list, as ever in Celery. A set or a timedelta has none there: Celery itself
refuses them as JSON, and so does the way out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from msgspec import Raw

from horarium import codec
from horarium.bridge.envelope import Refusal
from horarium.errors import DecodingError, EncodingError

TYPE, VALUE = "__type__", "__value__"
DEEPEST = 100  # levels

_READERS: dict[str, Callable[[Any], Any]] = {
    "bytes": lambda text: text.encode(),
    "base64": lambda text: base64.b64decode(text, validate=True),
    "datetime": datetime.fromisoformat,
    "date": lambda text: datetime.fromisoformat(text).date(),
    "time": time.fromisoformat,
    "decimal": Decimal,
    "uuid": lambda parts: UUID(hex=parts["hex"]),
}


def decoded(body: bytes, encoding: str) -> Any:
    """Return the JSON value of a body, kombu's tags still in it. Raises: Refusal."""
    try:
        return json.loads(body.decode("utf-8" if encoding == "binary" else encoding), parse_constant=_no_number)
    except (ValueError, LookupError, RecursionError) as error:
        raise Refusal(f"expected a body in JSON, got {codec.preview(body, 60)} ({error}); send it as JSON") from error


def from_celery(value: Any, path: str) -> Any:
    """Return a decoded JSON value with kombu's tagged forms undone. Raises: Refusal with the path."""
    return _from(value, path, DEEPEST)


def raw_from_celery(value: Any, path: str) -> Raw:
    """Return a decoded JSON value as our JSON. Raises: Refusal."""
    try:
        return Raw(codec.encode(from_celery(value, path), path=path))
    except EncodingError as error:
        raise Refusal(str(error)) from error


def raw_to_celery(raw: Raw, path: str) -> Any:
    """Return a value of ours as plain JSON values with kombu's tags.

    Raises: EncodingError for what Celery's JSON cannot say; DecodingError.
    """
    return _to(codec.decode(raw), path, DEEPEST)


def written(value: Any) -> bytes:
    """Return plain JSON values as bytes."""
    return json.dumps(value, separators=(",", ":")).encode()


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


def _from(value: Any, path: str, depth: int) -> Any:
    if depth == 0:
        raise Refusal(f"expected {path} to have at most {DEEPEST} levels, got more; send less at once")
    if isinstance(value, list):
        return [_from(item, f"{path}[{place}]", depth - 1) for place, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if value.keys() != {TYPE, VALUE}:
        return {key: _from(item, f"{path}[{key!r}]", depth - 1) for key, item in value.items()}
    reader = _READERS.get(value[TYPE]) if isinstance(value[TYPE], str) else None
    if reader is None:
        known = ", ".join(_READERS)
        raise Refusal(
            f"expected {path} to be of a type that is known ({known}), got {value[TYPE]!r:.60}; send it as text"
        )
    try:
        return reader(value[VALUE])
    except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError) as error:
        raise Refusal(
            f"expected {path} to be a {value[TYPE]}, got {value[VALUE]!r:.60}; look at what wrote it"
        ) from error


def _to(value: Any, path: str, depth: int) -> Any:
    if depth == 0:
        raise EncodingError(path, f"at most {DEEPEST} levels", "more", "send less at once")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [_to(item, f"{path}[{place}]", depth - 1) for place, item in enumerate(value)]
        case dict():
            if value.keys() == {TYPE, VALUE}:
                raise EncodingError(
                    path, "a dict that kombu does not take for a tagged value", repr(value)[:60], "rename"
                )
            return {key: _to(item, f"{path}[{key!r}]", depth - 1) for key, item in value.items()}
        case _:
            return _tagged(value, path)


def _tagged(value: Any, path: str) -> dict[str, Any]:
    match value:
        case datetime():
            kind, payload = "datetime", value.isoformat()
        case date():
            kind, payload = "date", value.isoformat()
        case time():
            kind, payload = "time", value.isoformat()
        case Decimal():
            kind, payload = "decimal", str(value)
        case UUID():
            return {TYPE: "uuid", VALUE: {"hex": value.hex}}
        case bytes():
            kind, payload = "base64", base64.b64encode(value).decode()
        case _:
            remedy = "send its seconds" if isinstance(value, timedelta) else "send a list"
            raise EncodingError(path, "what Celery's JSON can say", type(value).__name__, remedy)
    return {TYPE: kind, VALUE: payload}


UNSAYABLE = (EncodingError, DecodingError)
