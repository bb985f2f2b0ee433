"""Ways to call, and what comes back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from celery import states, uuid
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, EagerResult
from sample import journal, tasks

PATIENCE = 20


def test_delay_runs_a_task_and_returns_its_result():
    result = tasks.add.delay(2, 3)
    assert result.get(timeout=PATIENCE) == 5
    assert result.ready() and result.successful() and not result.failed()
    assert result.state == result.status == states.SUCCESS
    assert result.result == result.info == 5


def test_a_task_can_be_called_as_the_function_that_it_is():
    assert tasks.add(2, 3) == 5
    assert tasks.who_am_i.run is not None


def test_apply_async_takes_arguments_an_id_and_a_countdown():
    task_id = uuid()
    result = tasks.shared.apply_async(args=(1,), kwargs={"z": 3}, task_id=task_id, countdown=0.2)
    assert result.id == result.task_id == task_id
    assert result.get(timeout=PATIENCE) == [1, 2, 3]


def test_eta_is_waited_for():
    eta = datetime.now(UTC) + timedelta(seconds=1)
    result = tasks.identity.apply_async(("later",), eta=eta)
    assert result.get(timeout=PATIENCE) == "later"
    assert datetime.now(UTC) >= eta


def test_a_handle_can_be_made_from_an_id(app):
    task_id = tasks.add.delay(4, 5).id
    assert AsyncResult(task_id, app=app).get(timeout=PATIENCE) == 9
    assert app.AsyncResult(task_id).get(timeout=PATIENCE) == 9
    assert tasks.add.AsyncResult(task_id).get(timeout=PATIENCE) == 9
    assert AsyncResult(task_id) == app.AsyncResult(task_id)


def test_a_task_can_be_sent_by_its_name(app):
    assert app.send_task("sample.tasks.add", args=[1], kwargs={"y": 1}).get(timeout=PATIENCE) == 2
    assert app.send_task("sample.named").get(timeout=PATIENCE) == "sample.named"


def test_a_signature_is_called_later(app):
    assert tasks.add.s(2, 2).delay().get(timeout=PATIENCE) == 4
    assert tasks.add.s(2).apply_async((3,)).get(timeout=PATIENCE) == 5
    assert tasks.add.si(2, 2).apply_async().get(timeout=PATIENCE) == 4
    assert app.signature("sample.tasks.add", args=(3, 4)).delay().get(timeout=PATIENCE) == 7
    assert tasks.add.signature((1, 2), countdown=0.1).delay().get(timeout=PATIENCE) == 3


def test_apply_runs_it_here():
    result = tasks.add.apply((2, 3))
    assert isinstance(result, EagerResult)
    assert result.get() == 5 and result.successful()
    assert tasks.who_am_i.apply().get()["is_eager"] is True


def test_eager_apps_run_everything_here(app):
    app.conf.task_always_eager = True
    try:
        assert tasks.add.delay(1, 2).get() == 3
    finally:
        app.conf.task_always_eager = False


def test_values_that_json_does_not_have_come_back_as_they_went():
    told = tasks.values.delay().get(timeout=PATIENCE)
    assert told["when"] == datetime(2026, 1, 2, 3, 4, 5)
    assert told["price"] == Decimal("9.99")
    assert told["pair"] == [1, 2]


def test_what_has_not_ended_is_pending_and_get_gives_up_in_time(app):
    result = tasks.identity.apply_async((1,), countdown=60)
    try:
        assert result.state == states.PENDING
        assert not result.ready()
        with pytest.raises(CeleryTimeoutError):
            result.get(timeout=0.1)
    finally:
        result.revoke()
    assert app.AsyncResult(uuid()).state == states.PENDING


def test_a_task_reports_states_of_its_own():
    gate = uuid()
    result = tasks.progress.delay(gate)
    seen = wait_for_state(result, "PACKING")
    assert seen == {"done": 1, "total": 2}
    journal.write(f"note {gate}")
    assert result.get(timeout=PATIENCE) == "packed"


def test_a_revoked_task_never_runs():
    text = uuid()
    result = tasks.note.apply_async((text,), countdown=2)
    result.revoke()
    after = tasks.note.apply_async((f"after {text}",), countdown=3)
    after.get(timeout=PATIENCE)
    assert f"note {text}" not in journal.lines()


def test_an_expired_task_never_runs():
    text = uuid()
    tasks.note.apply_async((text,), countdown=1.5, expires=1)
    tasks.note.apply_async((f"after {text}",), countdown=3).get(timeout=PATIENCE)
    assert f"note {text}" not in journal.lines()


def test_a_forgotten_result_is_gone():
    result = tasks.add.delay(1, 1)
    result.get(timeout=PATIENCE)
    result.forget()
    assert result.state == states.PENDING


def test_a_result_that_nobody_wants_is_not_kept():
    text = uuid()
    result = tasks.silent.delay(text)
    journal.wait_for(f"silent {text}")
    assert result.get() is None


def test_a_task_sends_another_by_name(app):
    inner = tasks.send_by_name.delay(20, 22).get(timeout=PATIENCE)
    assert app.AsyncResult(inner).get(timeout=PATIENCE) == 42


def test_more_is_known_of_a_result():
    result = tasks.add.delay(7, y=8)
    result.get(timeout=PATIENCE)
    assert result.name == "sample.tasks.add"
    assert list(result.args) == [7] and result.kwargs == {"y": 8}
    assert result.queue == "sample"
    assert result.date_done is not None
    assert result.worker


def wait_for_state(result, state):
    """Wait until the task has reported this state; return what it told with it."""
    from time import monotonic, sleep

    deadline = monotonic() + PATIENCE
    while result.state != state:
        assert monotonic() < deadline, f"it is {result.state}"
        sleep(0.05)  # between two looks at a fact
    return result.info
