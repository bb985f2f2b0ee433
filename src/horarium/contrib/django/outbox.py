"""The outbox: a table in the project's own database, for messages whose store lies elsewhere.

A message is a row of the caller's transaction first. After the commit it is put into the store, and the row removed. If
the process dies in between, a relay (see relay.py) does both: putting a message twice is harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction

from horarium.clock import Instant
from horarium.contrib.django.models import OutboxMessage
from horarium.message import Message

SETTING = "HORARIUM_OUTBOX"
BATCH = 500  # messages that a relay takes at once

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Message).decode
_insertions: dict[str, str] = {}  # by vendor


def aliases() -> tuple[str, ...]:
    """Return the databases that have an outbox: all for ``HORARIUM_OUTBOX = True``, or those that it lists."""
    chosen = getattr(settings, SETTING, False)
    if isinstance(chosen, list | tuple | set | frozenset):
        return tuple(chosen)
    return tuple(settings.DATABASES) if chosen else ()


def is_on(alias: str) -> bool:
    """Whether what is sent in transactions of this database goes by way of its outbox."""
    return bool(getattr(settings, SETTING, False)) and alias in aliases()


def remedy(alias: str) -> str:
    """Return the command that makes the table, for people."""
    return "run `manage.py migrate horarium" + (f" --database {alias}`" if alias != DEFAULT_DB_ALIAS else "`")


def told(error: Exception) -> str:
    """Return what an error says, on one line of a log: PostgreSQL's driver asks its question on a second one."""
    return " ".join(str(error).split())


def insert(connection: Any, message: Message) -> None:
    """Write a message into the outbox, in the open transaction: one query."""
    # Not by the model: its save() takes 150 us of CPU, this 25 us.
    with connection.cursor() as cursor:
        try:
            cursor.execute(_insertion(connection), [message.id, message.created, _encode(message).decode()])
        except DatabaseError as error:
            error.add_note(f"{SETTING} is set: if the table is not there, {remedy(connection.alias)}")
            raise


def present(connection: Any, ids: Sequence[str]) -> set[str]:
    """Return which of these messages are in the outbox. Raises: DatabaseError."""
    return set(OutboxMessage.objects.using(connection.alias).filter(pk__in=ids).values_list("pk", flat=True))


def remove(connection: Any, ids: Sequence[str]) -> None:
    """Take messages out of the outbox. Raises: DatabaseError."""
    OutboxMessage.objects.using(connection.alias).filter(pk__in=ids).delete()


def relay(alias: str, put: Any, *, before: Instant) -> int:
    """Put what was written into an outbox until a moment, and remove it; return how many.

    Whoever relays at the same time takes others, or the same ones: ``put(messages)`` must be harmless when it is called
    twice. Raises: DatabaseError; what ``put`` raises, and then the rows are still there.
    """
    rows = OutboxMessage.objects.using(alias)
    waiting = rows.filter(created__lte=before).order_by("created")
    # SQLite has one writer: a transaction that reads first and writes later may not go on, so there is none. Elsewhere
    # it keeps other relays away, and they take the next ones.
    has_locks = connections[alias].features.has_select_for_update_skip_locked
    with transaction.atomic(using=alias) if has_locks else nullcontext():
        if has_locks:
            waiting = waiting.select_for_update(skip_locked=True)
        taken = list(waiting[:BATCH].values_list("pk", "message"))
        if taken:
            put([_decode(text) for _, text in taken])
            rows.filter(pk__in=[id for id, _ in taken]).delete()
    return len(taken)


def _insertion(connection: Any) -> str:
    if (known := _insertions.get(connection.vendor)) is None:
        names = (OutboxMessage._meta.db_table, "id", "created", "message")
        table, *columns = map(connection.ops.quote_name, names)
        known = f"INSERT INTO {table} ({', '.join(columns)}) VALUES (%s, %s, %s)"
        _insertions[connection.vendor] = known
    return known
