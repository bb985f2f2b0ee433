"""What a running task puts in its own place, or beside itself: laid out here, put in one step with its end."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from horarium.app.canvas import chain
from horarium.app.sending import Office, lay_out
from horarium.app.signature import Signature
from horarium.app.stamping import stamp
from horarium.app.wire import is_streamed
from horarium.errors import ImproperlyConfigured
from horarium.message import Join, Message, derived_id
from horarium.workflow.plan import Workflow

# The places of what is added to a chord: after its header, in the order of those who add.
ADDED = 2**40
ADDED_EACH = 10_000
NESTING = "replaced_task_nesting"


def refuse_empty(sig: Any) -> None:
    """Raises: ImproperlyConfigured for what could not stand in anybody's place."""
    if isinstance(sig, chain) and not is_streamed(sig) and not sig.tasks:
        raise ImproperlyConfigured("Cannot replace with an empty chain")


def in_place_of(app: Office, message: Message, sig: Signature) -> Workflow:
    """Return the messages of a signature that takes a message's place: one of them has its id, its stamps and joins."""
    nesting = int(message.headers.get(NESTING, 0)) + 1
    last = replace(message, headers={**message.headers, NESTING: nesting})
    if message.headers.get("stamps"):
        stamp(sig, None, dict(message.headers["stamps"]))
    return lay_out(app, sig, last=last, name=f"{message.id}|replace|{nesting}")


def beside(app: Office, message: Message | None, sig: Signature, *, number: int) -> tuple[str, Workflow]:
    """Return the id and the messages of a signature that joins the chord of a message. Raises: ValueError."""
    joins = message.joins if message is not None else ()
    join = next((join for join in joins if join.place is not None), None)
    if message is None or join is None:
        raise ValueError("expected the running task to be in the header of a chord, got one that is in none")
    name = f"{message.id}|add|{number}"
    place = Join(id=join.id, place=ADDED + (join.place or 0) * ADDED_EACH + number)
    id = sig.options.get("task_id") or derived_id(name)
    last = Message(id=id, task="", created=0, joins=(place,), group=message.group)
    return id, lay_out(app, sig, last=last, name=name)
