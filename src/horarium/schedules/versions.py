"""What a schedule was before each of its edits, told from what the edits say of themselves."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.errors import CodecError, ScheduleRefused
from horarium.schedules.entries import KEYS
from horarium.schedules.record import Edit, Schedule
from horarium.schedules.specs import from_record

# What of a schedule is its definition, by the fields of the record; the others are its state.
DEFINITION = frozenset(KEYS) - {"schedule", "relative"} | {"spec"}


def defined_by(edit: Edit) -> dict[str, tuple[Any, Any]]:  # Any: JSON
    """Return what an edit changed of the definition: by field, from and to."""
    return {name: change for name, change in edit.changes.items() if name in DEFINITION}


def definition_before(schedule: Schedule, number: int) -> dict[str, Any]:
    """Return the keys of an entry that bring back what the schedule was before one of its kept edits (0: the oldest);
    only those that differ from what it is now. None of a key: its default.

    Raises: ScheduleRefused for a number that is none, and when the arguments were too long for the edit to keep.
    """
    if not 0 <= number < len(schedule.edits):
        raise ScheduleRefused(schedule.name, f"expected one of its {len(schedule.edits)} kept edits, got {number}")
    before: dict[str, Any] = {}
    for edit in reversed(schedule.edits[number:]):
        before |= {name: old for name, (old, _) in defined_by(edit).items()}
    return {("schedule" if name == "spec" else name): _read(schedule, name, old) for name, old in before.items()}


def _read(schedule: Schedule, name: str, told: Any) -> Any:
    match name:
        case "spec":
            return from_record(told)
        case "args" | "kwargs":
            try:
                return codec.decode(Raw(msgspec.json.encode(msgspec.json.decode(told))))
            except (CodecError, msgspec.DecodeError, TypeError) as error:
                raise ScheduleRefused(
                    schedule.name,
                    f"the {name} of before were too long to be kept with the edit; write them anew in the editor",
                ) from error
    return told
