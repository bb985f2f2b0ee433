"""Asking the workers, and telling them."""

from celery import uuid
from sample import journal, tasks

PATIENCE = 20


def test_workers_answer_a_ping(app):
    [answer] = app.control.ping(timeout=10, limit=1)
    [(node, said)] = answer.items()
    assert "@" in node
    assert said == {"ok": "pong"}
    assert app.control.inspect(timeout=10, limit=1).ping() == {node: {"ok": "pong"}}


def test_workers_tell_which_tasks_they_know(app):
    [known] = app.control.inspect(timeout=10, limit=1).registered().values()
    assert "sample.tasks.add" in known


def test_workers_tell_what_runs(app):
    gate = uuid()
    result = tasks.progress.delay(gate)
    journal.wait_for(f"task_prerun sample.tasks.progress {result.id}")
    [running] = app.control.inspect(timeout=10, limit=1).active().values()
    assert [task["name"] for task in running if task["id"] == result.id] == ["sample.tasks.progress"]
    journal.write(f"note {gate}")
    assert result.get(timeout=PATIENCE) == "packed"


def test_workers_tell_their_queues_and_figures(app):
    [queues] = app.control.inspect(timeout=10, limit=1).active_queues().values()
    assert {queue["name"] for queue in queues} == {"sample", "slow"}
    [figures] = app.control.inspect(timeout=10, limit=1).stats().values()
    assert figures["pid"]


def test_a_task_is_revoked_through_control(app):
    text = uuid()
    result = tasks.note.apply_async((text,), countdown=2)
    app.control.revoke(result.id)
    tasks.note.apply_async((f"after {text}",), countdown=3).get(timeout=PATIENCE)
    assert f"note {text}" not in journal.lines()


def test_nobody_answers_for_a_worker_that_is_not_there(app):
    assert not app.control.inspect(destination=["nobody@nowhere"], timeout=0.5).ping()
