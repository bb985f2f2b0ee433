"""One request to Flower's API, and its answers: as Flower gives them, so errors are a status and a plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from horarium.app.fleet import Node, live_nodes
from horarium.dashboard.api.door import Caller
from horarium.dashboard.person import Role
from horarium.errors import HorariumError

LONGEST_NAME = 255


class Refused(Exception):
    """An error as Flower answers it."""

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Asked(Struct, frozen=True, kw_only=True):
    """``given`` holds what stands in the address and in a form's body; Flower does not tell them apart."""

    call: Caller
    part: str = ""  # of the path: a task's name, a run's id, a worker's name
    sends_unregistered: bool = False  # also tasks that neither the app nor a live worker knows
    given: Mapping[str, str] = {}
    body: bytes = b""

    def text(self, name: str, default: str | None = None) -> str | None:
        return self.given.get(name, default)

    def required(self, name: str) -> str:
        """Raises: Refused."""
        if name not in self.given:
            raise Refused(400, f"Missing argument {name}")
        return self.given[name]

    def name(self, name: str) -> str:
        """Return what the path names, if it can be a name. Raises: Refused."""
        if not self.part.isprintable() or not 0 < len(self.part) <= LONGEST_NAME:
            raise Refused(400, f"Invalid {name}")
        return self.part

    def number(self, name: str, default: int) -> int:
        """Raises: Refused."""
        try:
            found = int(self.given.get(name, default))
        except ValueError:
            raise Refused(400, f"Invalid argument {name}") from None
        if abs(found) > 1_000_000:
            raise Refused(400, f"Invalid argument {name}")
        return found

    def seconds(self, name: str) -> float | None:
        """Raises: Refused."""
        if (text := self.given.get(name)) is None:
            return None
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not 0 <= found <= 10_000_000:
            raise Refused(400, f"Invalid argument {name}")
        return found

    def flag(self, name: str) -> bool:
        """As tornado reads one: whatever is given and not empty is true; here the words for no are not."""
        return self.given.get(name, "").lower() not in ("", "0", "false", "no")

    def json(self) -> dict[str, Any]:  # Any: JSON
        """Return the body as an object. Raises: Refused."""
        try:
            found = msgspec.json.decode(self.body) if self.body else {}
        except (msgspec.DecodeError, RecursionError) as error:
            raise Refused(400, str(error)) from None
        if not isinstance(found, dict):
            raise Refused(400, "invalid options")
        return found

    def node(self, name: str | None = None) -> Node:
        """Return the worker that is meant. Raises: Refused."""
        name = self.part if name is None else name
        found = next((node for node in live_nodes(self.call.engine) if name in (node.key, node.name)), None)
        if found is None:
            raise Refused(404, f"Unknown worker '{name}'")
        return found


class Did(Struct, frozen=True, kw_only=True):
    """What became of a change: Flower's answer, and what the audit keeps. Any: JSON."""

    body: dict[str, Any]
    text: str
    about: str


Function: TypeAlias = Callable[[Asked], Any]  # Any: JSON; of a change Did


class FlowerRoute(Struct, frozen=True, kw_only=True):
    """``path`` is Starlette's, its one part is called ``part``. A change is a POST and is audited as ``name``."""

    path: str
    name: str
    role: Role
    function: Function
    is_change: bool = False
    is_long: bool = False  # it may take long, and needs a place


class Shelf:
    """Gathers the routes of a file."""

    def __init__(self) -> None:
        self.routes: list[FlowerRoute] = []

    def get(self, path: str, *, is_long: bool = False) -> Callable[[Function], Function]:
        return self._add(path, Role.VIEWER, is_change=False, is_long=is_long)

    def post(self, path: str, *, role: Role) -> Callable[[Function], Function]:
        return self._add(path, role, is_change=True)

    def _add(self, path: str, role: Role, *, is_change: bool, is_long: bool = False) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            name = f"flower.{function.__name__}"
            self.routes.append(
                FlowerRoute(path=path, name=name, role=role, function=function, is_change=is_change, is_long=is_long)
            )
            return function

        return add


def refused_by(error: HorariumError, status: int = 400) -> Refused:
    return Refused(status, str(error))
