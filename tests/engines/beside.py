"""An engine and the memory engine side by side: the same is asked of both, and both must answer the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from hypothesis.stateful import RuleBasedStateMachine
from sightings import answer

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine

FAST_DISK = Path("/dev/shm")  # no process dies here, so no write needs a real disk

Same: TypeAlias = Callable[[Any, Any], bool]


class Sides(RuleBasedStateMachine):
    """The two engines; a subclass of the machine says how the one under test is opened."""

    open_subject: ClassVar[Callable[[Path], Engine]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST_DISK if FAST_DISK.is_dir() else None)
        self.path = Path(self.folder.name) / "model.db"
        self.subject = type(self).open_subject(self.path)
        self.clock = ManualClock(self.subject.now())
        self.oracle: Engine = MemoryEngine(self.clock)
        self.names = 0
        self.last: tuple[Callable[[Engine], Any], Same | None, Any] | None = None

    @property
    def now(self) -> int:
        return self.clock.now()

    def after(self, seconds: float) -> int:
        return self.now + round(seconds * 1000)

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def choose(self, things: Sequence[Any], which: list[int]) -> list[Any]:
        return [things[index % len(things)] for index in which] if things else []

    def both(self, ask: Callable[[Engine], Any], same: Same | None = None) -> Any:
        """Do one thing to both engines and compare the answers; return the oracle's."""
        expected, got = answer(ask, self.oracle), answer(ask, self.subject)
        assert same(expected, got) if same else expected == got, f"memory: {expected}, subject: {got}"
        self.last = ask, same, expected
        return expected

    def compare(self, look: Callable[[Engine], Any]) -> None:
        expected, got = look(self.oracle), look(self.subject)
        assert expected == got, f"memory: {expected}, subject: {got}"

    def close(self) -> None:
        self.subject.close()
        self.folder.cleanup()
