"""Connections to databases and caches: none crosses a fork, none outlives its time or its trouble, each is a thread's.

In a worker's child every task begins and ends as a request of Django's does: what is unusable or older than
``CONN_MAX_AGE`` is closed, and a connection that stays open proves itself (one ``SELECT 1``) before its first query of
the next task, whatever ``CONN_HEALTH_CHECKS`` says. What is inside of an atomic block is never touched.
"""

from __future__ import annotations

from threading import local
from typing import Any

from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.cache import caches
from django.db import connections
from django.db.backends.signals import connection_created

from horarium import signals

UID = "horarium.contrib.django"

_inherited: list[Any] = []  # never let go of: closing them would end the parent's sessions


def let_go() -> None:
    """Close all that this thread has open, before children are forked."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
        if connection.alias in getattr(connection, "_connection_pools", ()):
            connection.close_pool()
    caches.close_all()


def forget_inherited() -> None:
    """In a child: never use, and never close, what the parent had open. Each is opened anew when it is needed."""
    for connection in connections.all(initialized_only=True):
        _inherited.append(connection)
        if pools := getattr(type(connection), "_connection_pools", None):
            _inherited.append(dict(pools))
            pools.clear()
        del connections[connection.alias]
    for cache in caches.all(initialized_only=True):
        _inherited.append(cache)
    for alias in caches:
        if hasattr(caches._connections, alias):
            del caches[alias]


def keep_connections_clean() -> None:
    """Let every task of this process begin and end with usable connections. Calling it twice changes nothing."""
    _Cleaner(getattr(settings, "CELERY_DB_REUSE_MAX", None) or 0)


class _Cleaner:
    """Closes what a task leaves behind. ``reuse_max``: a connection is kept for so many tasks; 0: CONN_MAX_AGE says."""

    def __init__(self, reuse_max: int) -> None:
        self._reuse_max = reuse_max
        self._here = local()  # tasks: how many this thread has run since it closed its connections
        self._coroutines_use_some = False
        signals.task_prerun.connect(self.before, dispatch_uid=UID, weak=False)
        signals.task_postrun.connect(self.after, dispatch_uid=UID, weak=False)
        connection_created.connect(self._note, dispatch_uid=UID, weak=False)

    def before(self, task: Any, **_: Any) -> None:
        if not task.request.is_eager:
            self._carry_out(self._freshen, task.is_async)

    def after(self, task: Any, **_: Any) -> None:
        if not task.request.is_eager:
            caches.close_all()
            self._carry_out(self._tidy, task.is_async)

    def _carry_out(self, work: Any, is_async: bool) -> None:
        """Do it where the connections are: those of coroutines are in the one thread of ``sync_to_async``. That works
        in order, so nobody waits for it: it comes after what this task did there and before what the next one does."""
        if not is_async:
            work()
        elif self._coroutines_use_some:
            SyncToAsync.single_thread_executor.submit(work)

    def _freshen(self) -> None:
        for connection in connections.all(initialized_only=True):
            if not self._reuse_max:
                connection.close_if_unusable_or_obsolete()
            if connection.connection is not None and not connection.in_atomic_block:
                connection.health_check_enabled = True
                connection.health_check_done = False

    def _tidy(self) -> None:
        is_last = False
        if self._reuse_max:
            done = self._here.tasks = getattr(self._here, "tasks", 0) + 1
            if is_last := done >= self._reuse_max:
                self._here.tasks = 0
        for connection in connections.all(initialized_only=True):
            if is_last and not connection.in_atomic_block:
                connection.close()
            elif not self._reuse_max or connection.errors_occurred:
                connection.close_if_unusable_or_obsolete()

    def _note(self, **_: Any) -> None:
        self._coroutines_use_some = True
