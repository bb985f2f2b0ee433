"""Screens that fill the terminal: they need textual, which is an extra."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from horarium.cli.exits import Exit, Stop


def watch_of(module: str, *, instead: str) -> Callable[..., int]:
    """Return ``watch`` of the module of a screen. ``instead`` says what does without it. Raises: Stop when textual is
    not installed."""
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("textual"):
            raise
        raise Stop(
            "expected the package textual for the screen, it is not installed",
            Exit.FAILED,
            hints=["install it: pip install 'horarium[tui]'", instead],
        ) from error
    watch: Callable[..., int] = found.watch
    return watch
