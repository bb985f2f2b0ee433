"""``celery.local``: objects that stand for others, for those who make their own."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from horarium.app.stand_in import StandIn

__all__ = ["PromiseProxy", "Proxy", "maybe_evaluate", "try_import"]


class Proxy(StandIn):
    """Stands for what ``local(*args, **kwargs)`` returns each time; ``name`` and ``__doc__`` are accepted."""

    __slots__ = ()

    def __init__(
        self,
        local: Callable[..., Any],
        args: Any = None,
        kwargs: Any = None,
        name: str | None = None,
        __doc__: str | None = None,
    ) -> None:
        super().__init__(lambda: local(*(args or ()), **(kwargs or {})))


class PromiseProxy(Proxy):
    """Stands for what its function returned the first time."""

    __slots__ = ()

    def __init__(self, local: Callable[..., Any], args: Any = None, kwargs: Any = None, **named: Any) -> None:
        kept: list[Any] = []

        def once() -> Any:
            if not kept:
                kept.append(local(*(args or ()), **(kwargs or {})))
            return kept[0]

        super().__init__(once, **named)


def maybe_evaluate(thing: Any) -> Any:
    """Return what a PromiseProxy stands for; anything else as it is."""
    return thing._get_current_object() if type(thing) is PromiseProxy else thing


def try_import(module: str, default: Any = None) -> ModuleType | Any:
    """Return a module, or ``default`` if it cannot be imported."""
    try:
        return import_module(module)
    except ImportError:
        return default
