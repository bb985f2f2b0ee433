"""How what can be called is written on a page: names, hints as the code has them, defaults that can be read."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

HOUSE = "horarium"
MODULE = re.compile(r"\b[a-z_]+\.(?=[A-Z])")  # before a class
STARS: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
PLAIN = (type(None), bool, int, float, str, tuple, frozenset)


def called(name: str, thing: Any, *, is_member: bool = False) -> str:
    """Return how a thing is called, or nothing for what is not; of members without what they are called on."""
    if isinstance(thing, property | cached_property) or not callable(thing):
        return ""
    if isinstance(thing, type) and issubclass(thing, msgspec.Struct):
        return f"{name}({', '.join(f'{field}: {hint}' for field, hint in thing.__annotations__.items())})"
    try:
        signature = inspect.signature(thing)
    except ValueError:  # one of Python's own
        return ""
    given = [*signature.parameters.values()]
    if is_member and given and given[0].name in ("self", "cls"):
        given = given[1:]
    returned = "" if isinstance(thing, type) else _hint(signature.return_annotation, " -> ")
    return f"{name}({', '.join(_parameters(given))}){returned}"


def hint_of(member: Any) -> str:
    """Return what is written behind the name of a property: its type."""
    getter = member.fget if isinstance(member, property) else getattr(member, "func", None)
    return _hint(inspect.signature(getter).return_annotation, ": ") if getter is not None else ""


def members_of(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class has from the house, its own first, in the code's order."""
    seen: set[str] = set()
    for base in kind.__mro__:
        if not base.__module__.startswith(HOUSE):
            continue
        for name, member in vars(base).items():
            wrapped = isinstance(member, classmethod | staticmethod)
            is_one = wrapped or inspect.isfunction(member) or isinstance(member, property | cached_property)
            if is_one and not name.startswith("_") and name not in seen:
                seen.add(name)
                yield name, member.__func__ if wrapped else member


def shown_default(value: Any) -> str:
    """Return a default as it is written, or `...` for what has no way to be."""
    if not isinstance(value, PLAIN):
        return "..."
    if isinstance(value, float):
        return f"{value:g}"
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _parameters(given: list[inspect.Parameter]) -> Iterator[str]:
    kinds = inspect.Parameter
    starred = False
    for n, parameter in enumerate(given):
        if parameter.kind is kinds.KEYWORD_ONLY and not starred:
            starred = True
            yield "*"
        stars = STARS.get(parameter.kind, "")
        starred = starred or parameter.kind is kinds.VAR_POSITIONAL
        default = "" if parameter.default is kinds.empty else f" = {shown_default(parameter.default)}"
        yield f"{stars}{parameter.name}{_hint(parameter.annotation, ': ')}{default}"
        if parameter.kind is kinds.POSITIONAL_ONLY and (
            n + 1 == len(given) or given[n + 1].kind is not kinds.POSITIONAL_ONLY
        ):
            yield "/"


def _hint(annotation: Any, before: str) -> str:
    """Return a hint as the code has it; Any says nothing."""
    if annotation is inspect.Signature.empty:
        return ""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = MODULE.sub("", text.strip('"'))
    return "" if text == "Any" else f"{before}{text}"
