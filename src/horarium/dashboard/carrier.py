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
        self._threads: list[threading.Thread] = []

    def carry(self, app: Horarium, id: str) -> bool:
        """Go on with an order in a thread of its own; False when it has ended or somebody else does."""
        order, stand = bulk.order_of(app.engine, id), bulk.take(app, id)
        if order is None or stand is None:
            return False
        thread = threading.Thread(
            target=self._carry, args=(app, order, stand), name=f"horarium-bulk-{id[:8]}", daemon=True
        )
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return True

    def wait(self, timeout: Seconds) -> bool:
        """Wait until all that was begun has ended; False when the time is up first."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

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
