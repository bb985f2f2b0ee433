"""What is true of all rooms: with several processes, tests that take long begin at once and side by side."""

from __future__ import annotations

import signal
from itertools import islice

import pytest

# A script that starts the tests in its background lets them ignore SIGINT, and whatever they start inherits that: then
# nothing would stop at the Ctrl-C that is to stop it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with its part of the long tests: ``--dist worksteal`` first gives each a stretch of the
    list, and then has whoever is done take from the end of another's. Else a run waits for the last of them alone."""
    processes: int = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes == 1:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    others = iter([item for item in items if not item.get_closest_marker("long")])
    size = -(-len(items) // processes)
    ordered: list[pytest.Item] = []
    for number in range(processes):
        begun = long[number::processes]
        ordered += [*begun, *islice(others, max(size - len(begun), 0))]
    items[:] = [*ordered, *others]
