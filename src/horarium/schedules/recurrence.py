"""What fires, and how several of them make one: united (``a | b``), and with exclusions (``a - b``).

The kinds derive from these; when they fire is answered by ``next.py``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from horarium.errors import InvalidSchedule
from horarium.schedules.language import shown
from horarium.schedules.value import Value

MOST_MEMBERS = 100
DEEPEST = 6  # unions of exclusions from unions ...; nobody writes more than two


class Recurrence(Value):
    """What fires now and then. ``a | b`` fires when either does, once where both do; ``a - b`` fires as ``a`` does
    but not while ``b`` excludes it."""

    __slots__ = ()

    def __or__(self, other: Recurrence) -> union:
        return union(self, other) if isinstance(other, Recurrence) else NotImplemented

    def __sub__(self, other: Recurrence | Exclusion) -> without:
        return without(self, other) if isinstance(other, Recurrence | Exclusion) else NotImplemented


class WallClock(Recurrence):
    """What fires at local times of local days: the days by month, and for each of them the same times."""

    __slots__ = ("times",)

    is_fixed: bool  # means times on the wall, so that a clock change may be repaired; else elapsed time (S2)
    times: tuple[int, ...]  # of a day, in seconds from midnight, whole minutes, ascending; at least one

    @abstractmethod
    def days(self, year: int, month: int) -> tuple[int, ...]:
        """Return the days of a month, ascending."""


class Exclusion(Value):
    """Local days on which nothing fires."""

    __slots__ = ()

    @abstractmethod
    def excludes(self, day: int) -> bool:
        """Tell whether a local day, counted from 1970-01-01, is excluded."""


class union(Recurrence):
    """Fire whenever one of the members does; an instant that several share fires once. The same as ``a | b``.

    Immutable, hashable; equal to a union of the same members in another order.
    Raises: InvalidSchedule when a member is not a spec, or there are more than a hundred.
    """

    __slots__ = ("depth", "members")

    members: tuple[Recurrence, ...]
    depth: int

    def __init__(self, *members: Recurrence) -> None:
        flat = tuple(dict.fromkeys(leaf for member in members for leaf in _united(member)))
        if not 1 <= len(flat) <= MOST_MEMBERS:
            raise InvalidSchedule(
                f"expected a union of 1 to {MOST_MEMBERS} specs, got {len(flat)}; make several schedules"
            )
        self._keep(members=flat, depth=1 + max(_depth(member) for member in flat))
        _refuse_depth(self.depth)
        self._equal_by(frozenset(flat))

    def __reduce__(self) -> tuple[type[union], tuple[Recurrence, ...]]:
        return union, self.members

    def __repr__(self) -> str:
        return f"union({', '.join(map(repr, self.members))})"


class without(Recurrence):
    """Fire as ``spec`` does, but not at an instant that an exclusion covers. The same as ``spec - exclusion``.

    An exclusion is a list of dates, a holiday calendar, or a crontab, cron or calendar, whose minutes are left out.
    What a local clock of the schedule's zone shows at the instant decides. Immutable, hashable.
    Raises: InvalidSchedule when something else is given.
    """

    __slots__ = ("depth", "exclusions", "spec")

    spec: Recurrence
    exclusions: tuple[Exclusion | WallClock, ...]
    depth: int

    def __init__(self, spec: Recurrence, *exclusions: Exclusion | Recurrence) -> None:
        if not isinstance(spec, Recurrence):
            raise _not_a_spec(spec)
        inner, more = (spec.spec, spec.exclusions) if isinstance(spec, without) else (spec, ())
        flat = tuple(dict.fromkeys([*more, *(leaf for given in exclusions for leaf in _excluding(given))]))
        if not 1 <= len(flat) <= MOST_MEMBERS:
            raise InvalidSchedule(
                f"expected 1 to {MOST_MEMBERS} exclusions, got {len(flat)}; give for instance dates(...)"
            )
        self._keep(spec=inner, exclusions=flat, depth=1 + _depth(inner))
        _refuse_depth(self.depth)
        self._equal_by(inner, frozenset(flat))

    def __reduce__(self) -> tuple[type[without], tuple[object, ...]]:
        return without, (self.spec, *self.exclusions)

    def __repr__(self) -> str:
        return f"without({', '.join(map(repr, (self.spec, *self.exclusions)))})"


def _united(member: object) -> Iterator[Recurrence]:
    if isinstance(member, union):
        yield from member.members
    elif isinstance(member, Recurrence):
        yield member
    else:
        raise _not_a_spec(member)


def _excluding(given: object) -> Iterator[Exclusion | WallClock]:
    if isinstance(given, Exclusion | WallClock):
        yield given
    elif isinstance(given, union):
        for member in given.members:
            yield from _excluding(member)
    else:
        raise InvalidSchedule(
            "expected an exclusion to be dates(...), public_holidays(...), or a crontab, cron or calendar whose "
            f"minutes are left out, got {shown(given)}; write for instance - dates('2026-12-24')"
        )


def _depth(spec: Recurrence) -> int:
    return spec.depth if isinstance(spec, union | without) else 0


def _refuse_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise InvalidSchedule(
            f"expected unions and exclusions at most {DEEPEST} deep, got {depth}; make several schedules of it"
        )


def _not_a_spec(got: object) -> InvalidSchedule:
    return InvalidSchedule(f"expected a spec, got {shown(got)}; write for instance crontab(0, 6) or every(30)")
