"""The room itself, and what its pages share: the addresses of schedules, and finding the one that is meant.

A schedule may be called anything, ``a/backfill-1`` or ``new`` as well. Servers and proxies decode a path before they
match it, some twice; so what would change its meaning stands in it as ``~2F``, which nobody decodes but we.
"""

from __future__ import annotations

import re
from typing import Any

from horarium import codec
from horarium.dashboard.ask import Ask, Unanswerable, part
from horarium.dashboard.room import Room
from horarium.errors import InvalidSchedule, ScheduleNotFound
from horarium.schedules.record import Schedule
from horarium.schedules.versions import DEFINITION

room = Room("schedules")

TAKEN = frozenset({"new", "calendar", "timeline"})  # pages beside those of schedules
_SPECIAL = re.compile(r"[/~%?#\\]")
_ESCAPED = re.compile("~([0-9A-F]{2})")
ARGS_SHOWN = 2000  # characters of arguments that the audit keeps


def address(name: str, verb: str = "") -> str:
    """Return the path of a schedule's page, or of what can be done to it."""
    escaped = _SPECIAL.sub(_escaped, name)
    if name in TAKEN or name in (".", ".."):
        escaped = f"~{ord(name[0]):02X}{name[1:]}"
    return f"/schedules/{part(escaped)}" + (f"/{verb}" if verb else "")


def name_in(ask: Ask) -> str:
    """Return the name that an address says."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), ask.parts["name"])


def found(ask: Ask) -> Schedule:
    """Return the schedule that a page is about: stored, or only declared. Raises: Unanswerable."""
    name = name_in(ask)
    try:
        return ask.app.schedules.get(name)
    except ScheduleNotFound as error:
        hint = f"Did you mean {error.nearest}?" if error.nearest else "It may have been deleted; its runs are kept."
        raise Unanswerable("gone", f"There is no schedule called {name}", hint=hint) from error
    except InvalidSchedule as error:
        raise Unanswerable("wrong", f"The code's definition of {name} is wrong", hint=str(error)) from error


def plain(schedule: Schedule) -> dict[str, Any]:  # Any: JSON
    """Return what a schedule is, for the audit."""
    told = {name: getattr(schedule, name) for name in sorted(DEFINITION)}
    return told | {name: codec.preview(getattr(schedule, name), ARGS_SHOWN) for name in ("args", "kwargs")}


def _escaped(found: re.Match[str]) -> str:
    return f"~{ord(found[0]):02X}"
