"""What events add up to: tasks and workers as they were told of. ``app.events.State``; the fields are Celery's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any, ClassVar, TypeAlias, TypeVar

from horarium.clock import Seconds, SystemClock
from horarium.outcome import State as RunState

K = TypeVar("K")
V = TypeVar("V")
Fields = dict[str, Any]  # Any: an event's, JSON
READY = frozenset({"SUCCESS", "FAILURE", "REVOKED", "REJECTED"})
# The state that each event of a task means, and how late in a task's life it comes.
STATES: dict[str, tuple[str, int]] = {
    "sent": (RunState.PENDING.value, 0),
    "received": (RunState.RECEIVED.value, 1),
    "started": (RunState.STARTED.value, 2),
    "retried": (RunState.RETRY.value, 3),
    "failed": (RunState.FAILURE.value, 4),
    "revoked": (RunState.REVOKED.value, 4),
    "rejected": (RunState.REJECTED.value, 4),
    "succeeded": (RunState.SUCCESS.value, 4),
}
_RANKS = dict(STATES.values())
HEARTBEATS_KEPT = 4
EXPIRES_AFTER = 2.0  # so many times its own interval without a heartbeat make a worker offline
_clock = SystemClock()


class Worker:
    """A worker as its events tell."""

    def __init__(
        self, hostname: str | None = None, pid: int | None = None, freq: Seconds = 60.0, **fields: Any
    ) -> None:
        self.hostname = hostname
        self.pid = pid
        self.freq = freq
        self.heartbeats: list[float] = list(fields.pop("heartbeats", ()) or ())
        self.clock = 0
        self.active: int | None = None
        self.processed: int | None = None
        self.loadavg: list[float] | None = None
        self.sw_ident: str | None = None
        self.sw_ver: str | None = None
        self.sw_sys: str | None = None
        self.update(fields)

    def event(
        self,
        type_: str | None,
        timestamp: float | None = None,
        local_received: float | None = None,
        fields: Fields | None = None,
    ) -> None:
        """Take in an event of this worker, or of a task of its (``type_`` None)."""
        self.update(fields or {})
        if type_ == "offline":
            self.heartbeats.clear()
        elif timestamp is not None or local_received is not None:
            self.heartbeats = sorted([*self.heartbeats, local_received or timestamp or 0.0])[-HEARTBEATS_KEPT:]

    def update(self, fields: Fields) -> None:
        for name, value in fields.items():
            setattr(self, name, value)

    @property
    def heartbeat_expires(self) -> float:
        return (self.heartbeats[-1] if self.heartbeats else 0.0) + float(self.freq) * EXPIRES_AFTER

    @property
    def alive(self) -> bool:
        """Whether it was heard of lately."""
        return bool(self.heartbeats) and _clock.now() / 1000 < self.heartbeat_expires

    @property
    def status_string(self) -> str:
        return "ONLINE" if self.alive else "OFFLINE"

    @property
    def id(self) -> str:
        return f"{self.hostname}.{self.pid}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Worker) and self.hostname == other.hostname

    def __hash__(self) -> int:
        return hash(self.hostname)

    def __repr__(self) -> str:
        return f"<Worker: {self.hostname} ({self.status_string} clock:{self.clock})>"


class Task:
    """A task as its events tell. Each of ``sent received started succeeded failed retried revoked rejected`` is the
    time of that event, or None."""

    _fields: ClassVar[tuple[str, ...]] = tuple(
        "uuid name state received sent started rejected succeeded failed retried revoked args kwargs eta expires "
        "retries worker result exception timestamp runtime traceback exchange routing_key clock client root root_id "
        "parent parent_id children".split()
    )
    uuid: str | None
    name: str | None
    state: str
    clock: int
    timestamp: float | None
    worker: Worker | None
    client: str | None
    root_id: str | None
    parent_id: str | None
    _info: ClassVar[tuple[str, ...]] = tuple(
        "args kwargs retries result eta runtime expires exception exchange routing_key root_id parent_id".split()
    )

    def __init__(self, uuid: str | None = None, cluster_state: State | None = None, **fields: Any) -> None:
        given = dict.fromkeys(self._fields) | {"state": "PENDING", "clock": 0, "uuid": uuid, **fields}
        for name in ("root", "parent", "children"):
            given.pop(name)
        self.__dict__.update(given)
        self.cluster_state = cluster_state

    def event(
        self,
        type_: str,
        timestamp: float | None = None,
        local_received: float | None = None,
        fields: Fields | None = None,
    ) -> None:
        """Take in an event of this task; those that come out of order fill in what is missing, and no more."""
        told = dict(fields or {})
        state, rank = STATES.get(type_, (type_.upper(), 3))
        if type_ in STATES:
            setattr(self, type_, timestamp)
        present = _RANKS.get(self.state, 3)
        if rank < present and RunState.RETRY.value not in (state, self.state):
            told = {name: value for name, value in told.items() if getattr(self, name, None) is None}
        else:
            told |= {"state": state, "timestamp": timestamp}
        self.__dict__.update(told)

    def info(self, fields: Any = None, extra: Any = None) -> Fields:
        """Return what is known, for people."""
        names = [*(self._info if fields is None else fields), *(extra or ())]
        return {name: value for name in names if (value := getattr(self, name, None)) is not None}

    def as_dict(self) -> Fields:
        special = {"root": self.root_id, "parent": self.parent_id, "children": [task.id for task in self.children]}
        return {name: special[name] if name in special else getattr(self, name) for name in self._fields}

    @property
    def id(self) -> str:
        return str(self.uuid)

    @property
    def ready(self) -> bool:
        return self.state in READY

    @property
    def origin(self) -> Any:
        return self.client if self.worker is None else self.worker.id

    @property
    def parent(self) -> Task | None:
        return self._other(self.parent_id)

    @property
    def root(self) -> Task | None:
        return self._other(self.root_id)

    @property
    def children(self) -> list[Task]:
        if self.cluster_state is None:
            return []
        return [task for task in self.cluster_state.tasks.values() if task.parent_id == self.uuid]

    def _other(self, uuid: str | None) -> Task | None:
        return self.cluster_state.tasks.get(uuid) if self.cluster_state is not None and uuid else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.uuid == other.uuid

    def __hash__(self) -> int:
        return hash(self.uuid)

    def __repr__(self) -> str:
        return f"<Task: {self.name}({self.uuid}) {self.state} clock:{self.clock}>"


class Bounded(OrderedDict[K, V]):
    """A dict that forgets what came first when it is full."""

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self.limit = limit

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        while self.limit is not None and len(self) > self.limit:
            self.popitem(last=False)


_Worker: TypeAlias = Worker  # State has attributes of these names, which would hide them in it
_Task: TypeAlias = Task


class State:
    """The cluster as its events tell. ``event`` takes one in: use it as the handler ``'*'`` of a receiver.

    Safe for several threads. ``on_node_join`` and ``on_node_leave`` are called with a Worker.
    """

    Worker: type[_Worker] = Worker
    Task: type[_Task] = Task

    def __init__(
        self,
        callback: Callable[[State, Fields], object] | None = None,
        workers: Any = None,
        tasks: Any = None,
        taskheap: Any = None,
        max_workers_in_memory: int = 5000,
        max_tasks_in_memory: int = 10_000,
        on_node_join: Callable[[_Worker], object] | None = None,
        on_node_leave: Callable[[_Worker], object] | None = None,
        **_: Any,
    ) -> None:
        self.event_callback = callback
        self.workers: Any = Bounded[str, _Worker](max_workers_in_memory) if workers is None else workers
        self.tasks: Any = Bounded[str, _Task](max_tasks_in_memory) if tasks is None else tasks
        self.max_workers_in_memory = max_workers_in_memory
        self.max_tasks_in_memory = max_tasks_in_memory
        self.on_node_join = on_node_join
        self.on_node_leave = on_node_leave
        self.event_count = 0
        self.task_count = 0
        self._types: set[str] = set()
        self._lock = RLock()  # guards all of this

    def event(self, event: Fields) -> Any:
        """Take in an event; return ``((task or worker, whether it is new), subject)``, None for one of another kind."""
        with self._lock:
            self.event_count += 1
            if self.event_callback is not None:
                self.event_callback(self, event)
            fields = dict(event)
            group, _, subject = fields.pop("type").partition("-")
            if group == "task":
                return self._task_event(subject, fields), subject
            if group == "worker":
                return self._worker_event(subject, fields), subject
            return None

    def get_or_create_worker(self, hostname: str, **fields: Any) -> tuple[_Worker, bool]:
        with self._lock:
            worker = self.workers.get(hostname)
            is_new = worker is None
            if worker is None:
                worker = self.workers[hostname] = self.Worker(hostname)
            worker.update(fields)
            return worker, is_new

    def get_or_create_task(self, uuid: str) -> tuple[_Task, bool]:
        with self._lock:
            task = self.tasks.get(uuid)
            if task is not None:
                return task, False
            task = self.tasks[uuid] = self.Task(uuid, cluster_state=self)
            return task, True

    def itertasks(self, limit: int | None = None) -> Iterator[tuple[str, _Task]]:
        with self._lock:
            found = list(self.tasks.items())
        return iter(found if limit is None else found[:limit])

    def tasks_by_time(self, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, _Task]]:
        """Yield ``(uuid, task)``, the ones last told of first."""
        found = sorted(self.itertasks(), key=lambda item: (item[1].clock or 0, item[1].timestamp or 0), reverse=reverse)
        return iter(found if limit is None else found[:limit])

    tasks_by_timestamp = tasks_by_time

    def tasks_by_type(self, name: str, limit: int | None = None, reverse: bool = True) -> Iterator[tuple[str, _Task]]:
        found = [item for item in self.tasks_by_time(reverse=reverse) if item[1].name == name]
        return iter(found if limit is None else found[:limit])

    def tasks_by_worker(
        self, hostname: str, limit: int | None = None, reverse: bool = True
    ) -> Iterator[tuple[str, _Task]]:
        by_time = self.tasks_by_time(reverse=reverse)
        found = [item for item in by_time if item[1].worker is not None and item[1].worker.hostname == hostname]
        return iter(found if limit is None else found[:limit])

    def task_types(self) -> list[str]:
        """Return the names of all tasks that were told of."""
        return sorted(self._types)

    def alive_workers(self) -> Iterator[_Worker]:
        with self._lock:
            return iter([worker for worker in self.workers.values() if worker.alive])

    def freeze_while(self, fun: Callable[..., Any], *args: Any, clear_after: bool = False, **kwargs: Any) -> Any:
        """Call a function while no event is taken in."""
        with self._lock:
            try:
                return fun(*args, **kwargs)
            finally:
                if clear_after:
                    self.clear()

    def clear_tasks(self, ready: bool = True) -> None:
        """Forget tasks: those that have ended, or all."""
        with self._lock:
            for uuid, task in list(self.tasks.items()):
                if not ready or task.ready:
                    del self.tasks[uuid]

    def clear(self, ready: bool = True) -> None:
        with self._lock:
            self.workers.clear()
            self.clear_tasks(ready)
            self.event_count = self.task_count = 0

    def _worker_event(self, subject: str, fields: Fields) -> tuple[_Worker, bool]:
        hostname = fields.pop("hostname")
        times = fields.pop("timestamp", None), fields.pop("local_received", None)
        worker, is_new = self.get_or_create_worker(hostname)
        worker.event(subject, *times, fields)
        if self.on_node_join is not None and (is_new or subject == "online") and subject != "offline":
            self.on_node_join(worker)
        if subject == "offline":
            if self.on_node_leave is not None:
                self.on_node_leave(worker)
            self.workers.pop(hostname, None)
        return worker, is_new

    def _task_event(self, subject: str, fields: Fields) -> tuple[_Task, bool]:
        hostname, timestamp = fields.pop("hostname", None), fields.pop("timestamp", None)
        heard = fields.pop("local_received", None)
        task, is_new = self.get_or_create_task(fields.pop("uuid"))
        if subject == "sent":
            task.client = hostname
        elif hostname is not None:
            worker, _ = self.get_or_create_worker(hostname)
            worker.event(None, timestamp, heard)
            task.worker = worker
        if subject == "received":
            self.task_count += 1
        task.event(subject, timestamp, heard, fields)
        if task.name is not None:
            self._types.add(task.name)
        return task, is_new

    def __repr__(self) -> str:
        return f"<State: events={self.event_count} tasks={self.task_count}>"
