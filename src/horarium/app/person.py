"""Who is at the keyboard, for what is kept of people's decisions."""

from __future__ import annotations

import getpass


def named(by: str | None) -> str:
    """Return the name that was given, else that of this process's user."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in a container
        return "somebody"
