"""Tasks that know of Django's transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from horarium.app.result import AsyncResult
from horarium.app.task import Task


class DjangoTask(Task):
    """The class of tasks in a Django project, unless the app names another one."""

    def delay_on_commit(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send it with these arguments when Django's transaction commits; short for ``apply_async_on_commit``."""
        return self.apply_async_on_commit(args, kwargs)

    def apply_async_on_commit(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        using: str | None = None,
        robust: bool = False,
        **options: Any,
    ) -> AsyncResult:
        """Send it when the open transaction of a database (``using``, as Django names it) commits; outside of one, now.

        Returns the handle of the run at once; the store knows of it after the commit. Arguments and ``options`` (those
        of ``apply_async``) are checked and encoded now, and times count from now. After a rollback, also one to a
        savepoint, nothing was sent. Where the store is this very PostgreSQL database the message joins the transaction:
        one statement, and either both are there or neither is. Otherwise it is stored right after the commit, and a
        process that dies in between loses it, unless ``HORARIUM_OUTBOX`` is set. ``robust``: a store that cannot be
        reached then is logged, and what else waits for the commit goes on.
        Raises: as ``apply_async``, now; TransactionManagementError in a transaction that cannot go on.
        EngineUnavailable after the commit, from the end of the atomic block.
        """
        from horarium.contrib.django.on_commit import send_on_commit  # Django, which a producer may do without

        given = {option: value for option, value in options.items() if value is not None}
        return send_on_commit(self, args or (), kwargs or {}, given, using=using, robust=robust)

    async def adelay_on_commit(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """``delay_on_commit`` for coroutines: in the thread in which Django's own synchronous code runs for them."""
        return await self.aapply_async_on_commit(args, kwargs)

    async def aapply_async_on_commit(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult:
        """``apply_async_on_commit`` for coroutines."""
        from asgiref.sync import sync_to_async

        handle: AsyncResult = await sync_to_async(self.apply_async_on_commit)(args, kwargs, **options)
        return handle
