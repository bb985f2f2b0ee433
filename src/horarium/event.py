"""Facts that code states, and who takes them in; ``observe/`` turns them into lines, and later into counters and spans.

A runner is handed its observer, so that it knows neither logs nor counters.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.message import Delivery
from horarium.outcome import Outcome


class Received(Struct, frozen=True, kw_only=True):
    delivery: Delivery


class Finished(Struct, frozen=True, kw_only=True):
    """The task's code is done with a delivery; ``runtime`` is what it took."""

    delivery: Delivery
    outcome: Outcome
    runtime: Seconds
    result_text: str = ""  # a short form of the result or error, for people
    expected: bool = False  # a failure that the task declares in ``throws``


class Refused(Struct, frozen=True, kw_only=True):
    """A settlement came too late: the delivery belongs to somebody else by now."""

    task: str
    id: str
    attempt: int


class WorkerStarting(Struct, frozen=True, kw_only=True):
    """A worker has opened its store and is about to start its children."""

    name: str
    app: str
    store: str
    pool: str
    concurrency: int
    queues: tuple[str, ...]
    tasks: tuple[str, ...]


class StoreWeak(Struct, frozen=True, kw_only=True):
    """Something in the store's configuration weakens what is promised; told at the start of ``where``, once each."""

    where: str
    weakness: str


class NameShared(Struct, frozen=True, kw_only=True):
    """A worker starts, and another live one has its name; ``pid`` and ``host`` are the other's."""

    name: str
    pid: int
    host: str


class WorkerReady(Struct, frozen=True, kw_only=True):
    """All children of a worker look at its queues."""

    name: str


class WorkerStopping(Struct, frozen=True, kw_only=True):
    """A worker claims no more; ``patience`` is how long what runs may go on."""

    name: str
    patience: Seconds


class WorkerStopped(Struct, frozen=True, kw_only=True):
    """A worker has ended; ``given_back`` ids had been started, were not finished, and will run again."""

    name: str
    given_back: tuple[str, ...] = ()


class Troubled(Struct, frozen=True, kw_only=True):
    """Something of the process itself did not work; ``wait`` says after how long it is tried again."""

    where: str
    reason: str
    wait: Seconds | None = None
    traceback: str = ""  # of an error that nobody foresaw


class Recovered(Struct, frozen=True, kw_only=True):
    """What was troubled works again."""

    where: str


class ChildRecycled(Struct, frozen=True, kw_only=True):
    """A child ended in an orderly way, to be replaced by a fresh one."""

    pid: int
    reason: str


class ChildStalled(Struct, frozen=True, kw_only=True):
    """A child looked at its queues and claimed nothing although work was due; a fresh one takes its place."""

    pid: int
    due: int


class ChildLost(Struct, frozen=True, kw_only=True):
    """A child process ended without being asked to."""

    pid: int
    owner: str
    reason: str
    running: tuple[tuple[str, str], ...]  # the task and the id of each


class GivenUp(Struct, frozen=True, kw_only=True):
    """A task ended as DEAD: it took too many processes along, or it may be started once only and its process died."""

    task: str
    id: str
    crashes: int
    reason: str


class OwnersExpired(Struct, frozen=True, kw_only=True):
    """The leases of owners have lapsed; the deliveries that they held went back."""

    owners: tuple[str, ...]
    returned: int


class SchedulerStarting(Struct, frozen=True, kw_only=True):
    """A scheduler is about to look at its store for the first time."""

    name: str
    store: str


class SchedulerStopped(Struct, frozen=True, kw_only=True):
    """A scheduler has ended in good order."""

    name: str


class SchedulesSynced(Struct, frozen=True, kw_only=True):
    """The schedules of the code differed from the store's, which now has them."""

    stored: int
    removed: int


class SchedulesEdited(Struct, frozen=True, kw_only=True):
    """The tables of schedules were edited, and the store now has what they say."""

    stored: int
    removed: int


class RowUnreadable(Struct, frozen=True, kw_only=True):
    """A row of the tables of schedules is none that can be read; it does not run until it is mended."""

    schedule: str
    reason: str


class ScheduleRemoved(Struct, frozen=True, kw_only=True):
    """A schedule left the store, because the code that had made it defines it no more."""

    schedule: str


class ScheduleUnreadable(Struct, frozen=True, kw_only=True):
    """The code's entry is none that can be read; what is stored under its name stays as it is."""

    schedule: str
    reason: str


class ScheduleOverruled(Struct, frozen=True, kw_only=True):
    """The code defines a schedule of the name of a person's, which stays as it is."""

    schedule: str


class Fired(Struct, frozen=True, kw_only=True):
    """A message was enqueued for a due instant of a schedule."""

    schedule: str
    task: str
    id: str
    nominal: Instant


class Missed(Struct, frozen=True, kw_only=True):
    """Due instants passed while nobody could fire them."""

    schedule: str
    count: int


class Skipped(Struct, frozen=True, kw_only=True):
    """A due instant was not enqueued, because earlier runs of its schedule had not ended."""

    schedule: str
    nominal: Instant


class Held(Struct, frozen=True, kw_only=True):
    """A due instant waits until one of the earlier runs of its schedule ends."""

    schedule: str
    nominal: Instant


class Repeated(Struct, frozen=True, kw_only=True):
    """A due instant came up that had been dealt with before an edit: it was passed over."""

    schedule: str
    nominal: Instant


class SchedulePaused(Struct, frozen=True, kw_only=True):
    """A schedule was paused by the scheduler itself, because its runs fail."""

    schedule: str
    by: str
    reason: str


class ScheduleResumed(Struct, frozen=True, kw_only=True):
    """The end of a pause has come: the schedule fires again."""

    schedule: str


class ScheduleLate(Struct, frozen=True, kw_only=True):
    """A schedule has not succeeded by its due time plus grace; told once, until it has succeeded."""

    schedule: str
    due: Instant
    text: str


class ScheduleFailing(Struct, frozen=True, kw_only=True):
    """The latest run of a schedule has failed; told once, until one has succeeded."""

    schedule: str
    failures: int  # in a row
    text: str


class ScheduleRecovered(Struct, frozen=True, kw_only=True):
    """A schedule that was late or failing is neither any more."""

    schedule: str


class ScheduleFailed(Struct, frozen=True, kw_only=True):
    """A schedule was put in error: it fires no more until it is mended, or its cause is gone."""

    schedule: str
    reason: str
    traceback: str = ""  # of an error that nobody foresaw


class ScheduleInError(Struct, frozen=True, kw_only=True):
    """A schedule was found in error that this scheduler did not put there."""

    schedule: str
    reason: str


class ScheduleHealed(Struct, frozen=True, kw_only=True):
    """What kept a schedule from firing is gone."""

    schedule: str


class ClockStepped(Struct, frozen=True, kw_only=True):
    """The store's clock went so much further (or, below zero, back) than time has passed."""

    step: Seconds


class ClockSkewed(Struct, frozen=True, kw_only=True):
    """This host's clock is so far ahead of the store's (or, below zero, behind it); told when it begins."""

    skew: Seconds


class BridgeStarting(Struct, frozen=True, kw_only=True):
    """A bridge to Celery is about to open its sides; ``ways`` say what goes where."""

    name: str
    store: str
    ways: tuple[str, ...]


class BridgeStopped(Struct, frozen=True, kw_only=True):
    """A bridge has ended in good order."""

    name: str
    counts: str


class BridgeCounted(Struct, frozen=True, kw_only=True):
    """What a bridge has done so far; told now and then, while there is something new."""

    name: str
    counts: str


class BridgeTook(Struct, frozen=True, kw_only=True):
    """A message of Celery's is in the store; not ``is_new``: it was there already."""

    task: str
    id: str
    queue: str
    is_new: bool


class BridgeRefused(Struct, frozen=True, kw_only=True):
    """A message of Celery's cannot cross; it was moved to the queue of refused ones."""

    queue: str
    task: str
    id: str
    reason: str


class BridgeSent(Struct, frozen=True, kw_only=True):
    """A message was given to Celery's workers."""

    task: str
    id: str
    queue: str


class BridgeReturned(Struct, frozen=True, kw_only=True):
    """The end of a run was told to the other side."""

    task: str
    id: str
    text: str
    to: str


BridgeEvent: TypeAlias = (
    BridgeStarting | BridgeStopped | BridgeCounted | BridgeTook | BridgeRefused | BridgeSent | BridgeReturned
)

SchedulerEvent: TypeAlias = (
    SchedulerStarting
    | SchedulerStopped
    | SchedulesSynced
    | SchedulesEdited
    | RowUnreadable
    | ScheduleRemoved
    | ScheduleUnreadable
    | ScheduleOverruled
    | Fired
    | Missed
    | Skipped
    | Held
    | Repeated
    | SchedulePaused
    | ScheduleResumed
    | ScheduleLate
    | ScheduleFailing
    | ScheduleRecovered
    | ScheduleFailed
    | ScheduleInError
    | ScheduleHealed
    | ClockStepped
    | ClockSkewed
)

Event: TypeAlias = (
    Received
    | Finished
    | Refused
    | WorkerStarting
    | StoreWeak
    | NameShared
    | WorkerReady
    | WorkerStopping
    | WorkerStopped
    | Troubled
    | Recovered
    | ChildRecycled
    | ChildStalled
    | ChildLost
    | GivenUp
    | OwnersExpired
    | SchedulerEvent
    | BridgeEvent
)


class Observer(Protocol):
    """Takes events in. Called from every thread and process of a runner; must neither raise nor wait."""

    @property
    def is_detailed(self) -> bool:
        """Whether the ordinary course (Received, Finished with success) is to be told too; else it costs nothing."""
        ...

    def enter(self, process: str) -> None:
        """Learn the name of the process that this is from now on; called first in each child of a worker."""
        ...

    def tell(self, event: Event) -> None: ...


class Silent:
    """Listens to nothing."""

    is_detailed = False

    def enter(self, process: str) -> None:
        pass

    def tell(self, event: Event) -> None:
        pass
