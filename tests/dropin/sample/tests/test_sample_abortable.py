"""Abortable tasks."""

from celery.contrib.abortable import ABORTED, AbortableAsyncResult
from sample import journal, tasks

PATIENCE = 20


def test_a_task_that_is_told_to_abort_sees_it():
    result = tasks.abortable.delay()
    journal.wait_for(f"abortable {result.id}")
    assert not result.is_aborted()
    result.abort()
    journal.wait_for(f"task_postrun sample.tasks.abortable {result.id} SUCCESS")
    assert ABORTED == "ABORTED"
    assert AbortableAsyncResult(result.id).id == result.id
