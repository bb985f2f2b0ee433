"""What a worker is at present: its options, as remote control has changed them since it started.

The supervisor's main thread writes; other threads of the supervisor read whole values. Children have their own copy of
what concerns them, sent to each with ``Change`` orders.
"""

from __future__ import annotations

from msgspec import Struct

from horarium.clock import Seconds
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Change

MORE_CHILDREN = 32  # as many may be added at run time at least; a place that is never used costs address space only
MORE_SLOTS = 64  # the same for the slots of a child with threads or coroutines


class Range(Struct, frozen=True):
    """The bounds between which a worker scales itself."""

    most: int
    least: int


class Present:
    """Mutable, and one for each worker."""

    def __init__(self, options: WorkerOptions) -> None:
        self.queues: tuple[str, ...] = options.queues
        self.processes = options.processes  # how many children there shall be
        self.slots = options.slots  # of each child
        self.limits: dict[str, tuple[Seconds | None, Seconds | None]] = {}  # of tasks: soft, hard
        self.has_events = options.events
        self.range: Range | None = None
        self._options = options

    @property
    def concurrency(self) -> int:
        return self.processes * self.slots

    @property
    def most(self) -> int:
        """How large the concurrency can become at run time."""
        return most_children(self._options) * most_slots(self._options)

    def as_change(self) -> Change | None:
        """Return what a new child must be told, None if nothing has changed since the start."""
        options = self._options
        change = Change(
            queues=self.queues if self.queues != options.queues else None,
            slots=self.slots if self.slots != options.slots else None,
            limits=dict(self.limits),
            events=self.has_events if self.has_events != options.events else None,
        )
        return None if change == Change() else change


def most_children(options: WorkerOptions) -> int:
    """Return how many children there is room for on the board."""
    if options.pool != "process":
        return options.children
    return max(options.processes + MORE_CHILDREN, options.autoscale[0] if options.autoscale else 0)


def most_slots(options: WorkerOptions) -> int:
    """Return how many slots of a child there is room for on the board."""
    if options.pool == "process":
        return 1
    wanted = -(-options.autoscale[0] // options.children) if options.autoscale else 0
    return max(options.slots + MORE_SLOTS, wanted)
