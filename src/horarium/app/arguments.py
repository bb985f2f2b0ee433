"""Whether a call fits a function, and how arguments get back the types the function asks for.

``inspect`` and ``typing`` are heavy to import and slow to run, so both are used once per task, at its first call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from horarium import codec
from horarium.conversion import is_secret_hint
from horarium.errors import EncodingError, InvalidArguments, PayloadTooLarge

_PLACE = re.compile(r"args\[(\d+)\]")

# Hints whose values JSON carries as they are: nothing to convert, and no check is wanted.
_PLAIN = frozenset({int, float, str, bool, dict, list, object, type(None)})


def _convert(value: Any, hint: Any, path: str) -> Any:
    return codec.convert(value, hint, path=path)


class Arguments:
    """The parameters of one task's function, prepared for fast checks. ``skip`` leading ones are filled in by us."""

    def __init__(self, task: str, function: Callable[..., Any], *, skip: int) -> None:
        import inspect

        self._task = task
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())[skip:]
        self._signature = signature.replace(parameters=parameters)
        positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self._most = len(positional)
        self._least = sum(p.default is p.empty for p in positional)
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        self._allowed = frozenset(p.name for p in named)
        self._needed = frozenset(p.name for p in named if p.default is p.empty)
        self._nameable = not any(p.kind is p.POSITIONAL_ONLY and p.default is p.empty for p in positional)
        self._keyword_only_needed = any(p.kind is p.KEYWORD_ONLY for p in named if p.default is p.empty)
        self._is_open = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self._names = [p.name for p in positional]
        self._converted = _converted_hints(function, parameters)

    @property
    def positional(self) -> tuple[str, ...]:
        """The names of the parameters that may be given by their place, in order."""
        return tuple(self._names)

    @property
    def named_ones(self) -> frozenset[str]:
        """The names of all parameters, but for those of ``*args`` and ``**kwargs``."""
        return self._allowed | frozenset(self._names)

    @property
    def takes_any_name(self) -> bool:
        """Whether the function takes keywords that it does not name."""
        return any(p.kind is p.VAR_KEYWORD for p in self._signature.parameters.values())

    @property
    def secret(self) -> frozenset[str]:
        """The names of the parameters whose hints ask for a secret of pydantic's."""
        return frozenset(name for name, hint in self._converted.items() if is_secret_hint(hint))

    def takes_more_than(self, count: int) -> bool:
        """Whether the function can be called with more positional arguments than so many."""
        return self._most > count or self._is_open

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the positional parameters, in order."""
        return tuple(self._names)

    def check(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Raise InvalidArguments unless the function can be called so."""
        if not kwargs and not self._keyword_only_needed and self._least <= len(args) <= self._most:
            return  # by far the most calls
        if not args and self._nameable and self._needed <= kwargs.keys() <= self._allowed:
            return  # and most of the rest
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(
                f"expected a call of {self._task}{self._signature}, got "
                f"{len(args)} positional and keywords {sorted(kwargs)}: {error}; mend the call, or declare the task "
                "with typing=False to have it checked by the worker only"
            ) from None

    def naming(self, error: EncodingError) -> EncodingError:
        """Return the error with the name of the parameter beside its place, where it has one: ``args[0] (order)``."""
        place = _PLACE.match(error.path)
        number = int(place[1]) if place else len(self._names)
        if isinstance(error, PayloadTooLarge) or number >= len(self._names):
            return error
        named = EncodingError(f"{error.path} ({self._names[number]})", *error.args[1:])
        named.path = error.path
        return named

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return what a call passes beyond the named parameters, and the rest by name, defaults filled in: the same
        call looks the same however it is written. Raises: TypeError for one that does not fit."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        beyond: list[Any] = []
        named: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            kind = self._signature.parameters[name].kind
            if kind is kind.VAR_POSITIONAL:
                beyond = list(value)
            elif kind is kind.VAR_KEYWORD:
                named |= value
            else:
                named[name] = value
        return beyond, named

    def convert(
        self, args: list[Any], kwargs: dict[str, Any], *, by: Callable[[Any, Any, str], Any] = _convert
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments as the type hints ask for them, each made ``by`` a function of value, hint and name.

        Raises: DecodingError when one does not fit.
        """
        if not self._converted:
            return args, kwargs
        converted = list(args)
        for position, name in enumerate(self._names[: len(args)]):
            if name in self._converted:
                converted[position] = by(args[position], self._converted[name], name)
        named = {
            name: by(value, self._converted[name], name) if name in self._converted else value
            for name, value in kwargs.items()
        }
        return converted, named


def _converted_hints(function: Callable[..., Any], parameters: Sequence[Any]) -> dict[str, Any]:
    """Return the hints of those parameters that JSON does not carry as they are."""
    if not any(p.annotation is not p.empty for p in parameters):
        return {}
    import typing

    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}  # hints that cannot be resolved at run time (imports under TYPE_CHECKING) are for readers only
    return {
        p.name: hints[p.name]
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        and p.name in hints
        and hints[p.name] not in _PLAIN
        and hints[p.name] is not Any
    }
