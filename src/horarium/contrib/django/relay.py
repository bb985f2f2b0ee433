"""Relays: threads of workers and schedulers that send what a crash has left in an outbox.

Each runs as long as its process, one for each app. It looks once a second, and takes what is older than a few seconds:
younger messages are still in the hands of the process that wrote them.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connections

from horarium.clock import Seconds, milliseconds
from horarium.contrib.django import outbox
from horarium.contrib.django.on_commit import aware
from horarium.errors import HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger(__name__)

EVERY: Seconds = 1.0
LEAVE_FOR: Seconds = 3.0  # to the process that wrote it
REST: Seconds = 5.0  # after trouble

_relays: WeakKeyDictionary[Horarium, Relay] = WeakKeyDictionary()


def start(app: Horarium) -> None:
    """Let a relay run for an app, if there are outboxes and none runs for it yet."""
    if outbox.aliases() and app not in _relays:
        _relays[app] = relay = Relay(app)
        relay.start()


def stop_all() -> None:
    """Let the relays of this process end. Does not wait for them."""
    for relay in list(_relays.values()):
        relay.stop()
    _relays.clear()


def relay_once(app: Horarium, *, leave_for: Seconds = LEAVE_FOR) -> int:
    """Send what was left in the outboxes; return how many messages. ``leave_for``: younger ones are left alone.

    Raises: DatabaseError; EngineUnavailable, and then they are still there.
    """
    sent = 0
    for alias in outbox.aliases():
        before = app.now() - milliseconds(leave_for)
        while count := outbox.relay(alias, app.producer.dispatch, before=before):
            sent += count
    return sent


class Relay(Thread):
    """Sends what was left, until it is stopped or its process ends."""

    def __init__(self, app: Horarium) -> None:
        super().__init__(name="horarium-outbox", daemon=True)
        self._app = app
        self._stopped = Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        wait, was_well = EVERY, True
        while not self._stopped.wait(wait):
            try:
                with aware():
                    sent = relay_once(self._app)
                wait, was_well = EVERY, True
                if sent:
                    logger.info("sent %d messages that were left in the outbox", sent)
            except (DatabaseError, HorariumError) as error:
                if was_well:  # told once, not every few seconds while it lasts
                    logger.warning("expected to send what is in the outbox, got: %s; trying again", outbox.told(error))
                wait, was_well = REST, False
            finally:
                connections.close_all()
