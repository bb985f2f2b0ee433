"""What rules look at and what they find: plain values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from horarium.app.switches import Switched
from horarium.clock import Instant
from horarium.engines.records import MemberRecord, QueueCounts
from horarium.schedules.record import Schedule


class Failure(Struct, frozen=True, kw_only=True):
    """A run that ended badly for good."""

    id: str
    task: str
    error: str  # the class, such as shop.NoSuchOrder
    text: str = ""  # of the exception
    created: Instant
    ended: Instant


class Passed(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How many firings of a schedule were passed over by the last look, and what of it is still told."""

    count: int
    lost: int = 0  # of those, since it last succeeded; 0: nothing is to be told
    since: Instant = 0
    succeeded: Instant | None = None  # the last success when the first of them was noticed


class Facts(Struct, frozen=True, kw_only=True):
    """What one look has seen. ``schedules`` are those that this look was about, not all."""

    now: Instant  # the store's
    members: tuple[MemberRecord, ...] = ()
    queues: Mapping[str, QueueCounts] = msgspec.field(default_factory=dict)
    switched: Switched = Switched()
    schedules: tuple[Schedule, ...] = ()
    number_of_schedules: int = 0
    failures: tuple[Failure, ...] = ()  # new ones
    good: Mapping[str, Instant] = msgspec.field(default_factory=dict)  # when tasks that begin to fail last succeeded
    well: frozenset[str] = frozenset()  # subjects of task_failed of which a later run has succeeded

    @property
    def workers(self) -> list[MemberRecord]:
        return [each for each in self.members if each.alive and each.member.kind == "worker"]

    @property
    def queues_read(self) -> frozenset[str]:
        runners = (each.member for each in self.members if each.alive and each.member.kind != "scheduler")
        return frozenset(queue for member in runners for queue in member.queues)

    @property
    def has_scheduler(self) -> bool:
        return any(each.alive and each.member.kind == "scheduler" for each in self.members)


class Symptom(Struct, frozen=True, kw_only=True):
    """Something that is wrong now. ``subject`` is what it is about, ``group`` what it is told together with."""

    rule: str
    subject: str
    group: str = ""
    text: str  # the cause, in one line, without arguments of anything
    since: Instant | None = None  # None: since it is seen
    count: int = 0  # what has come since the last look, of rules that count
    last_good: Instant | None = None
    path: str = ""  # of the page about it, below the dashboard
    mark: Instant = 0  # of task_failed: when the newest failing run was sent
    under: str = ""  # the rule that tells its cause; then it is not told itself
