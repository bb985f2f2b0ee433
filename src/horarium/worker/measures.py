"""Measures: what a worker does when it is told to. The texts of the replies are Celery's: programs know them."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from signal import Signals
from typing import TYPE_CHECKING, Any

from horarium.app.control import ENDING, read_stamps, signal_name
from horarium.app.holdings import listed_ids
from horarium.app.switches import Switches
from horarium.clock import Seconds
from horarium.engines.records import CONTROL_TOPIC, RESULT_TOPIC, Revoke
from horarium.panel import Function
from horarium.rate import per_second
from horarium.worker.pools.pool import STUBBORN
from horarium.worker.present import Range

if TYPE_CHECKING:
    from horarium.worker.station import Station

Answer = Any  # JSON, as various as the commands


def ok(value: Any) -> Answer:
    return {"ok": value}


def nok(value: Any) -> Answer:
    return {"error": value}


# Runs.


def revoke(
    station: Station, task_id: Any = (), terminate: bool = False, signal: str | int | None = None, **_: Any
) -> Answer:
    ids = listed_ids(task_id)
    name = signal_name(signal or "TERM")
    if not terminate:
        _mark(station, ids, terminate=False)
        return ok(f"tasks {set(ids)} flagged as revoked")
    here = _end(station, ids, name)
    return ok(f"terminate: {', '.join(here)}" if here else "terminate: tasks unknown")


def terminate(station: Station, signal: str | int = "TERM", task_id: Any = (), **_: Any) -> Answer:
    return revoke(station, task_id, terminate=True, signal=signal)


def revoke_by_stamped_headers(
    station: Station,
    headers: Any = (),
    terminate: bool = False,
    signal: str | int | None = None,
    ids: Any = None,
    **_: Any,
) -> Answer:
    stamps = read_stamps(headers)
    name = signal_name(signal or "TERM")
    found = station.app.control.stamped(stamps) if ids is None else listed_ids(ids)
    shown = dict(headers) if isinstance(headers, Mapping) else stamps
    if not terminate:
        _mark(station, found, terminate=False)
        return ok(f"headers {shown} flagged as revoked, but not terminated")
    here = _end(station, found, name)
    return ok(f"headers {shown} revoked" if here else f"headers {shown} were not terminated")


# Tasks.


def rate_limit(station: Station, task_name: str, rate_limit: Any, **_: Any) -> Answer:
    if task_name not in station.app.tasks:
        return nok("unknown task")
    rate = 0 if rate_limit in (None, "") else rate_limit
    try:
        is_bounded = per_second(rate) is not None
    except ValueError as error:
        return nok(f"Invalid rate limit string: {error!r}")
    Switches(station.app.connection).set_rate(task_name, rate, reason="remote control")
    return ok("new rate limit set successfully" if is_bounded else "rate limit disabled successfully")


def time_limit(station: Station, task_name: str, hard: Any = None, soft: Any = None, **_: Any) -> Answer:
    if task_name not in station.app.tasks:
        return nok("unknown task")
    station.limit(task_name, _seconds("soft", soft), _seconds("hard", hard))
    return ok("time limits set successfully")


# Events and leases.


def election(station: Station, id: str = "", topic: str = "", action: Any = None, **_: Any) -> Answer:
    return None


def enable_events(station: Station, **_: Any) -> Answer:
    if station.present.has_events:
        return ok("task events already enabled")
    station.tell_events(True)
    return ok("task events enabled")


def disable_events(station: Station, **_: Any) -> Answer:
    if not station.present.has_events:
        return ok("task events already disabled")
    station.tell_events(False)
    return ok("task events disabled")


def heartbeat(station: Station, **_: Any) -> Answer:
    station.renew_lease()
    station.tell_of_itself("worker-heartbeat")
    return None


# Slots.


def pool_grow(station: Station, n: int = 1, **_: Any) -> Answer:
    if station.present.range is not None:
        return nok("pool_grow is not supported with autoscale. Adjust autoscale range instead.")
    station.resize(station.present.concurrency + _count("n", n))
    return ok("pool will grow")


def pool_shrink(station: Station, n: int = 1, **_: Any) -> Answer:
    if station.present.range is not None:
        return nok("pool_shrink is not supported with autoscale. Adjust autoscale range instead.")
    station.resize(station.present.concurrency - _count("n", n))
    return ok("pool will shrink")


def pool_restart(station: Station, modules: Any = None, reload: bool = False, **_: Any) -> Answer:
    if modules or reload:
        raise ValueError(
            "expected no modules: children share what their worker imported when it started; restart the worker to "
            "run new code"
        )
    station.renew_pool()
    return ok("reload started")


def autoscale(station: Station, max: Any = None, min: Any = None, **_: Any) -> Answer:
    bounds = station.present.range
    most = _count("max", max) if max is not None else bounds.most if bounds else station.present.concurrency
    fewest = _count("min", min) if min is not None else bounds.least if bounds else 1
    station.scale_between(Range(most, fewest))
    return ok(f"autoscale now max={most} min={fewest}")


def shutdown(station: Station, **_: Any) -> Answer:
    station.shut_down()
    return ok("shutting down")


# Queues.


def add_consumer(station: Station, queue: str, **_: Any) -> Answer:
    name = _name("queue", queue)
    if name not in station.present.queues:
        station.read((*station.present.queues, name))
    return ok(f"add consumer {name}")


def cancel_consumer(station: Station, queue: str, **_: Any) -> Answer:
    name = _name("queue", queue)
    if name in station.present.queues:
        station.read(tuple(each for each in station.present.queues if each != name))
    return ok(f"no longer consuming from {name}")


MEASURES: Mapping[str, Function] = {
    function.__name__: function
    for function in (
        add_consumer,
        autoscale,
        cancel_consumer,
        disable_events,
        election,
        enable_events,
        heartbeat,
        pool_grow,
        pool_restart,
        pool_shrink,
        rate_limit,
        revoke,
        revoke_by_stamped_headers,
        shutdown,
        terminate,
        time_limit,
    )
}


def _mark(station: Station, ids: list[str], *, terminate: bool) -> None:
    if not ids:
        return
    station.engine.inspector.act(Revoke(ids=tuple(ids), terminate=terminate), now=station.clock.now())
    station.engine.notifier.notify([CONTROL_TOPIC, RESULT_TOPIC])


def _end(station: Station, ids: list[str], signal: str) -> list[str]:
    """Cancel runs and end those that run here; return which do."""
    wanted = set(ids)
    here = [entry.id for _, entry in station.running() if entry.id in wanted]
    if signal in ENDING or not here:
        _mark(station, ids, terminate=signal in ENDING)
        return here
    _mark(station, ids, terminate=False)
    for id in here:
        station.signal(id, Signals[signal])
    station.later(STUBBORN, lambda: _mark(station, here, terminate=True))
    return here


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"expected {name} to be a whole number from 1 on, got {value!r}")
    return value


def _name(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected {name} to be a name, got {value!r}")
    return value


def _seconds(name: str, value: Any) -> Seconds | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value <= 0:
        raise ValueError(f"expected {name} to be a positive number of seconds or nothing, got {value!r}")
    return float(value)
