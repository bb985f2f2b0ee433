"""What a worker's children may claim now: their queues and tasks without those that are paused, and what limits the
rest. Made anew when a switch is turned, never per claim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.app.switches import Switched
from horarium.clock import Seconds
from horarium.engines.records import Limit
from horarium.rate import per_second

if TYPE_CHECKING:
    from horarium.app.definition import Definition
    from horarium.settings import Settings
    from horarium.worker.options import WorkerOptions

# A bucket holds what comes due meanwhile. Children look for the next token at about these intervals, and what does
# not fit into the bucket until then is lost to the rate.
DEFAULT_BURST: Seconds = 0.1


class Wish(Struct, frozen=True, kw_only=True):
    """The arguments of a claim."""

    queues: tuple[str, ...]
    tasks: frozenset[str]
    limits: Mapping[str, Limit] | None = None  # None: no task has any

    @property
    def is_empty(self) -> bool:
        """Whether everything is paused."""
        return not self.queues or not self.tasks


def wish(
    tasks: Iterable[Definition],
    conf: Settings,
    options: WorkerOptions,
    switched: Switched,
    queues: Iterable[str] | None = None,
) -> Wish:
    """Return what the children of a worker may claim; ``queues``: what it reads now, if not what its options say."""
    known = list(tasks)
    limits = {task.name: limit for task in known if (limit := limit_of(task, conf, options.name, switched)) is not None}
    return Wish(
        queues=tuple(
            queue for queue in (options.queues if queues is None else queues) if switched.of_queue(queue) is None
        ),
        tasks=frozenset(task.name for task in known if switched.of_task(task.name) is None),
        limits=limits or None,
    )


def limit_of(task: Definition, conf: Settings, worker: str, switched: Switched) -> Limit | None:
    """Return how many deliveries of a task claims may make; None: as many as there are."""
    rate = rate_of(task, conf, switched)
    running = task.concurrency if task.concurrency_key is None else None  # with a key the messages say it
    if rate is None:
        return Limit(running=running) if running is not None else None
    is_fleets = (task.rate_limit_scope or conf.task_rate_limit_scope) == "fleet"
    return Limit(
        running=running,
        rate=rate,
        burst=task.rate_limit_burst or max(1, ceil(rate * DEFAULT_BURST)),
        bucket=task.name if is_fleets else f"{task.name} at {worker}",
    )


def rate_of(task: Definition, conf: Settings, switched: Switched) -> float | None:
    """Return how many starts a second a task may have: what a switch says, else its declaration, else the setting."""
    if conf.worker_disable_rate_limits:
        return None
    switch = switched.rate_of(task.name)
    if switch is not None:
        return per_second(switch.rate)
    return per_second(conf.task_default_rate_limit if task.rate_limit is None else task.rate_limit)
