"""Taskiq: two processes, uvloop, orjson, hiredis, no parsing of arguments. A Redis stream (with acknowledgements, what
its page recommends) or a list (without) carries, Redis keeps the results."""

from __future__ import annotations

from bench.peer import CHILDREN, Peer

_MODULE = "bench.apps.taskiq_app"
_TASKIQ = ("-m", "taskiq")
_FAST = ("--no-parse", "--max-async-tasks", "100", "--max-prefetch", "100")  # 20 and 1,000 tasks were slower
_ALL = ("drain", "publish", "latency", "startup", "idle", "memory", "import", "recovery")


def _peer(name: str, label: str, broker: str, *, keeps: bool, killed: str, scenarios: tuple[str, ...] = _ALL) -> Peer:
    return Peer(
        name=name,
        label=label,
        app=_MODULE,
        scenarios=scenarios,
        venv="taskiq",
        servers=("redis",),
        settings=(("BENCH_STORE", "{redis}"), ("BENCH_TASKIQ_BROKER", broker)),
        worker=(*_TASKIQ, "worker", f"{_MODULE}:broker", "-w", str(CHILDREN), *_FAST, "--log-level", "WARNING"),
        scheduler=(*_TASKIQ, "scheduler", f"{_MODULE}:scheduler", "--log-level", "WARNING"),
        imports="import taskiq, taskiq_redis",
        pace=3_500,
        keeps=keeps,
        killed=killed,
        beside="horarium_redis",
    )


PEERS = (
    _peer(
        "taskiq_stream",
        "Taskiq, Redis stream",
        "stream",
        keeps=True,
        killed="runs again: when it is 10 min old and another message comes",
    ),
    _peer(
        "taskiq_list",
        "Taskiq, Redis list",
        "list",
        keeps=False,
        killed="is lost: it has left the list",
        scenarios=("drain", "publish", "recovery"),
    ),
)
