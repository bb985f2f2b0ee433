"""How the model test settles a delivery: every outcome, with and without what may come along with it."""

from __future__ import annotations

from typing import TypedDict

from hypothesis import strategies as st
from msgspec import Raw, structs
from orders import FAR, LIMITED, Canvas, canvases, in_place_of, uniques

from horarium.message import Delivery, Join, Message, Unique
from horarium.outcome import (
    Crashed,
    ErrorRecord,
    Failed,
    Outcome,
    Progress,
    Rejected,
    Released,
    Replaced,
    Reported,
    Retried,
    Settlement,
    Succeeded,
)

OOPS = ErrorRecord(class_path="builtins.ValueError", args=Raw(b"[1]"), text="oops", traceback="line 1\n")
KILLED = ErrorRecord(class_path="builtins.Killed", text="signal 9")
CANVAS = 13  # the kind of an ending that puts a workflow in its place
OTHERS = {"t": "u", "u": "t", "v": "w", "w": "v"}


class Ending(TypedDict):
    """How a delivery is settled."""

    kind: int  # see _outcomes
    tells_times: bool
    follows_up: bool
    unique: Unique | None  # of the follow-up
    widens: bool
    is_kept_apart: bool  # the value that is passed on is not the result that is kept
    canvas: Canvas


endings = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([0, 0, 0, 0, 0, 0, 1, *range(2, CANVAS + 1), CANVAS]),
        "tells_times": st.booleans(),
        "follows_up": st.booleans(),
        "unique": uniques,
        "widens": st.booleans(),
        "is_kept_apart": st.sampled_from([False, False, True]),
        "canvas": canvases,
    }
)


def settlement(delivery: Delivery, ending: Ending) -> Settlement:
    message = delivery.message
    outcome, rest = _outcome(delivery, ending)
    is_end = isinstance(outcome, Succeeded)
    widened = [join.id for join in message.joins] if ending["widens"] and is_end else []
    follow_ups = list(rest)
    if ending["follows_up"] or widened:
        follow_ups.append(
            Message(
                id=f"after {message.id}",
                task="t",
                queue="q",
                created=message.created,
                parent=message.id,
                unique=ending["unique"],
                joins=tuple(Join(id=id, place=FAR) for id in widened),
            )
        )
    return Settlement(
        id=message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=outcome,
        worker="w" if ending["tells_times"] else "",
        started=delivery.claimed if ending["tells_times"] else None,
        ended=delivery.claimed + 5 if ending["tells_times"] else None,
        follow_ups=tuple(follow_ups),
        joins=message.joins if is_end else (),
        value=Raw(b"[7, 7]") if is_end and message.joins and ending["is_kept_apart"] else None,
        widens=dict.fromkeys(widened, 1),
        logs=("line",) if ending["follows_up"] else (),
        keep=9.0 if ending["follows_up"] else None,
    )


def success(delivery: Delivery) -> Settlement:
    """Return the plainest of all settlements; of some the value that is passed on is not the result that is kept."""
    is_kept_apart = delivery.message.joins and ord(delivery.message.id[-1]) % 2
    return Settlement(
        id=delivery.message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=Succeeded(result=Raw(b'"%s"' % delivery.message.id.encode())),
        joins=delivery.message.joins,
        value=Raw(b"[8]") if is_kept_apart else None,
        started=delivery.claimed,
        ended=delivery.claimed + 1,
    )


def _outcome(delivery: Delivery, ending: Ending) -> tuple[Outcome, tuple[Message, ...]]:
    if ending["kind"] == CANVAS:
        end, rest = in_place_of(delivery.message, ending["canvas"], fence=delivery.fence, now=delivery.claimed)
        return Replaced(message=end), rest
    message = delivery.message
    again = structs.replace(message, retries=message.retries + 1, eta=message.created + 7000, queue="r")
    may_expire = message.slot is None and message.task not in LIMITED and message.expires is None
    other = structs.replace(
        message,
        task=OTHERS.get(message.task, "t"),
        queue="q",
        priority=11 - message.priority,
        expires=message.created + 60_000 if may_expire else None,
        parent="p" if message.parent is None else None,
        at_most_once=not message.at_most_once,
        unique=None,  # the key is the run's, whatever this says
    )
    outcomes: list[Outcome] = [
        Succeeded(result=Raw(b'{"a": 1}')),
        Succeeded(result=None),
        Failed(error=OOPS),
        Retried(message=again, error=OOPS),
        Retried(message=structs.replace(again, eta=None, unique=Unique(key="never")), error=OOPS),
        Retried(message=other, error=OOPS),
        Released(reason="stopping"),
        Released(reason="busy", delay=3.0),
        Crashed(error=KILLED),
        Rejected(reason="no"),
        Reported(state="BAKING", meta=Raw(b"[2]")),
        Reported(progress=Progress(done=1, total=2)),
        Replaced(message=structs.replace(other, args=Raw(b"[3]"))),
    ]
    return outcomes[ending["kind"]], ()
