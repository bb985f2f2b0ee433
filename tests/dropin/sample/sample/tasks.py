"""Tasks of every kind that Celery's guide shows."""

import time
from datetime import datetime
from decimal import Decimal

from celery import Task, current_app, current_task, shared_task
from celery.contrib.abortable import AbortableTask
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.utils.log import get_task_logger

from sample import journal
from sample.bases import Journalled, Retrying
from sample.celery import app

logger = get_task_logger(__name__)


class OutOfStock(Exception):
    """A failure of the shop's own."""


@app.task
def add(x, y):
    return x + y


@app.task
def mul(x, y):
    return x * y


@app.task
def xsum(numbers):
    return sum(numbers)


@app.task
def identity(value):
    return value


@shared_task
def shared(x, y=2, *, z=0):
    """A task of whatever app there is."""
    return [x, y, z]


@app.task(name="sample.named")
def named_otherwise():
    return current_task.name


@app.task
def note(text):
    journal.write(f"note {text}")
    return text


@app.task
def slow_add(x, y):
    return x + y


@app.task(bind=True)
def who_am_i(self, *args, **kwargs):
    request = self.request
    return {
        "id": request.id,
        "args": list(request.args),
        "kwargs": dict(request.kwargs),
        "retries": request.retries,
        "is_eager": request.is_eager,
        "called_directly": request.called_directly,
        "queue": request.delivery_info["routing_key"],
        "root_id": request.root_id,
        "parent_id": request.parent_id,
        "hostname": request.hostname,
        "name": self.name,
        "app": self.app.main,
    }


@app.task(bind=True)
def header(self, name):
    return self.request.get(name)


@app.task
def values():
    return {"price": Decimal("9.99"), "when": datetime(2026, 1, 2, 3, 4, 5), "pair": [1, 2]}


@app.task
def fail(message="no"):
    raise OutOfStock(message)


@app.task(throws=(KeyError,))
def expected_failure():
    raise KeyError("missing")


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def flaky(self, name, failures):
    """Fail so many times, then succeed with the number of retries."""
    if self.request.retries < failures:
        try:
            raise ConnectionError(f"{name} is away")
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=0) from exc
    return self.request.retries


@app.task(bind=True, max_retries=2)
def countdown_retry(self):
    raise self.retry(countdown=0)


@app.task(bind=True, base=Retrying)
def auto_flaky(self, failures):
    if self.request.retries < failures:
        raise ConnectionError("away")
    return self.request.retries


@app.task(bind=True)
def progress(self, gate):
    """Report a state of its own, and go on when the gate is open."""
    self.update_state(state="PACKING", meta={"done": 1, "total": 2})
    journal.wait_for(f"note {gate}")
    return "packed"


@app.task(bind=True)
def ignoring(self):
    raise Ignore()


@app.task(bind=True, acks_late=True)
def rejecting(self):
    journal.write(f"rejecting {self.request.id}")
    raise Reject("not mine", requeue=False)


@app.task(ignore_result=True)
def silent(text):
    journal.write(f"silent {text}")
    return "nobody reads this"


@app.task(soft_time_limit=1, time_limit=30)
def too_slow():
    try:
        time.sleep(20)  # until the soft limit interrupts it
    except SoftTimeLimitExceeded:
        return "cleaned up"
    return "was never interrupted"


@app.task(base=Journalled, bind=True)
def journalled(self, outcome):
    if outcome == "retry" and self.request.retries == 0:
        raise self.retry(exc=OutOfStock("later"), countdown=0)
    if outcome == "fail":
        raise OutOfStock("never")
    return [self.greeting, self.connection is self.connection]


@app.task(bind=True, base=AbortableTask)
def abortable(self):
    journal.write(f"abortable {self.request.id}")
    deadline = time.monotonic() + 20
    while not self.is_aborted():
        if time.monotonic() > deadline:
            return "was never aborted"
        time.sleep(0.05)  # between two looks: the task works until it is told not to
    return "aborted"


@app.task
def logged():
    logger.info("a line of %s", "the task")
    return logger.name


@app.task
def report_failure(request, exc, traceback):
    """An errback of the new kind: called with the request, the exception and the traceback."""
    journal.write(f"errback {request.id} {type(exc).__name__}")


@app.task
def report_failure_of(task_id):
    """An errback of the old kind: called with the id of the failed task."""
    journal.write(f"errback {task_id}")


@shared_task(bind=True)
def fan_out(self, numbers):
    """Replace itself by a group of others."""
    from celery import group

    return self.replace(group(mul.s(number, 10) for number in numbers))


@shared_task(bind=True)
def hand_over(self, x):
    return self.replace(add.s(x, 100))


@shared_task
def send_by_name(x, y):
    """Send another task from within, by its name."""
    return current_app.send_task("sample.tasks.add", args=[x, y]).id


class Greeter(Task):
    """A class-based task."""

    name = "sample.greeter"
    ignore_result = False

    def __init__(self):
        self.greeted = 0

    def run(self, who):
        self.greeted += 1
        return f"hello {who}"


greeter = app.register_task(Greeter())
