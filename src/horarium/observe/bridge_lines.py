"""What a bridge tells, as lines of the logger ``horarium.bridge``."""

from __future__ import annotations

import logging

from horarium.event import (
    BridgeCounted,
    BridgeEvent,
    BridgeRefused,
    BridgeReturned,
    BridgeSent,
    BridgeStarting,
    BridgeStopped,
    BridgeTook,
    Event,
    Recovered,
    Troubled,
)
from horarium.version import __version__

logger = logging.getLogger("horarium.bridge")

PLACES = "bridge "  # how the names of its parts begin


def is_of_bridge(event: Event) -> bool:
    match event:
        case Troubled(where=where) | Recovered(where=where):
            return where.startswith(PLACES)
        case _:
            return isinstance(event, BridgeEvent)


def write(event: Event) -> None:
    """Write an event to the log; the banner goes to stdout at every level, as a worker's does."""
    if isinstance(event, BridgeStarting):
        print(banner(event), flush=True)
        return
    level, text = describe(event)
    logger.log(level, "%s", text)


def describe(event: Event) -> tuple[int, str]:
    """Return the level and the words of a bridge's event."""
    match event:
        case BridgeStopped(name=name, counts=counts):
            return logging.INFO, f"{name} stopped: {counts}"
        case BridgeCounted(name=name, counts=counts):
            return logging.INFO, f"{name}: {counts} so far"
        case BridgeTook(task=task, id=id, queue=queue, is_new=True):
            return logging.INFO, f"Task {task}[{id}] taken from {queue}"
        case BridgeTook(task=task, id=id, queue=queue):
            return logging.INFO, f"Task {task}[{id}] of {queue} was taken before"
        case BridgeRefused(queue=queue, task=task, id=id, reason=reason):
            return logging.ERROR, f"Task {task}[{id}] moved to {queue}.refused: {reason}"
        case BridgeSent(task=task, id=id, queue=queue):
            return logging.INFO, f"Task {task}[{id}] given to {queue}"
        case BridgeReturned(task=task, id=id, text=text, to=to):
            return logging.INFO, f"Task {task}[{id}] told to {to}: {text}"
        case Troubled(where=where, reason=reason, wait=wait, traceback=traceback):
            again = "; trying again until it works" if wait is not None else ""
            trace = f"\n{traceback.rstrip()}" if traceback else ""
            return logging.ERROR, f"{where}: {reason}{again}{trace}"
        case Recovered(where=where):
            return logging.INFO, f"{where}: works again"
        case _:
            return logging.DEBUG, str(event)


def banner(event: BridgeStarting) -> str:
    """Return what a bridge shows when it starts."""
    shown = [f"  {line}" for line in (f"store    {event.store}", *event.ways)]
    return "\n".join([f"\n-- horarium {__version__}: {event.name}", *shown, ""])
