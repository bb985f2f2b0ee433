"""An observer for tests of schedulers."""

from __future__ import annotations

from typing import TypeVar

from horarium.event import Event

Kind = TypeVar("Kind")


class Ear:
    """Keeps all events."""

    is_detailed = True

    def __init__(self) -> None:
        self.events: list[Event] = []

    def enter(self, process: str) -> None: ...

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def heard(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]
