"""``app.control.set_priority``: what waits runs sooner, or later."""

from __future__ import annotations

from typing import Any

import pytest

from horarium import Horarium
from horarium.errors import InvalidArguments
from horarium.testing import drain


def test_what_waits_runs_by_its_new_priority(app: Horarium) -> None:
    seen: list[str] = []
    note = app.task(name="note")(lambda name: seen.append(name))
    ids = {name: note.delay(name).id for name in "abc"}
    assert app.control.set_priority(ids["c"], 9) == [ids["c"]]
    assert app.control.set_priority([ids["a"], ids["b"], "nobody's"], 5) == []
    assert app.control.set_priority((ids["a"],), 0) == [ids["a"]]
    drain(app)
    assert seen == ["c", "b", "a"]
    assert app.control.set_priority(ids["c"], 1) == []
    assert app.control.set_priority([], 1) == []


def test_the_number_is_the_stores_own_whatever_the_scheme_says(app: Horarium) -> None:
    app.conf.task_priority_scheme = "redis"
    result = app.send_task("t", priority=9)
    app.control.set_priority(result.id, 8)
    assert result.run is not None
    assert result.run.message.priority == 8


@pytest.mark.parametrize("wrong", [-1, 10, 2.0, "7", None, True])
def test_what_is_no_priority_is_refused(app: Horarium, wrong: Any) -> None:
    result = app.send_task("t")
    with pytest.raises(InvalidArguments, match="expected a priority from 0 to 9, got"):
        app.control.set_priority(result.id, wrong)
