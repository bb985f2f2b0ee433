"""What a worker was told to be: the settings of its app, overruled by the command line; checked when built."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Struct

from horarium.clock import Seconds
from horarium.engines.records import MaintenancePolicy
from horarium.errors import ImproperlyConfigured, InvalidSetting
from horarium.message import DEFAULT_QUEUE
from horarium.worker.cpus import available_cpus
from horarium.worker.output import Bounds

if TYPE_CHECKING:
    from horarium.settings import Settings

Pool: TypeAlias = Literal["process", "thread", "async"]
QueueOrder: TypeAlias = Literal["together", "strict"]
POOLS: tuple[str, ...] = get_args(Pool)
ALIASES = {"prefork": "process", "processes": "process", "threads": "thread", "asyncio": "async", "solo": "process"}
ASYNC_SLOTS_PER_CPU = 50  # coroutines mostly wait
SHORTEST_LEASE: Seconds = 0.5
MOST_SLOTS = 100_000
FOR_EVER: Seconds = 100 * 365 * 86_400.0


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """The numbers and names of one worker. Raises: ImproperlyConfigured for one that makes no sense."""

    name: str = ""  # given: %h the host, %n its first label, %d the rest, as in Celery; made: worker@host
    pool: Pool = "process"
    concurrency: int = 0  # 0: as many as fit the CPUs that may be used
    children: int = 1  # processes of a thread or async pool; a process pool has one child per slot
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    queue_order: QueueOrder = "together"  # or "strict": a queue only when those before it have nothing
    weights: dict[str, int] = msgspec.field(default_factory=dict)  # of queues: their shares; 1 where none is said
    time_limit: Seconds | None = None
    soft_time_limit: Seconds | None = None
    max_tasks_per_child: int | None = None
    max_memory_per_child: int | None = None  # KiB
    grace: Seconds = 8.0  # how long a stopping worker lets running tasks go on
    lease: Seconds = 10.0  # lease + sweep is how long it takes until a dead host's work starts again
    sweep: Seconds = 5.0
    crash_limit: int = 3
    crash_delays: tuple[Seconds, ...] = (0.0, 10.0, 60.0)  # the first time at once: it may have been the machine
    keep: Seconds = 86_400.0  # how long ended runs stay readable
    keep_failed: Seconds | None = None  # the same of those that failed; None: as the others
    keep_runs: int | None = None  # how many ended runs at the most
    keep_runs_bytes: int | None = None  # how many bytes they may take, about
    output_limit: int = 65_536  # bytes of output and log that are kept per run
    output_lines: int = 1000
    output_line_bytes: int = 4096  # the most that one line may take
    output_level: int | None = 30  # the log level of what tasks print; None: it is not captured
    loglevel: str | int = "INFO"
    beat: bool = False
    events: bool = False  # write the events of tasks, and heartbeats, to the journal
    autoscale: tuple[int, int] | None = None  # the most and the fewest slots; it begins with the fewest
    autoscale_every: Seconds = 1.0  # how often an autoscaling worker looks
    autoscale_keep: Seconds = 30.0  # how long slots are kept that nobody needs
    remote_control: bool = True  # answer commands
    run_dir: str | None = None  # where its pulse is written for `horarium health`; "": the default; None: nowhere

    def __post_init__(self) -> None:
        self._check_names()
        self._check_numbers()
        if not self.name:
            _settle(self, "name", "worker@%h")
        _settle(self, "name", expand_name(self.name))
        if self.autoscale is not None:
            _settle(self, "concurrency", self.autoscale[1])
        if not self.concurrency:
            cpus = available_cpus()
            _settle(self, "concurrency", cpus * ASYNC_SLOTS_PER_CPU if self.pool == "async" else cpus)

    @property
    def processes(self) -> int:
        """How many child processes there are."""
        return self.concurrency if self.pool == "process" else self.children

    @property
    def slots(self) -> int:
        """How many deliveries one child can run at the same time."""
        return 1 if self.pool == "process" else -(-self.concurrency // self.children)

    @property
    def renew_every(self) -> Seconds:
        return self.lease / 3

    @property
    def margin(self) -> Seconds:
        """How much earlier than the store a child's lease ends here: what it takes to kill it, and then some."""
        return min(2.0, self.lease / 10)

    @property
    def output(self) -> Bounds:
        """How much of what a run says is kept with it."""
        return Bounds(size=self.output_limit, lines=self.output_lines, line=self.output_line_bytes)

    @property
    def policy(self) -> MaintenancePolicy:
        return MaintenancePolicy(crash_limit=self.crash_limit, crash_delays=self.crash_delays, keep=self.keep)

    def _check_names(self) -> None:
        pool: str = self.pool  # as it was written: it may be one of Celery's names
        if pool == "solo":
            _settle(self, "concurrency", 1)
        _settle(self, "pool", ALIASES.get(pool, pool))
        if self.pool not in POOLS:
            raise InvalidSetting("worker_pool", f"one of {', '.join(POOLS)}", self.pool)
        if not self.queues or not all(self.queues):
            raise InvalidSetting("worker_queues", "at least one name of a queue", self.queues)

        if self.queue_order not in get_args(QueueOrder):
            raise InvalidSetting("worker_queue_order", f"one of {', '.join(get_args(QueueOrder))}", self.queue_order)
        if self.queue_order == "strict" and self.weights:
            raise ImproperlyConfigured(
                "expected queues to be read in strict order or by weights, got both; leave one of them out"
            )

    def _check_numbers(self) -> None:
        lowest: dict[str, float] = {"concurrency": 0, "children": 1, "grace": 0, "lease": SHORTEST_LEASE, "sweep": 0.1}
        lowest |= {"crash_limit": 1, "max_tasks_per_child": 1, "max_memory_per_child": 1, "output_limit": 0}
        lowest |= {"output_lines": 1, "output_line_bytes": 1}
        for field, least in lowest.items():
            value = getattr(self, field)
            if value is not None and value < least:
                raise InvalidSetting(f"worker_{field}", f"at least {least:g}", value)
        for field in ("time_limit", "soft_time_limit"):
            value = getattr(self, field)
            if value is not None and value <= 0:
                raise InvalidSetting(f"task_{field}", "a positive number of seconds", value)
        if self.autoscale is not None:
            most, fewest = self.autoscale
            if not 1 <= fewest <= most <= MOST_SLOTS:
                expected = f"the most and the fewest slots, 1 <= fewest <= most <= {MOST_SLOTS}"
                raise InvalidSetting("worker_autoscaler", expected, self.autoscale)
        if self.concurrency > MOST_SLOTS:
            raise InvalidSetting("worker_concurrency", f"at most {MOST_SLOTS}", self.concurrency)
        if self.pool != "process" and self.concurrency and self.children > self.concurrency:
            raise ImproperlyConfigured(
                f"expected at least one slot per child, got {self.concurrency} slots in {self.children} children; "
                "raise the concurrency or lower the number of children"
            )


def options_from(conf: Settings, **overrides: Any) -> WorkerOptions:  # Any: one option's value each
    """Return the options that the settings give, with those that are not None in ``overrides`` in their place.

    Raises: InvalidSetting, ImproperlyConfigured.
    """
    chosen = {field: getattr(conf, setting) for field, setting in SETTINGS.items()}
    chosen["queues"] = tuple(dict.fromkeys((*(conf.task_queues or ()), conf.task_default_queue)))
    chosen["keep"] = FOR_EVER if conf.result_expires is None else conf.result_expires
    chosen |= {field: value for field, value in overrides.items() if value is not None}
    chosen = {field: value for field, value in chosen.items() if value is not None}
    return WorkerOptions(output_level=_output_level(conf), **chosen)


# The setting that each option takes its value from.
SETTINGS = {
    "pool": "worker_pool",
    "queue_order": "worker_queue_order",
    "weights": "worker_queue_weights",
    "concurrency": "worker_concurrency",
    "max_tasks_per_child": "worker_max_tasks_per_child",
    "max_memory_per_child": "worker_max_memory_per_child",
    "time_limit": "task_time_limit",
    "soft_time_limit": "task_soft_time_limit",
    "grace": "worker_grace",
    "lease": "worker_lease",
    "sweep": "worker_sweep",
    "crash_limit": "worker_crash_limit",
    "output_limit": "worker_output_limit",
    "output_lines": "worker_output_lines",
    "output_line_bytes": "worker_output_line_bytes",
    "events": "worker_send_task_events",
    "autoscale": "worker_autoscaler",
    "remote_control": "worker_enable_remote_control",
    "loglevel": "worker_loglevel",
    "keep_failed": "result_failure_expires",
    "keep_runs": "keep_runs",
    "keep_runs_bytes": "keep_runs_bytes",
}


def expand_name(name: str) -> str:
    """Return a worker's name with %h, %n and %d filled in; one without a host gets it. %i and %I, in Celery the
    number of a process, are those of the first one."""
    host = socket.gethostname()
    label, _, domain = host.partition(".")
    for mark, value in {"%h": host, "%n": label, "%d": domain, "%i": "0", "%I": ""}.items():
        name = name.replace(mark, value)
    return name if "@" in name else f"{name}@{host}"


def _output_level(conf: Settings) -> int | None:
    if not conf.worker_redirect_stdouts:
        return None
    level = conf.worker_redirect_stdouts_level
    return level if isinstance(level, int) else logging.getLevelNamesMapping()[level]


def _settle(options: WorkerOptions, field: str, value: object) -> None:
    """Replace a default while the struct is being made; afterwards it is frozen."""
    msgspec.structs.force_setattr(options, field, value)
