"""Failures, retries, refusals and limits."""

import pytest
from celery import states
from celery.exceptions import MaxRetriesExceededError, Retry
from sample import journal, tasks

PATIENCE = 20


def test_get_raises_what_the_task_raised():
    result = tasks.fail.delay("sold out")
    with pytest.raises(tasks.OutOfStock, match="sold out"):
        result.get(timeout=PATIENCE)
    assert result.failed() and result.state == states.FAILURE
    assert isinstance(result.result, tasks.OutOfStock)
    assert "OutOfStock" in result.traceback


def test_get_returns_the_exception_to_those_who_ask_for_it():
    result = tasks.fail.delay("sold out")
    assert isinstance(result.get(timeout=PATIENCE, propagate=False), tasks.OutOfStock)


def test_an_expected_failure_is_a_failure_too():
    with pytest.raises(KeyError):
        tasks.expected_failure.delay().get(timeout=PATIENCE)


def test_retry_runs_it_again_with_the_same_id():
    assert tasks.flaky.delay("the till", 2).get(timeout=PATIENCE) == 2


def test_a_task_that_keeps_failing_fails_with_its_exception():
    with pytest.raises(ConnectionError, match="the till is away"):
        tasks.flaky.delay("the till", 99).get(timeout=PATIENCE)


def test_retries_without_an_exception_end_in_max_retries_exceeded():
    with pytest.raises(MaxRetriesExceededError):
        tasks.countdown_retry.delay().get(timeout=PATIENCE)


def test_autoretry_comes_from_the_base_class():
    assert tasks.auto_flaky.delay(1).get(timeout=PATIENCE) == 1
    with pytest.raises(ConnectionError):
        tasks.auto_flaky.delay(99).get(timeout=PATIENCE)


def test_retry_outside_of_a_worker_raises_the_cause():
    with pytest.raises(ConnectionError):
        tasks.flaky("the till", 1)


def test_an_ignored_task_leaves_no_result():
    result = tasks.ignoring.delay()
    journal.wait_for(f"task_prerun sample.tasks.ignoring {result.id}")
    assert not result.successful() and not result.failed()


def test_a_rejected_task_is_not_run_again():
    result = tasks.rejecting.delay()
    journal.wait_for(f"rejecting {result.id}")
    tasks.add.delay(1, 1).get(timeout=PATIENCE)
    assert journal.lines().count(f"rejecting {result.id}") == 1


def test_the_soft_time_limit_interrupts():
    assert tasks.too_slow.delay().get(timeout=PATIENCE) == "cleaned up"


def test_eager_failures_are_kept_or_thrown():
    result = tasks.fail.apply(("sold out",))
    assert result.state == states.FAILURE
    with pytest.raises(tasks.OutOfStock):
        result.get()
    with pytest.raises(tasks.OutOfStock):
        tasks.fail.apply(("sold out",), throw=True)


def test_the_words_of_exceptions():
    assert issubclass(MaxRetriesExceededError, Exception)
    assert Retry(message="again", when=5).when == 5
