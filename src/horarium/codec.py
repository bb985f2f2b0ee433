"""Arguments, results and errors as strict JSON, and back.

What JSON cannot say (datetime, date, time, timedelta, Decimal, UUID, bytes, tuple, set, frozenset) travels in a tagged
form and comes back as itself. An Enum member travels as its value; a dataclass, msgspec Struct or pydantic model as a
dict: these come back by the task's type hints (``convert``), or stay what they travelled as. Nothing is ever pickled,
and reading never imports anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec
from msgspec import Raw

from horarium.conversion import convert
from horarium.errors import DecodingError, PayloadTooLarge, RemoteError
from horarium.outcome import ErrorRecord
from horarium.sayable import MAX_DEPTH, sayable
from horarium.tagged import MALFORMED, TAG_BYTES, untag

__all__ = ["MAX_TRACEBACK_CHARS", "convert", "decode", "decode_error", "encode", "encode_error", "preview"]

MAX_TRACEBACK_CHARS = 64 * 1024
MAX_ERROR_ARGS_BYTES = 64 * 1024
MAX_ERROR_TEXT_CHARS = 8 * 1024

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_NUL = b"\\u0000"
_SMALL = 1 << 63  # integers below it need no counting of digits


def encode(value: object, *, path: str = "value", limit_bytes: int | None = None) -> bytes:
    """Return ``value`` as JSON; ``decode`` gives an equal value back.

    ``path`` is what complaints call the value (``args``); dict keys must be str. A tuple is tagged, so give a call's
    positional arguments as a list.
    Raises: EncodingError with the path of the first value that cannot travel; PayloadTooLarge.
    """
    try:
        raw = _encode(value) if _is_plain(value, MAX_DEPTH) else None
    except UnicodeEncodeError:
        raw = None
    if raw is None or TAG_BYTES in raw or _NUL in raw:
        raw = _encode(sayable(value, path))
    if limit_bytes is not None and len(raw) > limit_bytes:
        raise PayloadTooLarge(path, len(raw), limit_bytes)
    return raw


def decode(raw: bytes | Raw) -> Any:
    """Return the value that ``encode`` was given. Raises: DecodingError when ``raw`` is not what it writes."""
    # Any: whatever was sent.
    try:
        value = _decode(raw)
        return untag(value) if TAG_BYTES in bytes(raw) else value
    except DecodingError:
        raise
    except (msgspec.MsgspecError, RecursionError, *MALFORMED) as error:
        raise DecodingError(
            f"expected JSON as Horarium writes it, got {preview(raw, 80)} ({error}); look at what wrote it"
        ) from error


def preview(raw: bytes | Raw, limit: int = 200) -> str:
    """Return the beginning of raw JSON as one printable line of at most ``limit`` characters, for logs."""
    head = bytes(raw)[: 4 * limit].decode("utf-8", "replace")
    if not head.isprintable():  # seldom: JSON as we write it has no control characters
        head = "".join(char if char.isprintable() else " " for char in head)
    return _clip(head, limit)


def encode_error(error: BaseException) -> ErrorRecord:
    """Return an exception as data: class path, arguments as far as JSON can say them, text, and the traceback's text
    (bounded, no local variables). Never raises."""
    import traceback

    kind = type(error)
    lines = "".join(traceback.format_exception(error))
    return ErrorRecord(
        class_path=f"{kind.__module__}.{kind.__qualname__}",
        args=Raw(_error_args(error)),
        text=_clip(_printable(_text_of(error)), MAX_ERROR_TEXT_CHARS),
        traceback=_middle_out(_printable(lines), MAX_TRACEBACK_CHARS),
    )


def decode_error(record: ErrorRecord) -> BaseException:
    """Return the exception that was recorded: of its own class if that is imported here, is a subclass of Exception
    and takes the recorded arguments; else a RemoteError. Never imports anything, never raises."""
    kind = _imported_class(record.class_path)
    if kind is not None:
        try:
            args = decode(record.args)
            rebuilt = kind(*args)
        except Exception:  # noqa: BLE001 - a constructor of the user's; the stand-in below tells the rest
            rebuilt = None
        if isinstance(rebuilt, Exception):
            return rebuilt
    return RemoteError(record.class_path, record.text, record.traceback)


def _is_plain(value: Any, depth: int) -> bool:
    """Tell whether msgspec alone writes ``value`` faithfully. Strings are not looked into here: their bytes are later.

    The walk is needed because msgspec writes NaN as null, int keys as text, and datetimes, sets and tuples untagged.
    encode([1, 2]) and encode({"source_id": 1}) take 1.0 us each (CPython 3.11, one of 2 cores, best of 7), of which
    the walk is 0.3 and 0.4 us; by way of ``sayable``, which does the same and knows each path, 4.0 and 5.9 us.
    """
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        value = value.values()
    elif kind is not list:
        return (
            kind is str
            or kind is bool
            or value is None
            or (kind is int and -_SMALL < value < _SMALL)
            or (kind is float and isfinite(value))
        )
    if depth == 0:
        return False
    for item in value:
        kind = type(item)
        if kind is str or kind is bool or item is None or (kind is int and -_SMALL < item < _SMALL):
            continue
        if not _is_plain(item, depth - 1):
            return False
    return True


def _error_args(error: BaseException) -> bytes:
    try:
        # What pickle would call: only here does an OSError tell its file name.
        reduced = error.__reduce__()
        fits = isinstance(reduced, tuple) and reduced[0] is type(error) and isinstance(reduced[1], tuple)
        args = reduced[1] if fits else error.args
    except Exception:  # noqa: BLE001 - a __reduce__ of the user's own; the plain arguments are there in any case
        args = error.args
    raw = b"[" + b",".join(_error_arg(arg) for arg in args) + b"]"
    return raw if len(raw) <= MAX_ERROR_ARGS_BYTES else encode([_clip(_text_of(error), MAX_ERROR_TEXT_CHARS)])


def _error_arg(arg: object) -> bytes:
    try:
        return encode(arg, limit_bytes=MAX_ERROR_ARGS_BYTES)
    except Exception:  # noqa: BLE001 - an object of the user's that JSON cannot say: its text stands in for it
        return encode(_clip(_printable(_text_of(arg, repr)), MAX_ERROR_TEXT_CHARS))


def _text_of(value: object, to_text: Callable[[object], str] = str) -> str:
    try:
        return to_text(value)
    except Exception as error:  # noqa: BLE001 - a __str__ of the user's that fails must not hide the error it belongs to
        return f"<{type(value).__qualname__}: its text could not be made ({type(error).__qualname__})>"


def _imported_class(class_path: str) -> type[Exception] | None:
    parts = class_path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if module is not None:
            return _nested_class(module, parts[cut:])
    return None


def _nested_class(module: object, names: list[str]) -> type[Exception] | None:
    found = module
    for name in names:
        # Not getattr: a module's own __getattr__, or a lazily loaded module, would import on being asked.
        try:
            found = object.__getattribute__(found, "__dict__").get(name)
        except AttributeError:
            return None
        if not isinstance(found, type):
            return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def _printable(text: str) -> str:
    """Return text that any store can hold: no NUL, no lone surrogates."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def _middle_out(text: str, limit: int) -> str:
    """Keep both ends: a traceback tells at its top where it began and at its bottom what happened."""
    if len(text) <= limit:
        return text
    gap = "\n…\n"
    half = (limit - len(gap)) // 2
    return text[:half] + gap + text[len(text) - half :]
