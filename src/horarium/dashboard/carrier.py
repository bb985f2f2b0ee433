"""Who carries out orders for many runs (observe/bulk.py) in a dashboard's process: one thread for each order.

It lives as long as the process. An order that it leaves behind is shown as left, and can be gone on with.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from horarium.clock import Seconds
from horarium.errors import EngineUnavailable
from horarium.observe import bulk

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger("horarium.web")

TRIES = 10  # while the store is away
PAUSE: Seconds = 1.0

_carriers: WeakKeyDictionary[Horarium, Carrier] = WeakKeyDictionary()  # under _lock
_lock = threading.Lock()


class Carrier:
    """The threads of one app's dashboard. ``stop`` leaves what is not done."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []  # under _lock: each request has a thread of its own

    def carry(self, app: Horarium, id: str) -> bool:
        """Go on with an order in a thread of its own; False when it has ended or somebody else does."""
        order, stand = bulk.order_of(app.engine, id), bulk.take(app, id)
        if order is None or stand is None:
            return False
        thread = threading.Thread(
            target=self._carry, args=(app, order, stand), name=f"horarium-bulk-{id[:8]}", daemon=True
        )
        with self._lock:  # until it runs: one that does not is taken for one that has ended
            thread.start()
            self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        return True

    def wait(self, timeout: Seconds) -> bool:
        """Wait for each of those that were begun to end; False when the time of one is up first."""
        with self._lock:
            threads = tuple(self._threads)
        for thread in threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in threads)

    def stop(self) -> None:
        """Let each thread end after its batch; stopping twice is fine."""
        self._is_over.set()

    def _carry(self, app: Horarium, order: bulk.Order, stand: bulk.Stand | None) -> None:
        tries = 0
        while stand is not None and not stand.end and not self._is_over.is_set():
            try:
                stand = bulk.step(app, order, stand)
                tries = 0
            except EngineUnavailable as error:
                tries += 1
                logger.warning("bulk %s waits for the store (%d of %d): %s", order.id, tries, TRIES, error)
                if tries == TRIES or self._is_over.wait(PAUSE):
                    return
            except Exception:  # whatever it is: the order is shown as left, and can be gone on with
                logger.exception("bulk %s was left", order.id)
                return


def carrier_of(app: Horarium) -> Carrier:
    """Return the carrier of this app in this process."""
    with _lock:
        return _carriers.setdefault(app, Carrier())
