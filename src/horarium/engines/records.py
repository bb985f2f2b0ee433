"""The values that travel between runners and engines, besides messages and outcomes; and the bounds that all engines
keep. Frozen; next to nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds
from horarium.message import Message
from horarium.outcome import ErrorRecord, Run
from horarium.schedules.record import Schedule

MemberKind: TypeAlias = Literal["worker", "child", "scheduler"]

BRIDGE_POOL = "bridge"  # a member's pool, by which people's lists tell a bridge from a child of a worker

# Topics of the notifier. A queue's topic is QUEUE_TOPIC + its name.
QUEUE_TOPIC = "queue:"
RESULT_TOPIC = "results"
CONTROL_TOPIC = "control"
SCHEDULE_TOPIC = "schedules"

MEMBER_LISTED: Seconds = 3600.0  # how long Inspector.workers lists one that was given up
TOMBSTONE_KEEP: Seconds = 7 * 86_400.0  # how long renew knows one that was given up; after that only fences refuse it
FIRING_KEEP: Seconds = 7 * 86_400.0  # how long a firing's (schedule id, nominal, kind) stays unique, after its nominal
JOURNAL_KEPT = 10_000  # entries, roughly
ATTEMPTS_KEPT = 50  # a run remembers its newest attempts


class RunningNow(Struct, frozen=True, kw_only=True):
    """A delivery that a child has started and not finished."""

    id: str
    task: str
    started: Instant


class Member(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A live process as it reports itself with each renewal. Only a ``child`` holds deliveries."""

    owner: str  # unique to this incarnation of the process
    kind: MemberKind
    name: str  # node name, such as worker@host; the children of a worker bear its name
    host: str = ""
    pid: int = 0
    pool: str = ""
    slots: int = 0
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()  # names it can run
    running: tuple[RunningNow, ...] = ()
    processed: int = 0
    looked: Instant | None = None  # the last claim or idle look at the queues
    started: Instant = 0
    version: str = ""
    app: str = ""
    skew: Seconds = 0.0  # how far its wall clock is ahead of the store's
    rss_bytes: int = 0
    trouble: str = ""  # what keeps a scheduler from reading where its schedules are defined


class MemberRecord(Struct, frozen=True, kw_only=True):
    """A member as the store knows it."""

    member: Member
    seen: Instant
    lease_until: Instant
    alive: bool  # the lease has neither lapsed nor been given up
    held: int = 0  # deliveries in its hands
    given_up: Instant | None = None  # since when, by itself or by others

    @property
    def is_lost(self) -> bool:
        """Whether it went silent: its lease has lapsed. One that ended in good order gave itself up before that."""
        return not self.alive and (self.given_up is None or self.given_up >= self.lease_until)


class Renewal(Struct, frozen=True, kw_only=True):
    """What a renewal learned."""

    lost: tuple[str, ...] = ()  # owners whose deliveries were given to others; they must stop and start anew
    terminate: tuple[str, ...] = ()  # ids in the hands of these owners that are to be ended at once


Placed: TypeAlias = bool | str  # True: stored; False: its id is known; an id: of the one that holds its unique key


class Limit(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How many deliveries of a task a claim may make."""

    running: int | None = None  # no more of it in hand, over all owners
    rate: float | None = None  # a second, over all claims that name the same bucket; 0: none
    burst: int = 1  # so many at once when nothing was delivered for long
    bucket: str = ""  # what shares the rate


class DeadOwner(Struct, frozen=True, kw_only=True):
    """An owner whose process is known to have ended, and the deliveries it was running when it did.

    ``error`` charges the running ones with a crash; None gives all of them back uncharged (an orderly end). Those that
    were not running were never started, so they go back uncharged in any case. ``running`` ids it does not hold are
    passed over, and so is an owner that nobody registered.
    """

    owner: str
    running: tuple[str, ...] = ()
    error: ErrorRecord | None = None


class MaintenancePolicy(Struct, frozen=True, kw_only=True):
    """The numbers that maintain() needs; chosen by the runner, never by the engine."""

    crash_limit: int = 3  # so many crashes make a message DEAD
    crash_delays: tuple[Seconds, ...] = (1.0, 10.0, 60.0)  # wait after the first, second ... crash
    keep: Seconds = 86_400.0  # how long an ended run stays readable (Celery: result_expires, 1 day)
    batch: int = 1000  # rows touched by one transaction at the most
    most: int | None = None  # how many ended runs may stay; counting them takes time: not to be asked at every call


class Maintenance(Struct, frozen=True, kw_only=True):
    """What one maintain() did."""

    returned: int = 0  # deliveries taken from dead or lapsed owners and put back
    dead: int = 0  # ended as DEAD
    expired: int = 0  # ended as EXPIRED because their ``expires`` passed while they waited
    forgotten: int = 0  # old runs removed
    lapsed: tuple[str, ...] = ()  # owners whose lease had lapsed
    more: bool = False  # a bound was met: there is more to do at once


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs are meant; every given part must hold, an empty one always does."""

    states: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    schedule: str | None = None
    parent: str | None = None
    root: str | None = None
    id_prefix: str | None = None
    since: Instant | None = None  # created at or after
    until: Instant | None = None  # created before


class Page(Struct, frozen=True, kw_only=True):
    """A place in a listing. ``after`` is the ``next`` of the page before, opaque to callers."""

    limit: int = 50
    after: str | None = None


class RunPage(Struct, frozen=True, kw_only=True):
    runs: tuple[Run, ...]  # newest first
    next: str | None = None  # None: no more


class SchedulePage(Struct, frozen=True, kw_only=True):
    schedules: tuple[Schedule, ...]  # by name
    next: str | None = None


class Held(Struct, frozen=True, kw_only=True):
    """A message that has not ended, and where it stands."""

    message: Message
    state: str
    due: Instant
    owner: str | None = None
    fence: int = 0
    attempt: int = 0
    crashes: int = 0
    is_blocked: bool = False  # by its gate, or by its slot


class HeldPage(Struct, frozen=True, kw_only=True):
    held: tuple[Held, ...]  # in hand; then those in line in the order of claims; then the blocked ones by put
    next: str | None = None


class QueueCounts(Struct, frozen=True, kw_only=True):
    ready: int = 0  # due, waiting for a slot
    scheduled: int = 0  # due later
    claimed: int = 0  # in the hands of an owner
    blocked: int = 0
    oldest_due: Instant | None = None  # the due instant of the ready message that waits longest
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # ready messages by task


class Counts(Struct, frozen=True, kw_only=True):
    queues: dict[str, QueueCounts]
    states: dict[str, int]  # runs by state
    schedules: int = 0


def bounded(states: Mapping[str, int], most: int | None) -> dict[str, int]:
    """Return the counts of states with none above ``most``; see Inspector.counts."""
    return {
        state: number if most is None else min(number, most) for state, number in states.items() if number and most != 0
    }


class Revoke(Struct, frozen=True, tag=True, kw_only=True):
    """Cancel. One that waits ends as REVOKED at once. One in hand is marked: with ``terminate`` its process ends it
    as soon as it learns of it (Renewal.terminate), without it runs on. A marked one never waits again: whatever would
    put it back (Retried, Released, Crashed, the end of its owner) ends it as REVOKED instead. A mark is never taken
    back, nor weakened from terminate to revoke."""

    ids: tuple[str, ...]
    terminate: bool = False


class Purge(Struct, frozen=True, tag=True, kw_only=True):
    """End all waiting messages of the queues (None: of all queues) as REVOKED; those in hand stay."""

    queues: tuple[str, ...] | None = None


class Rank(Struct, frozen=True, tag=True, kw_only=True):
    """Give messages that wait (blocked ones too) another priority, and the place in line that goes with it: by due,
    and the turn that they have. Those in hand, those that have ended and those that nobody can read stay as they are.
    One that stands aside for its slot is back in line, and of each slot that those in line or aside may take the first
    others too, as when one that waits ends: whose turn it is has changed."""

    ids: tuple[str, ...]
    priority: int  # 0 to 9


class Seal(Struct, frozen=True, tag=True, kw_only=True):
    """Tell a blocked message, whose gate knew no size, how many arrive. One that has a size stays as it is."""

    id: str
    size: int


Action: TypeAlias = Revoke | Purge | Rank | Seal


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an engine can do; what it cannot is said here, never by a half-made verb."""

    name: str
    durable: bool  # survives the end of every process
    shared: bool  # may be used by several processes
    many_hosts: bool
    transactional: bool = False  # its queue is a TransactionalQueue
    announces: bool = False  # put, settle and fire wake the listeners of queues and results in the same round trip


class Note(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something left under a key. ``text`` is JSON."""

    key: str
    text: Raw
    expires: Instant | None = None
    changed: Instant = 0  # set by the store


class JournalPage(Struct, frozen=True, kw_only=True):
    entries: tuple[Raw, ...]
    next: str  # where to go on
    missed: bool = False  # the reader was too slow: older entries are gone
