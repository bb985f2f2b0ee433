"""Task base classes."""

from celery import Task

from sample import journal


class Journalled(Task):
    """Writes down how each run of it went, through the hooks."""

    abstract = True
    greeting = "hello"

    def __init__(self):
        self._opened = None

    @property
    def connection(self):
        """Made once in a process, as database connections are."""
        if self._opened is None:
            self._opened = object()
        return self._opened

    def before_start(self, task_id, args, kwargs):
        journal.write(f"before_start {task_id}")

    def on_success(self, retval, task_id, args, kwargs):
        journal.write(f"on_success {task_id} {retval}")

    def on_failure(self, exc, task_id, args, kwargs, einfo):
        journal.write(f"on_failure {task_id} {type(exc).__name__}: {exc}")

    def on_retry(self, exc, task_id, args, kwargs, einfo):
        journal.write(f"on_retry {task_id} {type(exc).__name__}: {exc}")

    def after_return(self, status, retval, task_id, args, kwargs, einfo):
        journal.write(f"after_return {task_id} {status}")


class Retrying(Task):
    """Options as class attributes."""

    autoretry_for = (ConnectionError,)
    max_retries = 1
    retry_backoff = 0.01
    retry_jitter = False
    default_retry_delay = 0
