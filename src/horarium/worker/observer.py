"""Whoever listens to a worker. It is passed in, so that the worker knows neither logs nor counters."""

from __future__ import annotations

from typing import Protocol

from horarium.event import Event


class Observer(Protocol):
    """Takes events in. Called from every thread and process of a worker; must neither raise nor wait."""

    @property
    def is_detailed(self) -> bool:
        """Whether the ordinary course (Received, Finished with success) is to be told too; else it costs nothing."""
        ...

    def enter(self, process: str) -> None:
        """Learn the name of the process that this is from now on; called first in each child."""
        ...

    def tell(self, event: Event) -> None: ...


class Silent:
    """Listens to nothing."""

    is_detailed = False

    def enter(self, process: str) -> None:
        pass

    def tell(self, event: Event) -> None:
        pass
