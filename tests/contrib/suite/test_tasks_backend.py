"""What Django 6.0 says of ``django.tasks``, with Horarium as the backend: enqueue, run, read back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("django.tasks")

from django.tasks import TaskResultStatus, default_task_backend, task, task_backends
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist, TaskResultMismatch
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.test import override_settings
from shop import background, tasks
from shop.models import Order

BACKEND = "horarium.contrib.django.tasks.HorariumBackend"
pytestmark = pytest.mark.usefixtures("horarium_app")


@pytest.fixture
def heard():
    """What the three signals have told, in order: their names, the state at the time, and the results."""
    told = []

    def listening(name):
        def hear(sender, task_result, **_):
            told.append((name, task_result.status, sender.__name__, task_result))

        return hear

    signals = {"enqueued": task_enqueued, "started": task_started, "finished": task_finished}
    receivers = {name: listening(name) for name in signals}
    for name, signal in signals.items():
        signal.connect(receivers[name])
    yield told
    for name, signal in signals.items():
        signal.disconnect(receivers[name])


def test_the_backend_can_do_all_that_backends_can():
    backend = default_task_backend
    assert (backend.supports_defer, backend.supports_async_task) == (True, True)
    assert (backend.supports_get_result, backend.supports_priority) == (True, True)


def test_what_is_enqueued_is_ready_and_has_not_been_run():
    result = background.add.enqueue(1, two=2)
    for each in (result, background.add.get_result(result.id)):
        assert (each.status, each.is_finished, each.attempts) == (TaskResultStatus.READY, False, 0)
        assert (each.started_at, each.finished_at, each.last_attempted_at) == (None, None, None)
        assert (each.args, each.kwargs, each.backend, each.errors) == ([1], {"two": 2}, "default", [])
        assert each.task == background.add
        with pytest.raises(ValueError, match="not finished"):
            _ = each.return_value
    assert result == background.add.get_result(result.id)


def test_what_was_run_has_its_value_and_its_times(run_until_idle):
    result = background.add.enqueue(1, 2)
    run_until_idle()
    assert result.status == TaskResultStatus.READY  # as it was when it was read
    result.refresh()
    assert (result.status, result.return_value, result.attempts) == (TaskResultStatus.SUCCESSFUL, 3, 1)
    assert len(result.worker_ids) == 1
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at


def test_a_failure_is_told_with_its_class_and_its_traceback(run_until_idle):
    result = background.fail.enqueue("no tea")
    run_until_idle()
    result.refresh()
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.FAILED, True, 1)
    [error] = result.errors
    assert error.exception_class is ValueError
    assert "no tea" in error.traceback
    assert "raise ValueError(reason)" in error.traceback
    with pytest.raises(ValueError, match="failed"):
        _ = result.return_value


def test_coroutines_are_tasks_too(run_until_idle):
    results = [background.add_in_a_coroutine.enqueue(1, 2), background.tell_of_yourself_in_a_coroutine.enqueue()]
    run_until_idle()
    for result in results:
        result.refresh()
    assert [result.return_value for result in results] == [3, 1]


def test_the_async_names_do_the_same(run_until_idle):
    result = asyncio.run(background.add.aenqueue(1, two=2))
    run_until_idle()

    async def read():
        await result.arefresh()
        return [result, await background.add.aget_result(result.id), await default_task_backend.aget_result(result.id)]

    assert [each.return_value for each in asyncio.run(read())] == [3, 3, 3]


def test_a_task_is_told_of_itself(run_until_idle):
    result = background.tell_of_yourself.enqueue("tea")
    run_until_idle()
    result.refresh()
    workers = result.worker_ids
    assert result.return_value == ["tea", 1, result.id, "RUNNING", ["tea"], workers, "tell_of_yourself"]


def test_attempts_are_counted_and_their_errors_kept(run_until_idle):
    result = background.succeed_at_the_third.enqueue()
    run_until_idle()
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.READY, 1)  # it will be run again
    run_until_idle(advance=True)
    result.refresh()
    assert (result.status, result.attempts, len(result.worker_ids)) == (TaskResultStatus.SUCCESSFUL, 3, 3)
    assert result.return_value == ["builtins.ValueError"] * 2
    assert ["attempt 1" in result.errors[0].traceback, "attempt 2" in result.errors[1].traceback] == [True, True]
    assert result.started_at < result.last_attempted_at <= result.finished_at


def test_what_has_no_word_in_json_is_refused_fails_or_becomes_what_has_one(run_until_idle, enqueued):
    with pytest.raises(TypeError, match="datetime"):
        background.echo.enqueue(datetime(2026, 1, 1))
    assert enqueued() == []
    failed, turned = background.return_an_object.enqueue(), background.return_bytes_from_a_coroutine.enqueue()
    run_until_idle()
    failed.refresh()
    turned.refresh()
    assert failed.errors[0].exception_class is TypeError
    assert turned.return_value == "tea"


def test_a_row_of_a_model_is_refused_with_its_place(enqueued):
    with pytest.raises(TypeError, match=r"args\[1\]"):
        background.echo.enqueue(1, Order(pk=7))
    with pytest.raises(TypeError, match="value"):
        background.echo.enqueue(value=Order(pk=7))
    assert enqueued() == []


@pytest.mark.parametrize(
    ("given", "kind", "returned"),
    [((1, 2), "list", [1, 2]), (b"tea", "str", "tea"), ({"a": (1,)}, "dict", {"a": [1]}), (None, "NoneType", None)],
)
def test_values_make_the_journey_that_json_allows(given, kind, returned, run_until_idle):
    results = [background.name_a_type.enqueue(given), background.echo.enqueue(value=given)]
    run_until_idle()
    for result in results:
        result.refresh()
    assert [result.return_value for result in results] == [kind, returned]


def test_run_after_is_kept_and_waited_for(run_until_idle, horarium_clock):
    when = datetime.fromtimestamp(horarium_clock.now() / 1000, tz=UTC) + timedelta(minutes=5, microseconds=7)
    result = background.add.using(run_after=when).enqueue(1, 2)
    run_until_idle()
    result.refresh()
    assert result.status == TaskResultStatus.READY
    assert default_task_backend.get_result(result.id).task.run_after == when
    horarium_clock.advance(301)
    run_until_idle()
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL


def test_higher_priorities_are_run_first_and_equal_ones_in_their_order(run_until_idle):
    wanted = [-100, 0, 100, 30, -30, 0]
    results = [background.echo.using(priority=priority).enqueue(place) for place, priority in enumerate(wanted)]
    order = [run.result for run in run_until_idle()]
    assert order == [2, 3, 1, 5, 4, 0]
    assert [default_task_backend.get_result(result.id).task.priority for result in results] == wanted


@pytest.mark.horarium(task_priority_scheme="redis")
def test_priorities_are_djangos_whatever_scheme_the_projects_own_are_in(run_until_idle):
    for place, priority in enumerate([-50, 0, 50]):
        background.echo.using(priority=priority).enqueue(place)
    assert [run.result for run in run_until_idle()] == [2, 1, 0]


def test_an_unknown_id_has_no_result():
    for unknown in ("123", "", None, 7):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(unknown)
    with pytest.raises(TaskResultDoesNotExist):
        asyncio.run(background.add.aget_result("123"))


def test_a_result_of_another_task_is_a_mismatch():
    result = background.add.enqueue(1, 2)
    with pytest.raises(TaskResultMismatch):
        background.echo.get_result(result.id)


def test_a_run_that_is_no_task_of_djangos_is_no_result():
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(tasks.add.delay(1, 2).id)


def test_signals_tell_of_each_step(heard, run_until_idle):
    good, bad = background.add.enqueue(1, 2), background.fail.enqueue("no tea")
    assert [(name, result.id) for name, _, _, result in heard] == [("enqueued", good.id), ("enqueued", bad.id)]
    assert heard[0][3].enqueued_at is not None
    heard.clear()
    run_until_idle()
    assert [(name, status, sender) for name, status, sender, _ in heard] == [
        ("started", "RUNNING", "HorariumBackend"),
        ("finished", "SUCCESSFUL", "HorariumBackend"),
        ("started", "RUNNING", "HorariumBackend"),
        ("finished", "FAILED", "HorariumBackend"),
    ]
    finished, failed = heard[1][3], heard[3][3]
    assert (finished.return_value, finished.task, finished.attempts) == (3, background.add, 1)
    assert failed.errors[0].exception_class is ValueError
    assert failed.finished_at is not None


def test_a_retry_is_no_end_and_each_attempt_starts(heard, run_until_idle):
    background.succeed_at_the_third.enqueue()
    run_until_idle(advance=True)
    assert [name for name, *_ in heard] == ["enqueued", "started", "started", "started", "finished"]
    assert [result.attempts for _, _, _, result in heard] == [0, 1, 2, 3, 3]


def test_a_revocation_is_told_as_an_end(heard, horarium_app, run_until_idle):
    result = background.add.enqueue(1, 2)
    horarium_app.AsyncResult(result.id).revoke()
    run_until_idle()
    assert [(name, status) for name, status, _, _ in heard] == [("enqueued", "READY"), ("finished", "FAILED")]
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 0)
    assert result.errors[0].exception_class_path == "horarium.errors.TaskRevokedError"


def test_a_receiver_that_raises_fails_nothing(run_until_idle):
    def raise_at(sender, **_):
        raise RuntimeError("not my day")

    signals = (task_enqueued, task_started, task_finished)
    for signal in signals:
        signal.connect(raise_at)
    try:
        result = background.add.enqueue(1, 2)
        run_until_idle()
    finally:
        for signal in signals:
            signal.disconnect(raise_at)
    result.refresh()
    assert result.return_value == 3


def test_what_cannot_be_a_task_is_refused():
    def inner():
        pass

    for wrong in (
        {"priority": 101},
        {"priority": 1.5},
        {"queue_name": "unheard-of"},
        {"run_after": datetime(2027, 1, 1)},
    ):
        with pytest.raises(InvalidTask):
            background.add.using(**wrong)
    with pytest.raises(InvalidTask):
        task(inner)
    with pytest.raises(InvalidTask):
        task(takes_context=True)(background.add.func)


def test_horariums_own_words_reach_the_same_task(horarium_app, run_until_idle):
    named = horarium_app.tasks["shop.background.add"]
    assert background.add.horarium is named
    sent = [named.delay(1, 2), horarium_app.send_task("shop.background.add", (3, 4)), background.add.horarium.s(5, 6)()]
    assert sent[2] == 11
    run_until_idle()
    assert [each.get() for each in sent[:2]] == [3, 7]
    assert default_task_backend.get_result(sent[0].id).return_value == 3
    assert named(1, 2) == 3


def test_a_schedule_fires_it_with_the_queue_and_the_priority_of_its_declaration(
    horarium_app, horarium_clock, run_due_schedules, run_until_idle
):
    entry = {"task": "shop.background.urgent", "schedule": timedelta(minutes=1), "args": ["tea"]}
    horarium_app.conf.beat_schedule = {"each minute": entry}
    run_due_schedules()
    horarium_clock.advance(61)
    assert run_due_schedules() == 1
    [run] = run_until_idle()
    result = default_task_backend.get_result(run.id)
    assert (result.return_value, result.task.queue_name, result.task.priority) == ("tea", "default", 1)
    assert result.task.func is background.urgent.func


@pytest.mark.horarium(task_always_eager=True, task_eager_propagates=False)
def test_in_eager_mode_a_task_has_run_when_enqueue_returns(heard):
    good, bad = background.add.enqueue(1, 2), background.fail.enqueue("no tea")
    assert (good.status, good.return_value, good.attempts) == (TaskResultStatus.SUCCESSFUL, 3, 1)
    assert (bad.status, bad.errors[0].exception_class) == (TaskResultStatus.FAILED, ValueError)
    assert [name for name, *_ in heard] == ["enqueued", "started", "finished"] * 2


def test_backends_share_an_app_and_not_their_results(run_until_idle):
    both = {alias: {"BACKEND": BACKEND, "QUEUES": [alias]} for alias in ("default", "reports")}
    with override_settings(TASKS=both):
        result = background.add.using(backend="reports", queue_name="reports").enqueue(1, 2)
        run_until_idle()
        read = task_backends["reports"].get_result(result.id)
        assert (read.return_value, read.backend, read.task.backend) == (3, "reports", "reports")
        assert read.task.queue_name == "reports"
        with pytest.raises(TaskResultDoesNotExist):
            task_backends["default"].get_result(result.id)
        with pytest.raises(InvalidTask):
            background.add.using(queue_name="reports")
