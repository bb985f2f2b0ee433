"""Signals, as seen by the receivers in sample/signals.py."""

from celery import signals
from sample import journal, tasks

PATIENCE = 20


def test_publishing_is_told_before_and_after():
    result = tasks.add.delay(1, 1)
    journal.wait_for(f"before_task_publish sample.tasks.add {result.id}")
    journal.wait_for(f"after_task_publish sample.tasks.add {result.id}")


def test_a_run_is_told_from_its_start_to_its_end():
    result = tasks.add.delay(1, 1)
    journal.wait_for(f"task_prerun sample.tasks.add {result.id}")
    journal.wait_for(f"task_success sample.tasks.add {result.id}")
    journal.wait_for(f"task_postrun sample.tasks.add {result.id} SUCCESS")


def test_a_failure_and_a_retry_are_told():
    failed = tasks.fail.delay()
    journal.wait_for(f"task_failure sample.tasks.fail {failed.id} OutOfStock")
    retried = tasks.flaky.delay("the till", 1)
    journal.wait_for(f"task_retry sample.tasks.flaky {retried.id}")


def test_the_worker_tells_that_it_is_ready_and_its_children_that_they_begin():
    journal.wait_for("worker_ready")
    journal.wait_for("worker_process_init")


def test_the_scheduler_tells_that_it_begins():
    journal.wait_for("beat_init")


def test_receivers_can_be_connected_and_disconnected():
    seen = []

    def receiver(sender=None, headers=None, **kwargs):
        seen.append(headers["id"])

    signals.before_task_publish.connect(receiver, sender="sample.tasks.add")
    try:
        sent = tasks.add.delay(1, 1).id
        tasks.mul.delay(1, 1)
    finally:
        signals.before_task_publish.disconnect(receiver, sender="sample.tasks.add")
    tasks.add.delay(1, 1)
    assert seen == [sent]
