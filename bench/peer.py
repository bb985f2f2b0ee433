"""What a peer is: how to prepare it, which commands start it, and which scenarios it takes part in."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

CHILDREN = 2  # worker processes, the same for all


class Peer(Struct, frozen=True, kw_only=True):
    """One library in one configuration."""

    name: str
    label: str
    app: str  # the module with its tasks, see bench/apps
    needs: tuple[str, ...]  # modules that must be importable here
    scenarios: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    imports: str = ""  # the statement a program begins with

    def missing(self) -> str | None:
        """Say why this peer cannot run here, or None if it can."""
        for module in self.needs:
            if not _importable(module):
                return f"{module} is not installed in {sys.prefix}; `make bench` makes an environment that has it"
        return None

    @contextmanager
    def prepared(self, directory: Path) -> Iterator[dict[str, str]]:
        """Make an empty store in the directory; yield the environment variables that lead to it."""
        yield {"BENCH_STORE": str(directory / "store.db"), **dict(self.environment)}

    def worker(self) -> list[str]:
        """Return the command of a worker with CHILDREN processes."""
        raise NotImplementedError

    def scheduler(self, directory: Path) -> list[str] | None:
        """Return the command of the scheduler, None where the worker command includes it."""
        raise NotImplementedError


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False
