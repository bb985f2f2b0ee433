"""Where a scheduler's log lines go when the program has not said so itself."""

from __future__ import annotations

import logging


def show_log(level: str, format: str) -> None:
    """Show the log of Horarium on stderr. A program that has set up logging of its own is left alone."""
    ours = logging.getLogger("horarium")
    if logging.getLogger().handlers or ours.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(format))
    ours.addHandler(handler)
    ours.setLevel(level.upper())
