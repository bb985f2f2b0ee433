"""The seam: what every engine promises, as nine small protocols.

All verbs are synchronous, take batches (one is a list of one) and are given ``now`` (the store's time, UTC
milliseconds). An engine owns state, atomicity, order and leases, and decides nothing else. Whenever an engine raises
``EngineUnavailable`` it is unknown whether anything was recorded, and making the same call again is safe.
An engine may be used from any thread and, after a fork, from the child: it opens connections of its own there.

Words of the laws below. A message *waits*, is *in hand* (claimed by an owner), or has *ended*. One that waits is
*blocked* as long as it has a gate, or stands aside for its slot; nobody is given it then. It is *due* at its
eta; without one at once, whatever ``created`` says (the sender's clock may be wrong): from the ``now`` at which it was
stored. To *put back* a delivery is to let it wait again: its run then shows no worker, start, meta or progress any
more, only the attempts so far and the last error. Ends that the engine makes itself (DEAD, EXPIRED) put
``workflow.follow.follow_ups`` in the same transaction. A lease has lapsed when ``lease_until <= now``, a message when
``expires <= now``.

Gates. When a message ends as SUCCESS it *arrives* at the gate of each message of its ``joins``: its id, place and value
are kept there, each id once. When as many as ``Gate.size`` have arrived, the blocked message is replaced by what
``workflow.gates.released`` makes of it and the values (by place, then id), and waits in line. When a message ends in
any other way, whoever ends it, each blocked message of its ``joins`` is *doomed*: it ends as ``workflow.gates.doomed``
says, and so on from there. Released and doomed is recorded in the transaction that brings it about, and carried out by
the time the call returns, or else by the next maintain. The engine itself then wakes whoever waits for the queue of
what was released (or is back from standing aside), or for the results of what was doomed. Arrivals at a gate that is
not there are passed over. If more arrive in one call than it waits for, or a success and a doom meet there, it is the
engine's choice which came first. Blocked messages are PENDING; they can be revoked, purged, and expire as others do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Raw

from horarium.clock import Instant, Seconds
from horarium.engines.records import (
    Action,
    Capabilities,
    Counts,
    DeadOwner,
    HeldPage,
    JournalPage,
    Limit,
    Maintenance,
    MaintenancePolicy,
    Member,
    MemberRecord,
    Note,
    Page,
    Placed,
    Renewal,
    RunFilter,
    RunPage,
    SchedulePage,
)
from horarium.message import Delivery, Message
from horarium.outcome import Run, RunBrief, Settlement, Verdict
from horarium.schedules.record import Fate, Firing, Schedule
from horarium.tally import Reading, Tally, Width


class Queue(Protocol):
    """Messages, from stored to settled."""

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        """Store messages, all or none; tell for each whether it is new.

        Idempotent by id: an id that is stored already, ended or not (or that came earlier in the same call), is left
        as it is and answered with False. One with a gate is blocked from the start. One whose ``unique`` key another
        one holds is not stored, and answered with the id of that one; with ``replaces``, and while that one waits, the
        newer takes its place: its task, arguments, queue, priority, due and everything else but id and ``created``
        (the answer is that id). A key is held from the put until the first claim (``start``) or the end (``end``),
        and for ``lasts`` at the most. When this returns, the messages are stored at the engine's durability.
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
        limits: Mapping[str, Limit] | None = None,
    ) -> list[Delivery]:
        """Give up to ``limit`` due messages of the queues to ``owner``, marking ownership in the same step.

        Never blocks and never waits. Each delivery's attempt and fence are one higher than at the claim before (the
        first: 1); its run is RECEIVED, with the owner's member name as worker. Order: higher priority, then earlier
        due, then earlier put, over all the queues together; a message that was put back keeps its place in the order
        of puts. Only messages whose task is in ``tasks`` (None: any) are taken; others stay, and hold up nobody.
        Those of them past their ``expires`` that are met on the way end as EXPIRED, beyond the limit (behind a task
        without room, see below, none need be met; maintain ends them). A message that
        crashed a process before is delivered alone: as the only one of its batch when it is first in line, else it
        ends the batch before it. (Not running others beside it is the runner's duty: it sees Delivery.crashes.)

        ``limits``: of such a task no more are taken than its limit has room for; the rest stays, as an unknown task's
        does. One met in line whose ``slot`` is full (as many of its key in hand, over all owners, as its own ``size``)
        stands aside; when one of the key leaves a hand, the first of those aside, in the order of claims, is back in
        its old place: the first of each queue and task. So it is when one that waits ends, or a newer one takes its
        place: it may have been its turn. (That one too many is back does no harm: it stands aside when it is met.)

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
        the run has, where given. ``widens``: the gates of these blocked messages wait for so many more, before anything
        arrives. An end sets ``ended`` (default: now) and ``error`` (see outcome.error_of), and keeps ``message``, where
        given, in place of the message itself, which needs to be whole no more.
        Retried: ``message`` (the same id) takes the place of the old one; state RETRY, due at its eta. Here and in
        Replaced the ``unique`` stays that of the old one, whatever the new one says: the key is the run's.
        Replaced: ``message`` takes the place of the old one and waits, PENDING: blocked if it has a gate, else due at
        its eta; the attempts so far stay.
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
        4. What was released or doomed and not carried out is carried out.
        5. Runs that ended ``keep`` ago (the settlement's, else the policy's) are removed; so are old tombstones,
           firings, notes past their ``expires``, and journal entries beyond JOURNAL_KEPT.
        6. If ``policy.most`` is given, and more runs than that have ended, the surplus is removed: those that ended
           first go first, those with a ``keep`` of their own after all others. However many callers do so at once, no
           more than that goes.

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

    def put_in(
        self, connection: Any, messages: Sequence[Message], *, now: Instant, is_fresh: bool = False
    ) -> list[Placed]:
        """Store messages; see Queue.put. ``is_fresh``: their ids were made for this very call, so that nobody else can
        know them, and one statement may be enough."""
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

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        """Return for each schedule its ``most`` latest runs in brief, in the order of ``search``."""
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

    def counts(self, *, most: int | None = None) -> Counts:
        """Count everything, by the store's own clock. Queues without a message that has not ended are not listed.

        ``most``: of each state no more runs are counted than that, however many are kept, so that a page asks for one
        more than it shows; 0: no states. None: all, which reads an index of all kept runs (a tenth of a second for a
        million) in some engines.
        """
        ...

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        """Return a page of messages that have not ended. One that is there all the while, and not moved in line, is on
        exactly one page."""
        ...

    def act(self, action: Action, *, now: Instant) -> list[str]:
        """Carry out an action, all or nothing; return the ids it changed (ended, marked or ranked anew), each once."""
        ...

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        """Return every member, live ones first; those given up stay listed for MEMBER_LISTED."""
        ...

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        """Note an orderly end: the owners are given up. What they hold all the same is put back as by Released."""
        ...


class Notes(Protocol):
    """Small things that processes leave for one another: commands, their answers, switches. Last writer wins."""

    def post(self, notes: Sequence[Note], *, now: Instant, durable: bool = False) -> None:
        """Keep notes, each in place of what its key has had; all or none. They need not survive a power cut, unless
        they are ``durable``: then they are stored at the engine's durability when this returns."""
        ...

    def read(self, prefix: str, *, now: Instant, last: int | None = None) -> list[Note]:
        """Return the notes whose key begins so and whose ``expires`` has not passed, by key. ``last``: no more than so
        many, the last ones; the others are not looked at. It may be fewer where some of the last have expired."""
        ...

    def erase(self, keys: Sequence[str], *, durable: bool = False) -> int:
        """Remove notes; tell how many there were. After a power cut they may be back, unless this is ``durable``."""
        ...


class Journal(Protocol):
    """What has happened, in the order in which it was told: the newest JOURNAL_KEPT entries, for people who watch."""

    def append(self, entries: Sequence[Raw], *, now: Instant) -> None:
        """Add entries (JSON), all or none. They need not survive a power cut."""
        ...

    def tail(self, after: str | None, limit: int) -> JournalPage:
        """Return up to ``limit`` entries that came after a place; None: no entry, only where the journal now ends."""
        ...


class Series(Protocol):
    """What has happened, counted by time. Read by people only; runners add to it in batches, never for each task."""

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        """Add to the buckets of all widths in which the tallies lie (their ``at`` may be any moment of them). Of a
        queue's readings in a bucket the greatest of each number is kept.

        Any number of processes may add to the same buckets at once. Not idempotent, unlike all other verbs: adding
        twice counts twice. When it raises EngineUnavailable, what was to be added is counted or not; callers let it go
        and do not repeat it. (The engine itself may do so once on a new connection.) It need not survive a power cut.
        Buckets that began longer than tally.KEPT ago are removed, the oldest first and at most tally.PRUNED of each
        width and kind at each call; what lies in such a bucket is not added.
        """
        ...

    def tallies(
        self,
        width: Width,
        *,
        since: Instant,
        until: Instant,
        tasks: Sequence[str] | None = None,
        queues: Sequence[str] | None = None,
    ) -> list[Tally]:
        """Return the tallies of the buckets that begin at or after ``since`` and before ``until``, by time, task and
        queue. ``tasks``, ``queues``: only theirs (None: of all)."""
        ...

    def readings(
        self, width: Width, *, since: Instant, until: Instant, queues: Sequence[str] | None = None
    ) -> list[Reading]:
        """Return the readings of such buckets, by time and queue."""
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
    @property
    def notes(self) -> Notes: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def series(self) -> Series: ...

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
