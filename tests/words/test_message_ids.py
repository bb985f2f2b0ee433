"""Ids of messages: what is derived stays the same from release to release, or a firing could be enqueued twice."""

from __future__ import annotations

from uuid import uuid5

import pytest

from horarium.message import ID_NAMESPACE, derived_id


@pytest.mark.parametrize("parts", [("schedule", 1_767_225_600_000, "auto"), ("Frühstück|", 0, "manual"), ()])
def test_a_derived_id_is_the_version_5_uuid_of_its_parts(parts: tuple[object, ...]) -> None:
    assert derived_id(*parts) == str(uuid5(ID_NAMESPACE, "|".join(map(str, parts))))
