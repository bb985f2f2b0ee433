"""Receivers of Celery's signals, each of which writes what it saw."""

from celery import signals

from sample import journal


@signals.before_task_publish.connect
def before_publish(sender=None, headers=None, body=None, routing_key=None, **kwargs):
    journal.write(f"before_task_publish {sender} {headers['id']}")


@signals.after_task_publish.connect
def after_publish(sender=None, headers=None, body=None, **kwargs):
    journal.write(f"after_task_publish {sender} {headers['id']}")


@signals.task_prerun.connect
def prerun(sender=None, task_id=None, task=None, args=None, kwargs=None, **more):
    journal.write(f"task_prerun {sender.name} {task_id}")


@signals.task_postrun.connect
def postrun(sender=None, task_id=None, task=None, retval=None, state=None, **more):
    journal.write(f"task_postrun {sender.name} {task_id} {state}")


@signals.task_success.connect
def success(sender=None, result=None, **more):
    journal.write(f"task_success {sender.name} {sender.request.id}")


@signals.task_failure.connect
def failure(sender=None, task_id=None, exception=None, einfo=None, **more):
    journal.write(f"task_failure {sender.name} {task_id} {type(exception).__name__}")


@signals.task_retry.connect
def retried(sender=None, request=None, reason=None, einfo=None, **more):
    journal.write(f"task_retry {sender.name} {request.id}")


@signals.task_revoked.connect
def revoked(sender=None, request=None, terminated=None, **more):
    journal.write(f"task_revoked {request.id}")


@signals.worker_ready.connect
def ready(sender=None, **more):
    journal.write("worker_ready")


@signals.worker_process_init.connect
def process_init(**more):
    journal.write("worker_process_init")


@signals.task_success.connect(sender="sample.tasks.add")
def add_success(sender=None, **more):
    journal.write("a sender given by name is not the task")  # senders are compared by identity: never called


@signals.beat_init.connect
def beat_started(sender=None, **more):
    journal.write("beat_init")
