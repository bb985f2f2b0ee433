"""Tells the journal what is told to the observer, in Celery's shapes, as long as somebody wants events."""

from __future__ import annotations

from collections.abc import Callable

from horarium.app import telling
from horarium.app.journalist import Journalist
from horarium.clock import Clock
from horarium.event import Event, Finished, Observer, Received
from horarium.message import Message

Show = Callable[[Message], Message]


class Teller:
    """An observer before another one. ``show`` returns a message as people may see it. ``is_on`` may be
    changed at any time, by any thread."""

    def __init__(self, observer: Observer, journalist: Journalist, hostname: str, *, is_on: bool, show: Show) -> None:
        self.is_on = is_on
        self.journalist = journalist
        self.clock: Clock | None = None  # the store's time, once it is known
        self._observer = observer
        self._hostname = hostname
        self._show = show

    @property
    def is_detailed(self) -> bool:
        return self.is_on or self._observer.is_detailed

    def enter(self, process: str) -> None:
        self._observer.enter(process)

    def tell(self, event: Event) -> None:
        self._observer.tell(event)
        if not self.is_on or self.clock is None:
            return
        match event:
            case Received():
                told = telling.received(self._show(event.delivery.message), self._hostname, self.clock.now())
            case Finished():
                told = telling.finished(event, self._hostname, self.clock.now())
            case _:
                return
        for each in told:
            self.journalist.write(each)
