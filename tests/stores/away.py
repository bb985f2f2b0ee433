"""An engine that can be away: its calls fail before or after they were carried out, as over a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from horarium.engines.protocol import Engine
from horarium.errors import EngineUnavailable


class Away:
    """An engine behind a line that can be cut. ``cut_before`` and ``cut_after`` name verbs, or are ``{"*"}``."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cut_before: set[str] = set()
        self.cut_after: set[str] = set()
        self.asked: list[str] = []
        self.meanwhile: dict[str, Callable[[], None]] = {}  # done once, just before a verb is carried out
        self.queue: Any = _Line(self, engine.queue)
        self.results: Any = _Line(self, engine.results)
        self.inspector: Any = _Line(self, engine.inspector)
        self.schedules = engine.schedules
        self.notifier = engine.notifier
        self.capabilities = engine.capabilities
        self.url = engine.url

    def now(self) -> int:
        return self.engine.now()

    def check(self) -> None:
        self.engine.check()

    def weaknesses(self) -> tuple[str, ...]:
        return (f"the {self.capabilities.name} store is a test's",)

    def close(self) -> None:
        self.engine.close()

    def carry_out(self, name: str, verb: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.asked.append(name)
        if self.cut_before & {name, "*"}:
            raise EngineUnavailable(f"expected {name} to be asked, the line is cut")
        if (first := self.meanwhile.pop(name, None)) is not None:
            first()
        answer = verb(*args, **options)
        if self.cut_after & {name, "*"}:
            raise EngineUnavailable(f"expected the answer of {name}, the line is cut")
        return answer


class _Line:
    def __init__(self, away: Away, protocol: Any) -> None:
        self._away = away
        self._protocol = protocol

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb = getattr(self._protocol, name)
        return lambda *args, **options: self._away.carry_out(name, verb, *args, **options)
