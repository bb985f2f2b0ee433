"""Tasks that use what Django has open."""

import os

from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import connection, transaction
from shop.models import Order

from horarium import shared_task


@shared_task
def order(text: str) -> int:
    """Write a row, the way a task does that needs a transaction."""
    with transaction.atomic():
        return Order.objects.create(text=text).pk


@shared_task
def backend(statement: str = "SELECT pg_backend_pid()") -> list[int]:
    """Which session of the server runs this, and in which process."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [cursor.fetchone()[0], os.getpid()]


@shared_task
async def abackend() -> list[int]:
    return await sync_to_async(backend)()


@shared_task
def remember(key: str, value: str) -> None:
    cache.set(key, value)


@shared_task
def order_and_tell(text: str) -> str:
    """Send another task when the row is there for all."""
    with transaction.atomic():
        Order.objects.create(text=text)
        return order.delay_on_commit(f"told by {text}").id


@shared_task
def nothing(*args: object) -> None: ...
