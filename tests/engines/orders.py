"""What the model test puts: messages of every kind, and canvases as workflow.plan lays them.

Two kinds have no ``expires``, because a claim may meet an overdue one of these, or not: those with a slot, and those of
the tasks that claims limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias, TypedDict

from hypothesis import strategies as st
from msgspec import Raw, structs
from sightings import ERRORS

from horarium.clock import Instant
from horarium.engines.records import Limit
from horarium.message import Gate, Join, Message, Signature, Slot, Unique
from horarium.workflow.plan import Setting, plan

QUEUES = ("q", "r")
LIMITED = ("v", "w")
SHARED = Limit(rate=0.5, burst=2, bucket="shared")  # powers of two: no engine's arithmetic can round them otherwise
LIMITS: tuple[Mapping[str, Limit] | None, ...] = (
    None,
    {"v": Limit(running=1)},
    {"v": SHARED, "w": SHARED},
    {"v": SHARED, "w": SHARED},
    {"v": Limit(running=0), "w": Limit(running=2, rate=1.0, burst=1, bucket="w")},
)
ON_ERROR = Signature(task="on_error", options={"queue": ERRORS})
FAR = 10**9  # the place of a member that came later

Name: TypeAlias = Callable[[str], str]


class Order(TypedDict):
    """Some messages that are put in one call."""

    queue: str
    task: str
    priority: int
    eta: float | None
    expires: float | None
    once: bool
    schedule: str | None
    count: int
    slot: Slot | None
    unique: Unique | None


class Canvas(TypedDict):
    """A workflow that is sent, in one call or in several."""

    shape: Literal["chain", "chord", "chain of chords", "chord of chains", "group in a chain"]
    width: int
    options: dict[str, object]
    has_errbacks: bool
    is_immutable: bool
    calls: int


uniques = st.sampled_from(
    [
        None,
        None,
        None,
        None,
        Unique(key="k"),
        Unique(key="k", replaces=True),
        Unique(key="k", until="start", lasts=5.0),
        Unique(key="l", until="start"),
        Unique(key="l", until="start", replaces=True),
        Unique(key="l", lasts=5.0, replaces=True),
    ]
)
slots = st.sampled_from([None, None, Slot(key="k"), Slot(key="k"), Slot(key="k", size=2), Slot(key="l")])
orders = st.fixed_dictionaries(
    {
        "queue": st.sampled_from(QUEUES),
        "task": st.sampled_from(["t", "t", "u", "v", *LIMITED]),
        "priority": st.sampled_from([5, 5, 2, 9]),
        "eta": st.sampled_from([None, None, None, -3.0, 4.0, 20.0]),
        "expires": st.sampled_from([None, None, None, None, 0.0, 3.0, 40.0]),
        "once": st.sampled_from([False, False, True]),
        "schedule": st.sampled_from([None, None, "s"]),
        "count": st.integers(1, 3),
        "slot": slots,
        "unique": uniques,
    }
)
canvases = st.fixed_dictionaries(
    {
        "shape": st.sampled_from(["chain", "chord", "chord", "chain of chords", "chord of chains", "group in a chain"]),
        "width": st.integers(1, 3),
        "options": st.sampled_from(
            [
                {},
                {},
                {"queue": "r", "priority": 9},
                {"countdown": 3.0},
                {"expires_in": 40.0},
                {"slot": {"key": "k", "size": 1}},
                {"unique": {"key": "k"}},
            ]
        ),
        "has_errbacks": st.booleans(),
        "is_immutable": st.booleans(),
        "calls": st.sampled_from([1, 1, 2]),
    }
)


def messages_of(order: Order, name: Name, now: Instant) -> tuple[Message, ...]:
    eta, expires = order["eta"], order["expires"]
    if order["slot"] is not None or order["task"] in LIMITED:
        expires = None
    return tuple(
        Message(
            id=name("m"),
            task=order["task"],
            args=Raw(b"[1]"),
            queue=order["queue"],
            priority=order["priority"],
            created=now,
            eta=None if eta is None else now + round(eta * 1000),
            expires=None if expires is None else now + round(expires * 1000),
            at_most_once=order["once"],
            schedule=order["schedule"],
            slot=order["slot"],
            unique=order["unique"],
            error_links=(ON_ERROR,),
        )
        for _ in range(order["count"])
    )


def calls_of(canvas: Canvas, name: Name, now: Instant) -> list[tuple[Message, ...]]:
    """Return the messages of a workflow, call by call: whoever waits comes before those that it waits for."""
    messages = plan(signature_of(canvas), Setting(name=name("w"), now=now)).messages
    cut = len(messages) if canvas["calls"] == 1 else len(messages) // 2 + 1
    return [part for part in (messages[:cut], messages[cut:]) if part]


def in_place_of(message: Message, canvas: Canvas, *, fence: int, now: Instant) -> tuple[Message, tuple[Message, ...]]:
    """Return what runs in the place of a message that replaces itself by a workflow, and the rest of that."""
    laid = plan(signature_of(canvas), Setting(name=f"{message.id} {fence}", now=now), last=message).messages
    (end,) = [each for each in laid if each.id == message.id]
    return end, tuple(each for each in laid if each.id != message.id)


def signature_of(canvas: Canvas) -> Signature:
    step = Signature(
        task="t",
        args=Raw(b"[0]"),
        options={"queue": "q", **canvas["options"]},
        error_links=(ON_ERROR,) if canvas["has_errbacks"] else (),
    )
    body = structs.replace(step, task="u", immutable=canvas["is_immutable"])
    width = canvas["width"]
    chain = Signature(task="chain", kind="chain", tasks=(step, *(body,) * width))
    chord = Signature(task="chord", kind="chord", tasks=(step,) * width, body=body)
    group = Signature(task="group", kind="group", tasks=(step,) * width)
    match canvas["shape"]:
        case "chain":
            return chain
        case "chord":
            return chord
        case "chain of chords":
            return Signature(task="chain", kind="chain", tasks=(chord, chord))
        case "chord of chains":
            return Signature(task="chord", kind="chord", tasks=(chain,) * width, body=body)
        case "group in a chain":
            return Signature(task="chain", kind="chain", tasks=(step, group, body))


def open_body(name: Name, now: Instant, *, expires: Instant | None) -> Message:
    """Return a message of which nobody knows yet for how many it waits."""
    return Message(
        id=name("body"), task="u", queue="q", created=now, expires=expires, gate=Gate(), error_links=(ON_ERROR,)
    )


def members(gate: str, count: int, name: Name, now: Instant) -> tuple[Message, ...]:
    """Return messages that a blocked one waits for, if it still does."""
    return tuple(
        Message(id=name("h"), task="t", queue="r", created=now, joins=(Join(id=gate, place=place),))
        for place in range(count)
    )
