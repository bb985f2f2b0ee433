"""Tasks, written as the adopters' guides write them."""

from horarium import shared_task


@shared_task
def add(one: int, two: int) -> int:
    return one + two


@shared_task
def fail(reason: str) -> None:
    raise ValueError(reason)
