"""Waiting for live workers, as their heartbeats tell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from horarium.app.fleet import Node, is_meant, live_nodes
from horarium.clock import Seconds, SystemClock

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

__all__ = ["Node", "await_nodes", "is_meant", "live_nodes"]

LOOK_EVERY: Seconds = 0.05


def await_nodes(engine: Engine, names: tuple[str, ...] | None, timeout: Seconds) -> list[Node]:
    """Return the live workers, looking again until there is one (of each name), for ``timeout`` at the most."""
    clock = SystemClock()
    until = clock.monotonic() + timeout
    while True:
        nodes = live_nodes(engine, names)
        if len(nodes) >= len(names or ("any",)) or clock.monotonic() >= until:
            return nodes
        time.sleep(LOOK_EVERY)
