"""Tasks, written as Django 6.0's documentation writes them."""

import os
import signal
import time
from pathlib import Path

from django.tasks import task

from shop.models import Order


@task
def add(one, two):
    return one + two


@task(priority=10, queue_name="default")
def urgent(text):
    return text


@task
async def add_in_a_coroutine(one, two):
    return one + two


@task(takes_context=True)
def tell_of_yourself(context, text):
    result = context.task_result
    return [text, context.attempt, result.id, result.status, result.args, result.worker_ids, result.task.name]


@task(takes_context=True)
async def tell_of_yourself_in_a_coroutine(context):
    return context.attempt


@task
def fail(reason):
    raise ValueError(reason)


@task
def echo(value):
    return value


@task
def name_a_type(value):
    return type(value).__name__


@task
def return_an_object():
    return object()


@task
async def return_bytes_from_a_coroutine():
    return b"tea"


@task(takes_context=True)
def succeed_at_the_third(context):
    if context.attempt < 3:
        raise ValueError(f"attempt {context.attempt}")
    return [error.exception_class_path for error in context.task_result.errors]


@task
def count_orders():
    return Order.objects.count()


@task(takes_context=True)
def die_at_the_first(context, marker):
    """Wait to be killed at the first attempt."""
    if context.attempt == 1:
        Path(marker).write_text(str(os.getpid()))
        while True:
            time.sleep(60)  # until the test kills the process; the lease of what died is not waited for
    return context.attempt


@task
def outlive_the_limit():
    while True:
        time.sleep(60)  # until the worker ends it


@task
def kill_yourself():
    os.kill(os.getpid(), signal.SIGKILL)
