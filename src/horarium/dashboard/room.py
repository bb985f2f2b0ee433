"""A room of the dashboard: the pages and the changes that belong together, each with the least role that may.

There is no other way to add a route, so that none is without a rule. Functions are plain and synchronous; they are
called in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from horarium.dashboard.ask import Ask, Done, Download, Shown
from horarium.dashboard.person import Role

PageFunction: TypeAlias = Callable[[Ask], Shown | Download | Done]
ActFunction: TypeAlias = Callable[[Ask], Done | Shown]


class Route(Struct, frozen=True, kw_only=True):
    """``path`` is Starlette's: ``/runs/{id}``. A change is a POST, audited as ``name``; ``is_trial`` marks a POST that
    changes nothing (a preview), which is not."""

    path: str
    name: str
    role: Role
    function: Callable[[Ask], Shown | Download | Done]
    is_change: bool = False
    is_trial: bool = False
    is_long: bool = False  # it may take long, and needs a place; see places
    is_live: bool = False  # the block ``live`` of its template is sent anew when it has changed


class Room:
    def __init__(self, name: str) -> None:
        self.name = name
        self.routes: list[Route] = []

    def page(
        self, path: str, *, role: Role = Role.VIEWER, live: bool = True, is_long: bool = False
    ) -> Callable[[PageFunction], PageFunction]:
        """Show what the function returns."""

        def add(function: PageFunction) -> PageFunction:
            name = f"{self.name}.{function.__name__}"
            self.routes.append(Route(path=path, name=name, role=role, function=function, is_live=live, is_long=is_long))
            return function

        return add

    def act(self, path: str, *, role: Role, trial: bool = False) -> Callable[[ActFunction], ActFunction]:
        """Make a change, by POST."""

        def add(function: ActFunction) -> ActFunction:
            name = f"{self.name}.{function.__name__}"
            self.routes.append(
                Route(path=path, name=name, role=role, function=function, is_change=True, is_trial=trial)
            )
            return function

        return add
