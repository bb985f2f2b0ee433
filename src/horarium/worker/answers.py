"""Answers: what a worker tells of itself when it is inspected. The shapes are Celery's; where a key has no meaning here
it has the value that says so in Celery."""

from __future__ import annotations

import importlib
import platform
import resource
import tempfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from horarium.address import masked
from horarium.app import holdings
from horarium.app.bugreport import hidden
from horarium.app.holdings import task_info
from horarium.clock import Seconds
from horarium.panel import Function
from horarium.settings_table import TABLE
from horarium.version import __version__
from horarium.worker.process import resident_bytes
from horarium.worker.stacks import read as read_stacks

if TYPE_CHECKING:
    from horarium.worker.station import Station

Answer = Any  # JSON, as various as the commands
STANDARD = "celery."  # how the names of tasks begin that every app has
TOLD_OF_TASKS = ("exchange", "routing_key", "rate_limit")
SAMPLES_KEPT = 100
STACKS_WITHIN: Seconds = 1.0  # of all children together, nearly: each has a moment at least
POOLS = {"process": "process:ProcessPool", "thread": "thread:ThreadPool", "async": "loop:AsyncPool"}


def ping(station: Station, **_: Any) -> Answer:
    return {"ok": "pong"}


def active(station: Station, safe: bool | None = False, **_: Any) -> Answer:
    running = station.running()
    runs = station.engine.results.read([entry.id for _, entry in running]) if running else []
    return [
        task_info(
            station.show(run.message),
            station.hostname,
            started=entry.started,
            pid=life.pid,
            attempt=len(run.attempts) + 1,
            safe=bool(safe),
        )
        for (life, entry), run in zip(running, runs, strict=True)
        if run is not None
    ]


def active_queues(station: Station, **_: Any) -> Answer:
    return [holdings.queue_info(name) for name in station.present.queues]


def clock(station: Station, **_: Any) -> Answer:
    return {"clock": station.clock.now()}


def conf(station: Station, with_defaults: bool | None = False, **_: Any) -> Answer:
    return settings_of(station, with_defaults=bool(with_defaults))


def hello(station: Station, from_node: str = "", revoked: Any = None, **_: Any) -> Answer:
    if from_node == station.hostname:
        return None
    return {"revoked": holdings.revoked(station.engine), "clock": station.clock.now()}


def memsample(station: Station, **_: Any) -> Answer:
    pids = [life.pid for life in station.lives() if life.pid]
    own, children = resident_bytes(station.node().record.member.pid), sum(map(resident_bytes, pids))
    sample = f"{(own + children) / 1_048_576:.2f}MB"
    station.samples = [*station.samples, sample][-SAMPLES_KEPT:]
    return sample


def memdump(station: Station, samples: int = 10, **_: Any) -> Answer:
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(f"expected the number of samples to be a whole number from 1 on, got {samples!r}")
    return "".join(f"- rss: {sample}\n" for sample in station.samples[-samples:]) or "- rss: no sample was taken yet.\n"


def objgraph(station: Station, num: int = 200, max_depth: int = 10, type: str = "Request", **_: Any) -> Answer:
    try:
        graph = importlib.import_module("objgraph")
    except ImportError:
        raise ImportError("Requires the objgraph library") from None
    objects = graph.by_type(str(type))[: int(num)]
    with tempfile.NamedTemporaryFile(prefix="horarium-objects-", suffix=".png", delete=False) as picture:
        graph.show_backrefs(objects, max_depth=int(max_depth), filename=picture.name)
        return {"filename": picture.name}


def query_task(station: Station, ids: Any = (), **_: Any) -> Answer:
    return holdings.query_task(station.engine, station.node(), holdings.listed_ids(ids), station.show)


def registered(station: Station, taskinfoitems: Any = None, builtins: bool | None = False, **_: Any) -> Answer:
    items = [item for item in taskinfoitems or TOLD_OF_TASKS if isinstance(item, str) and not item.startswith("_")]
    tasks = {name: task for name, task in station.app.tasks.items() if builtins or not name.startswith(STANDARD)}
    return [_task_with(tasks[name], items) for name in sorted(tasks)]


def report(station: Station, **_: Any) -> Answer:
    settings = settings_of(station)
    lines = [
        "",
        f"software -> horarium:{__version__} py:{platform.python_version()}",
        f"platform -> system:{platform.system()} arch:{', '.join(filter(None, platform.architecture()))}",
        f"            kernel version:{platform.release()} imp:{platform.python_implementation()}",
        f"app      -> {station.app.main}",
        f"settings -> store:{masked(station.engine.url)} pool:{station.options.pool}",
        "",
        *(f"{name}: {value!r}" for name, value in settings.items()),
        "",
    ]
    return {"ok": "\n".join(lines)}


def reserved(station: Station, **_: Any) -> Answer:
    return holdings.reserved(station.engine, station.node(), station.show)


def revoked(station: Station, **_: Any) -> Answer:
    return holdings.revoked(station.engine)


def scheduled(station: Station, **_: Any) -> Answer:
    return holdings.scheduled(station.engine, station.node(), station.show)


def stacks(station: Station, **_: Any) -> Answer:
    running: dict[int, list[str]] = {}
    for life, entry in station.running():
        running.setdefault(life.pid, []).append(f"{entry.task} [{entry.id}]")
    until = station.clock.monotonic() + STACKS_WITHIN
    told = []
    for life in station.lives():
        runs = ", ".join(running.get(life.pid, [])) or "nothing"
        left = max(0.1, until - station.clock.monotonic())
        text = read_stacks(life.pid, left, station.clock) if life.pid else None
        told.append(f"child {life.place + 1} (pid {life.pid}) runs {runs}\n{text or 'It has not told its stacks.'}\n")
    return {"ok": "\n".join(told)}


def stats(station: Station, **_: Any) -> Answer:
    options, present = station.options, station.present
    told = {
        "total": station.board.totals(),
        "pid": station.node().record.member.pid,
        "clock": str(station.clock.now()),
        "uptime": round((station.clock.now() - station.started) / 1000),
        "pool": {
            "implementation": f"horarium.worker.pools.{POOLS[options.pool]}",
            "max-concurrency": present.concurrency,
            "processes": [life.pid for life in station.lives() if life.pid],
            "max-tasks-per-child": options.max_tasks_per_child or "N/A",
            "put-guarded-by-semaphore": False,
            "timeouts": [options.soft_time_limit or 0, options.time_limit or 0],
            "writes": "N/A",
        },
        "broker": _store_info(station.engine.url),
        "prefetch_count": present.concurrency,
        "rusage": _usage(),
    }
    if present.range is not None:
        told["autoscaler"] = {
            "max": present.range.most,
            "min": present.range.least,
            "current": present.concurrency,
            "qty": len(station.running()),
        }
    return told


ANSWERS: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        active,
        active_queues,
        clock,
        conf,
        hello,
        memdump,
        memsample,
        objgraph,
        ping,
        query_task,
        registered,
        report,
        reserved,
        revoked,
        scheduled,
        stacks,
        stats,
    )
}


def settings_of(station: Station, *, with_defaults: bool = False) -> dict[str, Any]:
    """Return the app's settings as JSON; secrets are masked."""
    conf = station.app.conf
    values = {name: conf[name] for name in TABLE}
    return {
        name: _plain(hidden(name, value))
        for name, value in values.items()
        if with_defaults or value != TABLE[name].default
    }


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case _:
            return repr(value)


def _task_with(task: Any, items: Sequence[str]) -> str:
    fields = {item: value for item in items if (value := getattr(task, item, None)) is not None}
    return f"{task.name} [{' '.join(f'{item}={value}' for item, value in fields.items())}]" if fields else task.name


def _store_info(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "hostname": parts.hostname,
        "userid": parts.username,
        "virtual_host": parts.path.lstrip("/") or "/",
        "port": parts.port,
        "insist": False,
        "ssl": parts.scheme.endswith("ss"),
        "transport": parts.scheme,
        "connect_timeout": None,
        "transport_options": {},
        "login_method": None,
        "uri_prefix": None,
        "heartbeat": 0,
        "failover_strategy": "round-robin",
        "alternates": [],
        "credential_provider": None,
    }


def _usage() -> dict[str, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    names = (
        "utime stime maxrss ixrss idrss isrss minflt majflt nswap inblock oublock msgsnd msgrcv nsignals nvcsw nivcsw"
    )
    return {name: getattr(usage, f"ru_{name}") for name in names.split()}
