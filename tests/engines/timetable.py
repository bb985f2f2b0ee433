"""What the model test does with schedules: new ones, edits of what was read, and firings of every kind."""

from __future__ import annotations

from typing import Literal, TypedDict, get_args

from hypothesis import strategies as st
from msgspec import structs
from orders import uniques

from horarium.clock import Instant
from horarium.message import FiringKind, Message, Unique
from horarium.schedules.record import Firing, Overlap, Schedule

MINUTE = 60_000


class Shot(TypedDict):
    """How a schedule is fired."""

    kind: FiringKind
    overlap: Overlap
    max_active: int
    count: int  # of instants; 0: all was missed
    is_last: bool
    once: bool
    expires: int | None  # ms from now
    unique: Unique | None


shots = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["auto", "auto", "auto", "backfill", "manual"]),
        "overlap": st.sampled_from([*get_args(Overlap), "queue_one"]),
        "max_active": st.sampled_from([1, 1, 2]),
        "count": st.sampled_from([1, 1, 1, 0, 2, 3]),
        "is_last": st.sampled_from([False] * 5 + [True]),
        "once": st.sampled_from([False, False, True]),
        "expires": st.sampled_from([None, None, None, 3_000]),
        "unique": uniques,
    }
)


def schedule(name: str, owner: Literal["code", "person"], *, next_fire: Instant, now: Instant) -> Schedule:
    return Schedule(
        id=f"id of {name} from {now}",
        name=name,
        task="t",
        spec={"type": "every", "seconds": 60},
        owner=owner,
        anchor=now,
        created=now,
        changed=now,
        next_fire=next_fire,
    )


def edited(read: Schedule, how: str, *, next_fire: Instant | None, now: Instant) -> Schedule:
    return structs.replace(
        read,
        paused_by={"pause": "eve", "resume": None}.get(how, read.paused_by),
        failures=0 if how == "pardon" else read.failures + 1,  # which may not be raised
        total_runs=99,  # nor this be set
        next_fire=read.next_fire if next_fire is None else next_fire,
        changed=now,
    )


def firing(read: Schedule, shot: Shot, now: Instant) -> Firing:
    """Return a firing of what was read, perhaps long ago."""
    first = read.next_fire or 0
    kind, count = shot["kind"], shot["count"] or (1 if shot["kind"] == "manual" else 0)
    expires = shot["expires"]
    messages = tuple(
        Message(
            id=f"{read.id} {nominal} {kind}",
            task="t",
            queue="q",
            created=now,
            schedule=read.name,
            nominal=nominal,
            at_most_once=shot["once"],
            expires=None if expires is None else now + expires,
            unique=shot["unique"],
        )
        for nominal in range(first, first + count * MINUTE, MINUTE)
    )
    return Firing(
        schedule=read.name,
        version=read.version,
        expected=read.next_fire,
        kind=kind,
        messages=messages,
        next_fire=None if shot["is_last"] else first + max(1, count) * MINUTE,
        missed=0 if count else 2,
        overlap=shot["overlap"],
        max_active=shot["max_active"],
    )


def firings_in_a_row(read: Schedule, shots: list[Shot], now: Instant) -> list[Firing]:
    """Return firings of which each expects that the one before it was sent."""
    firings: list[Firing] = []
    for shot in shots:
        before = firings[-1].next_fire if firings else read.next_fire
        firings.append(firing(structs.replace(read, next_fire=before), shot, now))
    return firings
