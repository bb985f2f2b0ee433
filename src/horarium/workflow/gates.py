"""How a blocked message goes on when those that it waits for have ended: it is released, or it is doomed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, milliseconds
from horarium.message import Gate, Message
from horarium.outcome import ENDED, ErrorRecord, Expired, Failed, Ignored, Outcome, Revoked, State, told
from horarium.workflow.follow import follow_ups
from horarium.workflow.plan import prepend


class Doom(Struct, frozen=True, kw_only=True):
    """How a message that was waited for has ended."""

    id: str
    state: State
    error: ErrorRecord | None = None


def dooms(state: str) -> bool:
    """Tell whether an end in this state dooms whoever waits for it."""
    return state in ENDED and state != State.SUCCESS


def released(message: Message, values: Sequence[Raw], *, now: Instant) -> Message:
    """Return the message as it waits in line once its gate is open: with the values in front of its arguments, as the
    gate says, and its relative times counted from now. It is due at its eta, if that is still ahead."""
    gate = message.gate or Gate()
    args, eta, expires = message.args, message.eta, message.expires
    if gate.gives == "list":
        args = prepend(Raw(b"[" + b",".join(bytes(value) for value in values) + b"]"), args)
    elif gate.gives == "value" and values:
        args = prepend(values[0], args)
    if gate.countdown > 0:
        eta = max(now + milliseconds(gate.countdown), eta or 0)
    if gate.expires_in is not None:
        expires = now + milliseconds(gate.expires_in)
    return msgspec.structs.replace(message, args=args, eta=eta, expires=expires, gate=None)


def doomed(message: Message, cause: Doom, *, now: Instant) -> tuple[Outcome, tuple[Message, ...]]:
    """Return how a blocked message ends because one that it waits for did not succeed, and what that sets off.

    The next step of a chain ends as the one before did, with the same error, and calls nobody: that one has called
    its errbacks. A chord's body fails with ChordError, and calls its own errbacks with its own id: it is for them to
    tell of the whole header, once.
    """
    if message.gate is not None and message.gate.is_link:
        return _shared(cause), ()
    outcome = _chord_error(cause)
    return outcome, follow_ups(message, outcome, now=now)


def _shared(cause: Doom) -> Outcome:
    match cause.state:
        case State.REVOKED:
            return Revoked(reason=cause.error.text if cause.error is not None else "revoked")
        case State.EXPIRED:
            return Expired()
        case State.IGNORED:
            return Ignored()
        case _:
            return Failed(error=cause.error or told("TaskError", f"{cause.id} ended as {cause.state}"))


def _chord_error(cause: Doom) -> Outcome:
    name = cause.error.class_path.rpartition(".")[2] if cause.error is not None else str(cause.state)
    text = cause.error.text if cause.error is not None else ""
    return Failed(error=told("ChordError", f"Dependency {cause.id} raised {name}({text!r})"))
