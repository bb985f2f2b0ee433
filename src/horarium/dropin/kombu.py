"""The names of kombu that programs use next to celery, for where kombu is not installed.

They are plain values: a queue is its name here, and what else was said of it is kept for those who ask.
"""

from __future__ import annotations

from typing import Any

from horarium import codec
from horarium.dropin.tools import uuid as uuid
from horarium.errors import ImproperlyConfigured


class Exchange:
    """A name that queues are bound to; there is none here."""

    def __init__(self, name: str = "", type: str = "direct", channel: Any = None, **options: Any) -> None:
        self.name = name
        self.type = type or "direct"
        self.options = options

    def __repr__(self) -> str:
        return f"Exchange({self.name!r}, type={self.type!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exchange) and (self.name, self.type) == (other.name, other.type)

    def __hash__(self) -> int:
        return hash((self.name, self.type))


class binding:
    """A routing key of an exchange, for a queue that has several."""

    def __init__(self, exchange: Exchange | str | None = None, routing_key: str = "", **options: Any) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.options = options


class Queue:
    """A queue by its name. ``durable``, ``queue_arguments`` and the like are kept and have no effect."""

    def __init__(
        self,
        name: str = "",
        exchange: Exchange | str | None = None,
        routing_key: str = "",
        channel: Any = None,
        bindings: Any = None,
        **options: Any,
    ) -> None:
        self.name = name
        self.exchange = Exchange(exchange) if isinstance(exchange, str) else exchange or Exchange()
        self.routing_key = routing_key
        self.bindings = set(bindings or ())
        self.queue_arguments = options.get("queue_arguments")
        self.max_priority = options.get("max_priority")
        self.options = options

    def __repr__(self) -> str:
        return f"Queue({self.name!r})"

    def __eq__(self, other: object) -> bool:
        mine = (self.name, self.exchange, self.routing_key)
        return isinstance(other, Queue) and mine == (other.name, other.exchange, other.routing_key)

    def __hash__(self) -> int:
        return hash((self.name, self.routing_key))


class Broadcast(Queue):
    """A queue that every worker gets a copy of. Raises: ImproperlyConfigured, for there is none here."""

    def __init__(self, name: str | None = None, *args: Any, **options: Any) -> None:
        raise ImproperlyConfigured(
            f"expected a queue whose messages go to one worker each, got Broadcast({name!r}); send one message to a "
            "queue of each worker's own (`horarium worker -Q`)"
        )


def register(name: str, *args: Any, **kwargs: Any) -> None:
    """Refuse a serializer of one's own. Raises: ImproperlyConfigured."""
    raise ImproperlyConfigured(
        f"expected messages to be JSON, got the serializer {name!r}; pass what JSON can say (dates, decimals, UUIDs, "
        "sets, dataclasses and models come back as they went), or convert in the task"
    )


class _Registry:
    """``kombu.serialization.registry``, as far as there is one."""

    register = staticmethod(register)


registry = _Registry()


def dumps(value: Any, **_: Any) -> str:
    """Return a value as the JSON that travels."""
    return codec.encode(value, path="value").decode()


def loads(text: str | bytes, **_: Any) -> Any:
    """Return the value that such JSON means."""
    return codec.decode(text.encode() if isinstance(text, str) else text)
