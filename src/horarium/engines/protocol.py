"""The seam: what every engine promises, as five small protocols.

All verbs are synchronous, take batches (one is a list of one) and are given ``now`` (the store's time, UTC
milliseconds). An engine owns state, atomicity, order and leases, and decides nothing else. Whenever an engine raises
``EngineUnavailable`` it is unknown whether anything was recorded, and making the same call again is safe.
An engine may be used from any thread and, after a fork, from the child: it opens connections of its own there.

Words of the laws below. A message *waits*, is *in hand* (claimed by an owner), or has *ended*. It is *due* at its
eta; without one at once, whatever ``created`` says (the sender's clock may be wrong): from the ``now`` at which it was
stored. To *put back* a delivery is to let it wait again: its run then shows no worker, start, meta or progress any
more, only the attempts so far and the last error. Ends that the engine makes itself (DEAD, EXPIRED) put
``workflow.follow.follow_ups`` in the same transaction. A lease has lapsed when ``lease_until <= now``, a message when
``expires <= now``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.message import Delivery, Message
from horarium.outcome import ErrorRecord, Run, Settlement, Verdict
from horarium.schedules.record import Fate, Firing, Schedule

MemberKind: TypeAlias = Literal["worker", "child", "scheduler"]

# Topics of the notifier. A queue's topic is QUEUE_TOPIC + its name.
QUEUE_TOPIC = "queue:"
RESULT_TOPIC = "results"
CONTROL_TOPIC = "control"
SCHEDULE_TOPIC = "schedules"

MEMBER_LISTED: Seconds = 3600.0  # how long Inspector.workers lists one that was given up
TOMBSTONE_KEEP: Seconds = 7 * 86_400.0  # how long renew knows one that was given up; after that only fences refuse it
FIRING_KEEP: Seconds = 7 * 86_400.0  # how long a firing's (schedule id, nominal, kind) stays unique, after its nominal
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


class MemberRecord(Struct, frozen=True, kw_only=True):
    """A member as the store knows it."""

    member: Member
    seen: Instant
    lease_until: Instant
    alive: bool  # the lease has neither lapsed nor been given up
    held: int = 0  # deliveries in its hands


class Renewal(Struct, frozen=True, kw_only=True):
    """What a renewal learned."""

    lost: tuple[str, ...] = ()  # owners whose deliveries were given to others; they must stop and start anew
    terminate: tuple[str, ...] = ()  # ids in the hands of these owners that are to be ended at once


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


class HeldPage(Struct, frozen=True, kw_only=True):
    held: tuple[Held, ...]  # in the order in which they would be claimed; those in hand first
    next: str | None = None


class QueueCounts(Struct, frozen=True, kw_only=True):
    ready: int = 0  # due, waiting for a slot
    scheduled: int = 0  # due later
    claimed: int = 0  # in the hands of an owner
    oldest_due: Instant | None = None  # the due instant of the ready message that waits longest
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # ready messages by task


class Counts(Struct, frozen=True, kw_only=True):
    queues: dict[str, QueueCounts]
    states: dict[str, int]  # runs by state
    schedules: int = 0


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


Action: TypeAlias = Revoke | Purge


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an engine can do; what it cannot is said here, never by a half-made verb."""

    name: str
    durable: bool  # survives the end of every process
    shared: bool  # may be used by several processes
    many_hosts: bool
    transactional: bool = False  # its queue is a TransactionalQueue
    announces: bool = False  # put, settle and fire wake the listeners of queues and results in the same round trip


class Queue(Protocol):
    """Messages, from stored to settled."""

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[bool]:
        """Store messages, all or none; tell for each whether it is new.

        Idempotent by id: an id that is stored already, ended or not (or that came earlier in the same call), is left
        as it is and answered with False. When this returns, the messages are stored at the engine's durability.
        ``visible`` is called once, as soon as others can see them, which may be before that: the place to wake readers,
        who need not wait for the disk. It must neither raise nor wait.
        """
        ...

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        *,
        now: Instant,
        tasks: Collection[str] | None = None,
    ) -> list[Delivery]:
        """Give up to ``limit`` due messages of the queues to ``owner``, marking ownership in the same step.

        Never blocks and never waits. Each delivery's attempt and fence are one higher than at the claim before (the
        first: 1); its run is RECEIVED, with the owner's member name as worker. Order: higher priority, then earlier
        due, then earlier put, over all the queues together; a message that was put back keeps its place in the order
        of puts. Only messages whose task is in ``tasks`` (None: any) are taken; others stay, and hold up nobody.
        Those of them past their ``expires`` that are met on the way end as EXPIRED, beyond the limit. A message that
        crashed a process before is delivered alone: as the only one of its batch when it is first in line, else it
        ends the batch before it. (Not running others beside it is the runner's duty: it sees Delivery.crashes.)

        Raises: OwnerLost when the owner is not registered (see renew) or has been given up. One whose lease has
        lapsed, but which nobody has given up yet, may still claim.
        """
        ...

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        """Register members or renew their leases until ``now + lease``, and store what they report.

        An owner that was given up (maintain, leave) is never taken back: it is answered in ``lost``, and what it
        reports is not stored. ``terminate`` lists what the others hold that was revoked with terminate, at every
        renewal until it is settled.
        """
        ...

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        """Record the outcome of each delivery and put its follow-ups, all or nothing per delivery.

        A delivery that its owner no longer holds under this fence is left untouched and answered LOST. The very same
        settlement made twice changes nothing the second time and is answered REPEATED, as long as the message has not
        been claimed or changed since (then REPEATED or LOST). A different outcome under a token that was settled
        already is LOST. A lease that has lapsed does not matter until the owner is given up.

        Follow-ups are put as ``put`` does: new ids are stored, known ones left. Every outcome but Reported, and but
        Released of one that was never ``started``, adds an Attempt. ``worker``, ``started`` and ``logs`` replace what
        the run has, where given. An end sets ``ended`` (default: now) and ``error`` (see outcome.error_of).
        Retried: ``message`` (the same id) takes the place of the old one; state RETRY, due at its eta.
        Crashed: charged with one crash; waits in state RETRY for ``policy.crash_delays``; DEAD with the settlement's
        error when the limit is reached, or at once if at_most_once.
        Released: PENDING, due at once in its old place, or after ``delay``; the attempt is given back (not counted).
        Reported: sets state, meta and progress where given, changes nothing else, and may be repeated; LOST once the
        delivery is out of its owner's hands.
        """
        ...

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        """Do the store's chores, in bounded batches; any process may, concurrently.

        1. ``dead`` owners are given up and what they hold is put back: the running ones charged as by Crashed if there
           is an error, the others as by Released. At-most-once ones that were running end as DEAD in any case.
        2. Owners whose lease has lapsed are given up (``lapsed``): those they still hold of what they last reported as
           running, or all they hold if that leaves none, are charged with a WorkerLostError; the others are put back
           as by Released, but at-most-once ones end as DEAD, since nobody knows what was started after the report.
           The same becomes of what an owner given up before still holds.
        3. Waiting messages past their ``expires`` end as EXPIRED, whatever their queue, task or eta.
        4. Runs that ended ``keep`` ago (the settlement's, else the policy's) are removed; so are old tombstones and
           firings.

        One call touches at most ``policy.batch`` messages and runs in all; ``more`` says that there are others: call
        again with the same ``dead``. A dead owner that was dealt with already costs nothing. What one chore brings
        about, such as a message that is put back and overdue, another one may leave for the next call.
        """
        ...


@runtime_checkable
class TransactionalQueue(Protocol):
    """What a queue can do inside of a transaction of the caller's, on the caller's own connection to its database.

    It holds when the caller commits, and never was when the caller rolls back; listeners are woken at the commit. After
    an error of one of these the transaction is void.
    """

    def check_guest(self, connection: object) -> None:
        """See that the connection can be used for the others. Raises: CannotJoinTransaction, EngineUnavailable."""
        ...

    def put_in(self, connection: Any, messages: Sequence[Message], *, now: Instant) -> list[bool]:
        """Store messages; see Queue.put."""
        ...

    def settle_in(
        self, connection: Any, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy
    ) -> list[Verdict]:
        """Record outcomes; see Queue.settle."""
        ...

    def abandon(self, connection: Any) -> None:
        """Roll back what is still open on the connection, if anything is: it would keep locks. Never raises."""
        ...


class Results(Protocol):
    """Runs, as records. Written only through Queue.put, Queue.settle, Queue.maintain and Inspector.act."""

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        """Return the run of each id, None for one that is not known."""
        ...

    def forget(self, ids: Sequence[str]) -> int:
        """Remove ended runs; tell how many. One that has not ended stays. The id is free again."""
        ...

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        """Return a page of runs, the latest created first. Those there all the while are on exactly one page."""
        ...

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        """Store ended runs as they are given, all or none, in place of whatever is known of their ids.

        For a store that only remembers what another one carries: such a run never waits and is never claimed. It is
        forgotten ``keep`` after ``now``. Idempotent. An id that waits here or is in hand here is left as it is.
        Raises: ValueError for a run that has not ended.
        """
        ...


class Schedules(Protocol):
    """Schedules, and the one transaction that makes a firing happen once."""

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        """Create (version 0) or replace (the version that was read) schedules, all or none; return them as stored.

        What firings and runs count (last_fire, total_runs, missed, skipped, succeeded, ended) is the store's: an edit
        takes nothing back. ``failures`` it may lower, never raise. It ends ``held``: whether to wait is found anew.
        Raises: ScheduleConflict when a name exists already, is gone, or the version has moved on.
        """
        ...

    def delete(self, names: Sequence[str]) -> int:
        """Remove schedules; tell how many there were."""
        ...

    def get(self, names: Sequence[str]) -> list[Schedule | None]: ...

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        """Return a page of schedules, by name."""
        ...

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        """Return up to ``limit`` active schedules (Schedule.is_active), not held, due at or before ``until``, the
        earliest first. None whose record cannot be read: get and browse show those, with the error."""
        ...

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[Fate]:
        """Enqueue each due instant exactly once; tell what became of each firing.

        For each, in one transaction: compare-and-set on (version, next_fire), insert of the unique firing (schedule
        id, nominal, kind) of each message, put of the messages, next_fire and counts moved on. All firings of a call
        may share a transaction; each sees what those before it did.

        auto, backfill: for each message that is put total_runs + 1; last_fire = the newest nominal, never backwards;
        next_fire and missed moved on; held ends. Without messages nothing is sent and nothing counted. A nominal that
        was fired before (an edit had set next_fire back) is not sent; if that leaves none the answer is REPEATED, yet
        next_fire and missed move on, or the schedule would stand still for ever.

        overlap: if ``max_active`` or more messages of this schedule (Message.schedule is its name) have not ended and
        there is something to send that was not fired before,
        - allow: it is sent all the same;
        - skip: SKIPPED; the unique firings are inserted, next_fire and missed move on, skipped + one for each new one;
        - queue_one: HELD; nothing changes but ``held``;
        - cancel_previous: those that wait end as REVOKED, those in hand are marked to be terminated; then sent;
        - replace_queued: those that wait end as REVOKED; then sent.

        manual: needs neither the version nor an active schedule, knows no overlap, moves and counts nothing: it is a
        person's. A schedule that is not there loses.

        When a run ends (or a retry takes it from its schedule), the same transaction tells the stored schedule of that
        name: ended = now, never backwards; held ends; of record.SUCCEEDED succeeded = its nominal, never backwards, and
        failures = 0; of record.FAILED failures + 1. If a hold ended, SCHEDULE_TOPIC is notified: it is due again.
        """
        ...


class Notifier(Protocol):
    """Hints. Losing one costs latency, never work."""

    def notify(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of the topics. Never blocks, never raises for want of listeners."""
        ...

    def listen(self, topics: Collection[str]) -> Listener:
        """Return a listener; what is notified from now on is not missed by its next wait."""
        ...


class Listener(Protocol):
    """One waiter, used by one thread. After a fork it must be made anew."""

    def wait(self, timeout: Seconds) -> bool:
        """Wait until a topic is notified, ``wake`` is called, or the time is up; True if not for the time."""
        ...

    def wake(self) -> None:
        """End the wait; safe from another thread and from a signal handler."""
        ...

    def fileno(self) -> int | None:
        """A descriptor that becomes readable on a notification, for selectors; or None. ``wait(0)`` clears it."""
        ...

    def close(self) -> None: ...


class Inspector(Protocol):
    """Answers people's questions; the hot path never calls it."""

    def counts(self) -> Counts:
        """Count everything, by the store's own clock. Queues without a message that has not ended are not listed."""
        ...

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        """Return a page of messages that have not ended. One that is there all the while, and not moved in line, is on
        exactly one page."""
        ...

    def act(self, action: Action, *, now: Instant) -> list[str]:
        """Carry out an action, all or nothing; return the ids it changed (ended, or marked anew), each once."""
        ...

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        """Return every member, live ones first; those given up stay listed for MEMBER_LISTED."""
        ...

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        """Note an orderly end: the owners are given up. What they hold all the same is put back as by Released."""
        ...


class Engine(Protocol):
    """A store that implements the protocols."""

    @property
    def url(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def results(self) -> Results: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def notifier(self) -> Notifier: ...
    @property
    def inspector(self) -> Inspector: ...

    def now(self) -> Instant:
        """Read the store's clock."""
        ...

    def check(self) -> None:
        """Raise StoreUnusable or EngineUnavailable unless the store can be worked with; create nothing that exists."""
        ...

    def weaknesses(self) -> tuple[str, ...]:
        """Tell what in the configuration of the store weakens the promises, if anything: each as one sentence that says
        what was found, what it costs and how to mend it. Raises: EngineUnavailable."""
        ...

    def close(self) -> None:
        """Let go of all connections of this process; closing twice is fine."""
        ...
