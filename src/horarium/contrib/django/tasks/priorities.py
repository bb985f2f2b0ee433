"""Django's priorities, -100 to 100, and ours, 0 to 9: what is higher there is never lower here, and 0 is in the middle.

    -100..-81  -80..-61  -60..-41  -40..-21  -20..-1   0   1..25  26..50  51..75  76..100
        0         1         2         3         4      5     6       7       8       9

Ten are fewer than 201: two priorities of one column are one, and those run in the order in which they were enqueued.
"""

from __future__ import annotations

from horarium.message import DEFAULT_PRIORITY
from horarium.priority import OwnPriority

BELOW, ABOVE = 20, 25  # so many of Django's are one of ours


def ours(priority: int) -> OwnPriority:
    """Return our priority for one of Django's."""
    if priority < 0:
        return OwnPriority(DEFAULT_PRIORITY + priority // BELOW)
    return OwnPriority(DEFAULT_PRIORITY - -priority // ABOVE)


def djangos(priority: int) -> int:
    """Return the priority of Django that stands for one of ours: the one nearest to 0 that ``ours`` maps onto it."""
    steps = priority - DEFAULT_PRIORITY
    if steps < 0:
        return (steps + 1) * BELOW - 1
    return (steps - 1) * ABOVE + 1 if steps else 0
