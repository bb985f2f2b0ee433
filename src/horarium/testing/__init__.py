"""For the tests of programs that use Horarium: a store in memory, time that is moved by hand, and a worker in place.

A name is imported when it is first asked for: pytest loads the plugin in every run, also where no task is tested.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from horarium.clock import ManualClock
    from horarium.testing.bench import Bench, captured, eager
    from horarium.testing.clock import VirtualClock
    from horarium.testing.drain import drain
    from horarium.testing.idle import NeverIdle, run_due_schedules, run_until_idle
    from horarium.testing.isolated import isolated
    from horarium.testing.sent import Sent, assert_enqueued, assert_not_enqueued, enqueued
    from horarium.testing.simulate import SimulatedRun, Simulation, simulate
    from horarium.testing.unit import UsesHorarium
    from horarium.testing.worker import ThreadWorker, start_worker

_HOMES = {
    "Bench": "horarium.testing.bench",
    "ManualClock": "horarium.clock",
    "NeverIdle": "horarium.testing.idle",
    "Sent": "horarium.testing.sent",
    "SimulatedRun": "horarium.testing.simulate",
    "Simulation": "horarium.testing.simulate",
    "ThreadWorker": "horarium.testing.worker",
    "UsesHorarium": "horarium.testing.unit",
    "VirtualClock": "horarium.testing.clock",
    "assert_enqueued": "horarium.testing.sent",
    "assert_not_enqueued": "horarium.testing.sent",
    "captured": "horarium.testing.bench",
    "drain": "horarium.testing.drain",
    "eager": "horarium.testing.bench",
    "enqueued": "horarium.testing.sent",
    "isolated": "horarium.testing.isolated",
    "run_due_schedules": "horarium.testing.idle",
    "run_until_idle": "horarium.testing.idle",
    "simulate": "horarium.testing.simulate",
    "start_worker": "horarium.testing.worker",
}

__all__ = [
    "Bench",
    "ManualClock",
    "NeverIdle",
    "Sent",
    "SimulatedRun",
    "Simulation",
    "ThreadWorker",
    "UsesHorarium",
    "VirtualClock",
    "assert_enqueued",
    "assert_not_enqueued",
    "captured",
    "drain",
    "eager",
    "enqueued",
    "isolated",
    "run_due_schedules",
    "run_until_idle",
    "simulate",
    "start_worker",
]


def __getattr__(name: str) -> Any:  # whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_HOMES[name])
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Import sets each room on its package when it is loaded: the room ``drain`` must not take the function's name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
