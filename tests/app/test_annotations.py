"""Options of tasks that are chosen in ``task_annotations``."""

from __future__ import annotations

from typing import Any

import pytest

from horarium import Horarium, Task
from horarium.errors import ImproperlyConfigured
from horarium.testing import drain


def test_annotations_by_name_win_over_those_of_every_task(app: Horarium) -> None:
    app.conf.task_annotations = {"shop.mail": {"time_limit": 5.0}, "*": {"time_limit": 60.0, "queue": "q"}}
    mail = app.task(name="shop.mail")(lambda: None)
    other = app.task(name="shop.other")(lambda: None)
    app.finalize()
    assert (mail.time_limit, mail.queue) == (5.0, "q")
    assert (other.time_limit, other.queue) == (60.0, "q")


def test_a_call_heeds_annotations_though_the_app_was_never_finalized(app: Horarium) -> None:
    mail = app.task(name="shop.mail")(lambda: None)
    app.conf.task_annotations = {"shop.mail": {"queue": "annotated", "priority": 9}}
    run = mail.delay().run
    assert run is not None
    assert (run.message.queue, run.message.priority) == ("annotated", 9)


class Patient:
    """What a project gives as an object."""

    def annotate(self, task: Task) -> dict[str, Any] | None:
        return {"max_retries": 9} if task.name.startswith("shop.") else None

    def annotate_any(self) -> dict[str, Any]:
        return {"default_retry_delay": 1.0}


@pytest.mark.parametrize("given", [Patient(), [{"other": {"priority": 1}}, Patient()], f"{__name__}.Patient"])
def test_annotations_are_objects_lists_and_dotted_paths_too(app: Horarium, given: Any) -> None:
    app.conf.task_annotations = given
    mail = app.task(name="shop.mail")(lambda: None)
    app.finalize()
    assert (mail.max_retries, mail.default_retry_delay) == (9, 1.0)


def test_functions_become_methods_and_at_wraps_one(app: Horarium) -> None:
    seen: list[Any] = []

    def on_success(self: Task, result: Any, *rest: Any) -> None:
        seen.append((self.name, result))

    def doubled(run: Any) -> Any:
        return lambda self, *args, **kwargs: 2 * run(self, *args, **kwargs)

    app.conf.task_annotations = {"shop.add": {"on_success": on_success, "@run": doubled}}
    add = app.task(name="shop.add")(lambda x, y: x + y)
    result = add.delay(1, 2)
    app.finalize()
    drain(app)
    assert result.get(timeout=1) == 6
    assert seen == [("shop.add", 6)]


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({"*": {"time_limit": "long"}}, "time_limit of shop.mail"),
        ({"*": {"@__call__": lambda call: call}}, "'@run'"),
        ("nowhere.Patient", "dotted path"),
    ],
)
def test_an_annotation_that_cannot_be_is_refused(app: Horarium, annotations: Any, told: str) -> None:
    app.conf.task_annotations = annotations
    app.task(name="shop.mail")(lambda: None)
    with pytest.raises(ImproperlyConfigured, match=told):
        app.finalize()
