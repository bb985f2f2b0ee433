"""The options of calls and retries: what is wrong is refused where it is written, never found by a worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from horarium import Horarium, Task
from horarium.app.wire import to_wire
from horarium.message import Message, Signature
from horarium.testing import drain
from horarium.workflow.plan import to_message


def test_a_task_that_is_declared_after_it_was_sent_by_name_is_sent_as_declared(app: Horarium) -> None:
    assert app.send_task("late").queue == "default"
    late = app.task(name="late", queue="special", acks_late=False)(lambda: None)
    run = late.delay().run
    assert run is not None
    assert (run.message.queue, run.message.at_most_once) == ("special", True)


def test_none_stands_for_an_option_that_was_not_given(app: Horarium) -> None:
    options = dict.fromkeys(("priority", "ignore_result", "acks_late", "countdown", "eta", "queue"))
    [plain, none] = [result.run for result in app.send_many([("one",), ("one", (), {}, options)])]
    assert plain is not None and none is not None
    changes = {"id": plain.message.id}
    assert msgspec.structs.replace(none.message, **changes) == plain.message


@pytest.mark.parametrize("wrong", [{"root_id": 7}, {"parent_id": ""}])
def test_ids_of_relatives_are_texts(app: Horarium, wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="the id of a run"):
        app.send_task("one", **wrong)


@pytest.mark.parametrize("option", ["countdown", "expires"])
@pytest.mark.parametrize("far", [1e25, -1e25, timedelta.max])
def test_a_moment_that_no_store_can_hold_is_refused(app: Horarium, option: str, far: float | timedelta) -> None:
    with pytest.raises(TypeError, match="at most a hundred years"):
        app.send_task("one", **{option: far})


def test_a_link_may_wait_for_a_timedelta(app: Horarium) -> None:
    frozen = to_wire(app.signature("one", countdown=timedelta(seconds=2)), app.producer.freezing)
    travelled = msgspec.json.decode(msgspec.json.encode(frozen), type=Signature)
    assert to_message(travelled, id="a", first=None, now=1000).eta == 3000


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"queue": 5}, "InvalidArguments"),
        ({"priority": "high"}, "InvalidArguments"),
        ({"qeue": "other"}, "InvalidArguments"),
        ({"headers": {"trace": object()}}, "EncodingError"),
    ],
)
def test_a_retry_with_an_option_that_cannot_be_fails_the_task(app: Horarium, wrong: dict[str, Any], error: str) -> None:
    def again(self: Task) -> None:
        raise self.retry(**wrong)

    result = app.task(name="again", bind=True)(again).delay()
    drain(app)
    run = result.run
    assert run is not None and run.error is not None
    assert (run.state, run.error.class_path) == ("FAILURE", f"horarium.errors.{error}")
    msgspec.json.decode(msgspec.json.encode(run.message), type=Message)
