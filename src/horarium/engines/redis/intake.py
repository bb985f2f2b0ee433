"""How a message goes into the store: its JSON, and what the scripts are told of it beside that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from horarium.clock import milliseconds
from horarium.engines.redis.rows import encode, indexes_of
from horarium.message import Message

# The parts in which the JSON of a message with a slot or a unique key is kept: see lua/parts/slots.lua. KEPT is what
# message.superseded keeps when a newer one takes its place.
KEPT = ("id", "created", "root", "parent", "group", "group_index", "gate", "joins", "schedule", "nominal")
MIDDLE = ("queue", "priority", "task", "expires", "slot", "unique")
REST = tuple(name for name in Message.__struct_fields__ if name not in KEPT + MIDDLE)
ALWAYS = ("queue", "priority")  # written where they are the default, too: the scripts know no defaults
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Message)}

pack = msgspec.msgpack.Encoder().encode


def text_of(message: Message) -> bytes:
    """Return the JSON of a message as it is kept."""
    if message.slot is None and message.unique is None:
        return encode(message)
    kept, middle, rest = (_members(message, names) for names in (KEPT, MIDDLE, REST))
    return b"{" + kept + b"\n," + middle + b"\n" + (b"," + rest if rest else b"") + b"}"


def put_arguments(message: Message) -> tuple[str | bytes | int, ...]:
    """Return a message as parts/put.lua wants it."""
    is_plain = not (message.schedule or message.parent or message.root) and (
        message.gate is None and message.slot is None and message.unique is None
    )
    return (
        message.id,
        message.queue,
        message.priority,
        message.task,
        "" if message.eta is None else message.eta,
        "" if message.expires is None else message.expires,
        message.created,
        "" if is_plain else pack(_extras(message)),
        "" if message.nominal is None else message.nominal,
        text_of(message),
    )


def turns_at_once(messages: Iterable[Message]) -> list[str]:
    """Return the ids of those whose gates open as soon as they are put: they wait for nobody."""
    return [message.id for message in messages if message.gate is not None and message.gate.size == 0]


def _extras(message: Message) -> dict[str, Any]:  # Any: each its own
    extras: dict[str, Any] = {}
    if indexes := indexes_of(message):
        extras["index"] = indexes
    if message.gate is not None:
        extras["gate"] = "" if message.gate.size is None else message.gate.size
    if message.slot is not None or message.unique is not None:
        extras["special"] = True
    unique = message.unique
    if unique is not None:
        extras["unique"] = (
            unique.key,
            "" if unique.lasts is None else milliseconds(unique.lasts),
            unique.replaces,
        )
    return extras


def _members(message: Message, names: Iterable[str]) -> bytes:
    """Return these fields as members of a JSON object, without those that are as by default."""
    given = ((name, getattr(message, name)) for name in names)
    return b",".join(
        encode(name) + b":" + encode(value) for name, value in given if name in ALWAYS or not _is_default(name, value)
    )


def _is_default(name: str, value: object) -> bool:
    return value == DEFAULTS[name] or (name == "headers" and not value)
