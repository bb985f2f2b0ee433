"""Callbacks and errbacks."""

from celery import uuid
from sample import journal, tasks

PATIENCE = 20


def test_a_link_is_called_with_the_result():
    text = uuid()
    tasks.identity.apply_async((text,), link=tasks.note.s())
    journal.wait_for(f"note {text}")


def test_an_immutable_link_is_called_as_it_is():
    text = uuid()
    tasks.add.apply_async((1, 1), link=[tasks.note.si(text), tasks.note.si(f"also {text}")])
    journal.wait_for(f"note {text}")
    journal.wait_for(f"note also {text}")


def test_a_signature_is_linked():
    text = uuid()
    signature = tasks.identity.s(text)
    signature.link(tasks.note.s())
    signature.delay()
    journal.wait_for(f"note {text}")


def test_an_errback_is_called_with_the_id_of_what_failed():
    result = tasks.fail.apply_async(link_error=tasks.report_failure_of.s())
    journal.wait_for(f"errback {result.id}")


def test_an_errback_of_the_new_kind_is_called_with_request_exception_and_traceback():
    result = tasks.fail.apply_async(link_error=tasks.report_failure.s())
    journal.wait_for(f"errback {result.id} OutOfStock")


def test_children_are_known():
    result = tasks.add.apply_async((1, 1), link=tasks.identity.s())
    assert result.get(timeout=PATIENCE) == 2
    assert [child.get(timeout=PATIENCE) for child in result.children] == [2]
