"""What the arguments of a call make of its message: the slot that it needs, and the key that makes it the only one.

A key is told by a text such as ``customer:{customer_id}`` (with the names of the task's parameters, defaults included),
by a list of such names, or by a function that is called as the task would be; one that returns None means no key. Where
the task is not defined in this process, only what the call itself names can be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha1
from typing import Any, Literal

import msgspec
from msgspec import Struct

from horarium import codec
from horarium.app.definition import Definition
from horarium.app.options import KeyRule
from horarium.clock import Seconds
from horarium.errors import InvalidArguments
from horarium.message import Slot, Unique

UNIQUE_OPTIONS = frozenset("unique_for unique_key unique_until debounce".split())
LONGEST_KEY = 200  # characters; a longer one is stored by its digest


class Shape(Struct, frozen=True):
    """What a message gets besides its arguments; nothing, for most."""

    slot: Slot | None = None
    unique: Unique | None = None
    wait: Seconds | None = None  # of a debounced call, unless it has an eta


class Given:
    """Stands for the value that a step will be given by the one before it: nobody knows it yet."""

    def _refuse(self, *_: object) -> Any:
        raise NotKnownYet

    __getattr__ = __getitem__ = __format__ = __str__ = __repr__ = __eq__ = __hash__ = __iter__ = __bool__ = _refuse


class NotKnownYet(Exception):
    """A key asked for the value that a step will be given."""


GIVEN = Given()


def has_shape(task: Definition | None) -> bool:
    """Tell whether messages of a task need a look at their arguments."""
    return task is not None and any(
        option is not None
        for option in (task.concurrency_key, task.unique_for, task.unique_key, task.unique_until, task.debounce)
    )


def shape_of(
    name: str, task: Definition | None, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
) -> Shape:
    """Return what a call's message gets, by the declaration and the options of the call.

    Raises: InvalidArguments when a key asks for an argument that the call has not.
    """
    slot: Slot | None = None
    if task is not None and task.concurrency_key is not None:
        try:
            key = _key(name, "concurrency_key", task.concurrency_key, task, args, kwargs)
        except NotKnownYet:
            raise InvalidArguments(
                f"expected the concurrency_key of {name} to be known when it is sent, got one that needs the result of "
                "the step before; let the key use other arguments, and pass these by name"
            ) from None
        slot = Slot(key=_short(key), size=task.concurrency or 1) if key is not None else None
    unique, wait = _unique(name, task, args, kwargs, options)
    return Shape(slot, unique, wait)


def _unique(
    name: str, task: Definition | None, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Unique | None, Seconds | None]:
    chosen = {option: options.get(option, getattr(task, option, None)) for option in UNIQUE_OPTIONS}
    if all(value is None for value in chosen.values()):
        return None, None
    wait = _seconds(chosen["debounce"])
    try:
        key = _unique_key(name, chosen["unique_key"], task, args, kwargs)
    except NotKnownYet:  # two such steps may turn out different
        key = None
    if key is None:
        return None, wait
    until: Literal["start", "end"] = "start" if wait is not None or chosen["unique_until"] == "start" else "end"
    lasts = _seconds(chosen["unique_for"])
    return Unique(key=_short(f"{name}:{key}"), until=until, lasts=lasts, replaces=wait is not None), wait


def _unique_key(
    name: str, rule: KeyRule | None, task: Definition | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    if rule is not None:
        return _key(name, "unique_key", rule, task, args, kwargs)
    positional, named = _named(name, task, args, kwargs)
    return _digest([positional, named])


def _key(
    name: str, option: str, rule: KeyRule, task: Definition | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    if callable(rule):
        key = rule(*args, **kwargs)
        return None if key is None else str(key)
    _, named = _named(name, task, args, kwargs)
    if isinstance(rule, str):
        try:
            return rule.format(*args, **named)
        except (LookupError, AttributeError) as error:
            raise _missing(name, option, rule, error, named) from None
    missing = [argument for argument in rule if argument not in named]
    if missing:
        raise _missing(name, option, rule, missing[0], named)
    return _digest([named[argument] for argument in rule])


def _named(
    name: str, task: Definition | None, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that have no name, and those by name, so that two ways of one call look the same."""
    if task is None:
        return list(args), dict(kwargs)
    try:
        return task.arguments.named(args, kwargs)
    except TypeError as error:
        raise InvalidArguments(f"expected a call that fits {name}, got {error}; mend the call") from None


def _digest(value: Any) -> str:
    if _has_given(value):
        raise NotKnownYet
    plain = msgspec.json.decode(codec.encode(value, path="args"))
    return sha1(msgspec.json.encode(plain, order="deterministic"), usedforsecurity=False).hexdigest()


def _has_given(value: Any) -> bool:
    if isinstance(value, dict):
        return any(inner is GIVEN for inner in value.values())
    return any(inner is GIVEN or (isinstance(inner, dict | list) and _has_given(inner)) for inner in value)


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:100]}:{sha1(key.encode(), usedforsecurity=False).hexdigest()}"


def _seconds(value: Seconds | timedelta | None) -> Seconds | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _missing(name: str, option: str, rule: object, what: object, named: Mapping[str, Any]) -> InvalidArguments:
    return InvalidArguments(
        f"expected {option} of {name} to name arguments of the call ({', '.join(sorted(named)) or 'it has none'}), got "
        f"{rule!r:.100}: {what}; correct the key, or pass the argument by name"
    )
