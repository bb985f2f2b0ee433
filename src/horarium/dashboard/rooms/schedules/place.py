"""The room itself, and what its pages share: the addresses of schedules, and finding the one that is meant.

A schedule may be called anything, ``new`` and ``calendar`` as well, which are pages here, or ``..``, which browsers
read as the way up. Such a name has a ``~`` in front of it in an address.
"""

from __future__ import annotations

from typing import Any

from horarium import codec
from horarium.dashboard.ask import Ask, Unanswerable, part
from horarium.dashboard.room import Room
from horarium.errors import InvalidSchedule, ScheduleNotFound
from horarium.observe.redacted import shown_schedule
from horarium.schedules.record import Schedule
from horarium.schedules.versions import DEFINITION

room = Room("schedules")

TAKEN = frozenset({"new", "calendar", "timeline", ".", ".."})
ARGS_SHOWN = 2000  # characters of arguments that the audit keeps


def address(name: str, verb: str = "") -> str:
    """Return the path of a schedule's page, or of what can be done to it."""
    meant = f"~{name}" if name in TAKEN or name.startswith("~") else name
    return f"/schedules/{part(meant)}" + (f"/{verb}" if verb else "")


def name_in(ask: Ask) -> str:
    """Return the name that an address says."""
    return ask.parts["name"].removeprefix("~")


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


def plain(ask: Ask, schedule: Schedule) -> dict[str, Any]:  # Any: JSON
    """Return what a schedule is, for the audit: without secrets."""
    schedule = shown_schedule(schedule, ask.app)
    told = {name: getattr(schedule, name) for name in sorted(DEFINITION)}
    return told | {name: codec.preview(getattr(schedule, name), ARGS_SHOWN) for name in ("args", "kwargs")}
