"""What a schedule was before an edit, told from the edits that it keeps."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium import codec
from horarium.errors import ScheduleRefused
from horarium.schedules import editing, policy
from horarium.schedules.cron import cron
from horarium.schedules.entries import read_entry
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record
from horarium.schedules.versions import definition_before

NOW = 1_800_000_000_000


def edited(schedule: Schedule, **fields: object) -> Schedule:
    return editing.noted(schedule, replace(schedule, **fields), what="edited", by="ana", now=NOW)


def made(**keys: object) -> Schedule:
    entry = {"task": "t", "schedule": cron("0 6 * * *"), "args": [1], **keys}
    first = policy.create(read_entry("s", entry, timezone="UTC", now=NOW), now=NOW)
    return editing.noted(None, first, what="created", by="ana", now=NOW)


def test_edits_are_walked_back_to_the_one_that_is_meant() -> None:
    second = edited(made(), spec=to_record(cron("0 7 * * *")), args=Raw(codec.encode([2])))
    third = edited(second, spec=to_record(cron("0 8 * * *")), description="later", passed_over=(NOW + 1,))
    assert definition_before(third, 2) == {"schedule": cron("0 7 * * *"), "description": ""}
    assert definition_before(third, 1) == {"schedule": cron("0 6 * * *"), "description": "", "args": [1]}


def test_state_is_no_part_of_a_version() -> None:
    paused = editing.pause(made(), by="ana", note="audit", now=NOW)
    assert definition_before(paused, 1) == {}


@pytest.mark.parametrize("number", [-1, 1])
def test_only_kept_edits_can_be_undone(number: int) -> None:
    with pytest.raises(ScheduleRefused, match="expected one of its 1 kept edits"):
        definition_before(made(), number)


def test_arguments_too_long_to_be_kept_are_not_made_up() -> None:
    long = edited(made(args=["x" * 500]), args=Raw(codec.encode([1])))
    with pytest.raises(ScheduleRefused, match="too long to be kept"):
        definition_before(long, 1)
