"""What a web process tells the process beside it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Order(Struct, frozen=True, kw_only=True):
    """What to run, for whom; handed to the program on its standard input."""

    app: str  # module:attribute
    worker: bool
    beat: bool
    parent: int  # the process with which it ends
    search: tuple[str, ...]  # where modules are found: a server may have added folders
    options: dict[str, Any]  # a worker's, by the names of WorkerOptions; of any type
