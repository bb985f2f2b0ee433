"""What stands in a queue of Celery's: a message of its protocol 2, as the two directions pass it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from horarium.errors import HorariumError

JSON = "application/json"
HANDED_OVER = "handed_over"  # the header of a message of ours that waits for its result from Celery
CELERY = "celery"  # the header in which travels what only Celery has a word for


class Envelope(Struct, frozen=True, kw_only=True):
    """One message as the broker has it, its body decompressed. ``priority`` is in the broker's own direction."""

    body: bytes
    content_type: str = JSON
    content_encoding: str = "utf-8"
    headers: dict[str, Any]  # Any: what Celery and its users put there
    priority: int | None = None
    correlation_id: str = ""
    reply_to: str = ""


class Defaults(Struct, frozen=True, kw_only=True):
    """What the app says about a task of which a message does not speak."""

    queue: str
    at_most_once: bool = False


Placed: TypeAlias = Callable[[str], Defaults]  # from the name of a task
Ranked: TypeAlias = Callable[[int | None], int]  # from one side's priority to the other's


class Refusal(HorariumError):
    """A message cannot cross; the text says why and what to do. It is set aside, never dropped."""
