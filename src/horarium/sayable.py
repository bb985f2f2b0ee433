"""The careful way from a Python value to one that JSON can say: every value looked at, every complaint with its path.

``codec.encode`` comes here only for values that are not plain JSON already.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import Enum
from math import isfinite
from os import PathLike
from typing import Any

import msgspec
from msgspec import Struct

from horarium.errors import EncodingError
from horarium.tagged import (
    COLLECTION_BY_TYPE,
    COLLECTIONS,
    ESCAPED_DICT,
    PAYLOAD,
    SCALAR_BY_TYPE,
    SCALARS,
    SECRET,
    TAG,
    Kind,
    is_secret,
)

MAX_DEPTH = 64
MAX_INT_DIGITS = 4096  # below Python's own limit of 4300 for reading them back

_INT_BOUND = 10**MAX_INT_DIGITS


def sayable(value: object, path: str, depth: int = MAX_DEPTH, *, hashable: bool = False) -> Any:
    """Return ``value`` as one that msgspec writes faithfully, tagged where JSON has no word for it.

    ``depth`` is how many more levels of containers may come; ``hashable`` says that the value is an element of a set
    and must be hashable when it comes back. Raises: EncodingError with the path of the first value that cannot travel.
    """
    # Any: a JSON value. Subclasses of str, int and float (numpy.float64) travel as the plain value.
    if value is None or value is True or value is False:
        return value
    if value.__class__ is not type(value):
        value = _stood_for(value)
    if isinstance(value, Enum):
        return sayable(value.value, path, depth, hashable=hashable)
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, float):
        return _finite(value, path)
    scalar = _kind_of(value, SCALAR_BY_TYPE, SCALARS)
    if scalar is not None:
        return {TAG: scalar.name, PAYLOAD: scalar.write(value)}
    return _container(value, path, depth, hashable)


def _stood_for(value: Any) -> object:
    """Return what an object stands for that says to be of another class: Django's lazy objects, Werkzeug's proxies."""
    kind = next((kind for kind in (bool, str, int, float, list, tuple, dict) if value.__class__ is kind), None)
    return value if kind is None else kind(value)


def _container(value: object, path: str, depth: int, hashable: bool) -> Any:
    if depth == 0:
        raise EncodingError(
            path,
            f"at most {MAX_DEPTH} levels of nesting",
            "more",
            "pass something flatter (or does the value contain itself?)",
        )
    collection = _kind_of(value, COLLECTION_BY_TYPE, COLLECTIONS)
    if collection is not None:
        return {TAG: collection.name, PAYLOAD: _items(value, collection.type, path, depth - 1, hashable)}
    if isinstance(value, list | dict) and hashable:
        raise EncodingError(path, "an element of a set to be hashable", _class_path(value), "pass a list of them")
    if isinstance(value, list):
        return [sayable(item, f"{path}[{index}]", depth - 1) for index, item in enumerate(value)]
    if isinstance(value, dict):
        return _dict(value, path, depth - 1)
    return _object(value, path, depth, hashable)


def _items(value: Any, kind: type, path: str, depth: int, hashable: bool) -> list[Any]:
    if kind is tuple:
        return [sayable(item, f"{path}[{index}]", depth, hashable=hashable) for index, item in enumerate(value)]
    # Sorted by what is written: equal sets give equal bytes in every process.
    return sorted((sayable(item, f"{path}{{…}}", depth, hashable=True) for item in value), key=msgspec.json.encode)


def _dict(value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
    said = {}
    for key, item in value.items():
        at = f"{path}[{_key(key)}]"
        if not isinstance(key, str):
            raise EncodingError(at, "a dict key to be str", _class_path(key), "pass str(key), or a list of pairs")
        said[_text(key.value if isinstance(key, Enum) else key, at)] = sayable(item, at, depth)
    return _tag_safe(said)


def _object(value: object, path: str, depth: int, hashable: bool) -> Any:
    promise = getattr(sys.modules.get("django.utils.functional"), "Promise", None)
    if promise is not None and isinstance(value, promise):  # a lazy translation
        return _text(str(value), path)
    if is_secret(value) and not hashable:
        return {TAG: SECRET, PAYLOAD: sayable(value.get_secret_value(), path, depth)}  # type: ignore[attr-defined]
    fields = _fields(value)
    if fields is None:
        raise EncodingError(path, "a value that JSON can carry", _class_path(value), _remedy(value))
    if hashable:
        raise EncodingError(path, "an element of a set to be hashable", _class_path(value), "pass a list of them")
    if not isinstance(fields, dict):  # the root of a pydantic RootModel
        return sayable(fields, path, depth)
    return _tag_safe({name: sayable(item, f"{path}.{name}", depth - 1) for name, item in fields.items()})


def _fields(value: object) -> Any:
    """Return the fields of a dataclass instance, Struct or pydantic model by the names they travel under, or None."""
    kind = type(value)
    if isinstance(value, Struct):
        config = value.__struct_config__
        fields: dict[str, object] = {config.tag_field: config.tag} if config.tag_field else {}
        names = zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True)  # type: ignore[attr-defined]
        fields.update((said, getattr(value, name)) for said, name in names)
        return {name: item for name, item in fields.items() if item is not msgspec.UNSET}
    if hasattr(kind, "__dataclass_fields__"):
        import dataclasses  # loaded already: the value's class came from it

        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
    if is_pydantic(kind):
        return value.model_dump(by_alias=True)  # type: ignore[attr-defined]
    return None


def is_pydantic(kind: type) -> bool:
    """Tell whether a class is a pydantic (2) model, without importing pydantic."""
    model = getattr(sys.modules.get("pydantic.main"), "BaseModel", None)
    return model is not None and issubclass(kind, model) and hasattr(kind, "model_dump")


def _tag_safe(said: dict[str, Any]) -> dict[str, Any]:
    return {TAG: ESCAPED_DICT, PAYLOAD: said} if TAG in said else said


def _text(value: str, path: str) -> str:
    text = str.__str__(value)
    if "\0" in text:
        raise EncodingError(path, "text without NUL characters", _short(text), "remove them, or pass bytes")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EncodingError(
            path,
            "text that UTF-8 can say",
            f"a lone surrogate in {_short(text)!a}",
            'replace it (text.encode("utf-8", "replace").decode()), or pass bytes (os.fsencode for a file name)',
        ) from None
    return text


def _integer(value: int, path: str) -> int:
    number = int.__index__(value)
    if not -_INT_BOUND < number < _INT_BOUND:
        raise EncodingError(
            path, f"an integer of at most {MAX_INT_DIGITS} digits", f"{number.bit_length()} bits", "pass hex(value)"
        )
    return number


def _finite(value: float, path: str) -> float:
    number = float.__float__(value)
    if not isfinite(number):
        raise EncodingError(path, "a finite number (JSON has no NaN or Infinity)", str(number), "pass None or a str")
    return number


def _kind_of(value: object, by_type: dict[type, Kind[Any]], kinds: tuple[Kind[Any], ...]) -> Kind[Any] | None:
    kind = by_type.get(type(value))
    return kind or next((kind for kind in kinds if isinstance(value, kind.type)), None)


def _class_path(value: object) -> str:
    kind = value.__class__
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _short(value: object) -> str:
    if isinstance(value, str):
        return repr(str.__str__(value) if len(value) <= 60 else f"{value[:59]}…")
    return str(value) if isinstance(value, int | float | None) else f"<{_class_path(value)}>"


def _key(key: object) -> str:
    return f'"{_short(key)[1:-1]}"' if type(key) is str else _short(key)


def _remedy(value: object) -> str:
    kind = value.__class__  # not type(): a lazy object stands for another one
    if hasattr(getattr(kind, "_meta", None), "pk"):  # a row of a Django model
        pk = getattr(value, "pk", None)
        advice = f"pass its pk, {pk!r}," if pk is not None else "save it, pass its pk"
        return f"{advice} and load it in the task: task.delay(instance.pk)"
    if hasattr(value, "model") and hasattr(value, "values_list"):  # a queryset or manager of Django's
        return "pass list(queryset.values_list('pk', flat=True)), and load the rows in the task"
    if hasattr(kind, "_sa_instance_state") or hasattr(value, "_sa_instance_state"):
        return "pass its id and load it in the task"
    if isinstance(value, PathLike):
        return "pass str(path)"
    if isinstance(value, bytearray | memoryview):
        return "pass bytes(value)"
    if isinstance(value, Mapping):
        return "pass dict(value)"
    if isinstance(value, BaseException):
        return "pass str(error)"
    if callable(value):
        return "pass its name"
    if hasattr(value, "dtype"):  # a number or array of numpy or pandas
        return "pass value.tolist()"
    if hasattr(kind, "__iter__"):
        return "pass list(value), or the ids of what it yields"
    return "pass its id, or a dict of what the task needs; objects are never pickled"
