"""Tasks, written as the adopters' guides write them."""

import django

from horarium import shared_task

if django.VERSION >= (6, 0):
    from shop import background  # noqa: F401  # workers look for tasks here


@shared_task
def add(one: int, two: int) -> int:
    return one + two


@shared_task
def fail(reason: str) -> None:
    raise ValueError(reason)
