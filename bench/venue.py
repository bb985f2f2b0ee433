"""Where peers are measured: their interpreters, and the servers as they are set for this run."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import environments
from bench.peer import Peer, ServerName
from bench.servers.served import Kind, Served


class Venue:
    def __init__(self, environments: Path, kinds: Mapping[ServerName, Kind]) -> None:
        self._environments = environments
        self._kinds = kinds
        self._unmade: dict[str, str] = {}  # environments that could not be made, and why

    def make(self, venv: str) -> None:
        """Make an environment unless it is there; if that does not succeed, ``missing`` tells why."""
        if reason := environments.make(self._environments, venv):
            self._unmade[venv] = reason

    def missing(self, peer: Peer) -> str | None:
        """Say why this peer cannot run here, or None if it can."""
        reasons = [self._kinds[name].missing() for name in peer.servers]
        if peer.venv:
            reasons.append(self._unmade.get(peer.venv) or environments.missing(self._environments, peer.venv))
        reasons += [
            f"{name} is not installed; `make bench` installs it" for name in peer.needs if not _importable(name)
        ]
        return next((reason for reason in reasons if reason), None)

    def python(self, peer: Peer) -> str:
        return environments.python_of(self._environments, peer.venv)

    def facts(self) -> dict[str, str]:
        """Tell what the servers are."""
        return {name: kind.missing() or kind.facts() for name, kind in self._kinds.items()}

    @contextmanager
    def serving(self, peer: Peer, directory: Path) -> Iterator[dict[ServerName, Served]]:
        """Run the servers of a peer for the length of the block."""
        with ExitStack() as stack:
            yield {name: stack.enter_context(self._kinds[name].start(directory)) for name in peer.servers}


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False
