"""For the tests of a Django project: a store of the test's own, what is sent on commit, a worker beside the test.

``HorariumMixin`` is for ``TestCase`` and ``TransactionTestCase``; the pytest plugin has the same as fixtures. Nothing
is mocked: see horarium.testing, which is found by its path, since doors do not import each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from threading import get_ident
from typing import TYPE_CHECKING, Any

from asgiref.sync import SyncToAsync
from django.db import DEFAULT_DB_ALIAS, connections
from django.test import TestCase

from horarium import signals
from horarium.contrib.django.project import project_app

if TYPE_CHECKING:
    from horarium.app.app import Horarium

KIT = "horarium.testing"


class HorariumMixin:
    """A mixin of Django's test cases: each test has ``self.horarium``, a bench with a store of its own.

    ``self.horarium.assert_enqueued(task, args=...)`` and ``run_until_idle()`` say and do what they are called.
    ``horarium_app`` names the app (None: the project's); with ``horarium_eager`` calls run before they return; with
    ``horarium_frozen`` time stands still until ``self.horarium.clock`` moves it.
    """

    horarium_app: Any = None
    horarium_eager: bool = False
    horarium_frozen: bool = False
    horarium: Any  # a horarium.testing.Bench

    def setUp(self) -> None:
        """Put the app on a store of the test's own."""
        kit = import_module(KIT)
        kind = kit.eager if self.horarium_eager else kit.captured
        stack = ExitStack()
        self.horarium = stack.enter_context(kind(self.horarium_app or project_app(), frozen=self.horarium_frozen))
        case: Any = self  # the TestCase that it is mixed into
        case.addCleanup(stack.close)
        parent: Any = super()
        parent.setUp()

    def on_commit(self, *, using: str = DEFAULT_DB_ALIAS, run: bool = True) -> AbstractContextManager[list[Any]]:
        """Send at the end of a ``with`` block what it sends on commit, and run it; see ``on_commit`` of this module."""
        return on_commit(self.horarium.app, using=using, run=run)

    def horarium_worker(self, **options: Any) -> AbstractContextManager[Any]:
        """Let a worker run beside the test for a ``with`` block; see ``worker`` of this module."""
        return worker(self.horarium.app, **options)


@contextmanager
def on_commit(app: Horarium | None = None, *, using: str = DEFAULT_DB_ALIAS, run: bool = True) -> Iterator[list[Any]]:
    """Carry out at the end of a ``with`` block what it has registered for the commit, although a ``TestCase`` never
    commits, and run what that sends (``run``), with all that it sets off.

    Gives a list that is filled with what was enqueued in the block. Outside of a test's transaction, in a
    ``TransactionTestCase``, the block commits by itself, and only the running is left.
    """
    kit = import_module(KIT)
    app = app or project_app()
    before = {sent.id for sent in kit.enqueued(app)}
    enqueued: list[Any] = []
    with TestCase.captureOnCommitCallbacks(using=using, execute=True):
        yield enqueued
    enqueued += [sent for sent in kit.enqueued(app) if sent.id not in before]
    if run:
        kit.run_until_idle(app)


@contextmanager
def worker(app: Horarium | None = None, **options: Any) -> Iterator[Any]:
    """Let a worker run in threads of this process for the length of a ``with`` block, on the test's own database.

    In a transaction of the test's (``TestCase``), or on a database in memory, its tasks use the test's own connection
    and see what the test has written, one task at a time: a connection serves one thread at once. So the test must not
    use it while they do; let it wait for their results.
    Otherwise each thread has a connection of its own, which is closed after each task, so that the test database can be
    dropped. ``options`` are those of horarium.testing.start_worker; without a store of the test's own, it gets one.
    """
    kit = import_module(KIT)
    app = app or project_app()
    with ExitStack() as stack:
        if import_module(f"{KIT}.bench").bench_of(app) is None:
            stack.enter_context(kit.captured(app))
        if stack.enter_context(_lent()):
            options["concurrency"] = 1
        yield stack.enter_context(kit.start_worker(app, **options))


@contextmanager
def _lent() -> Iterator[bool]:
    """Lend the connections of this thread to those in which tasks run, if they must share them; give whether so."""
    shared = {each.alias: each for each in connections.all(initialized_only=True) if _must_be_shared(each)}
    owner = get_ident()

    def take() -> None:
        for alias, connection in shared.items():
            connections[alias] = connection

    def give_back() -> None:
        for connection in connections.all(initialized_only=True):
            if connection.alias not in shared:
                connection.close()

    def before(task: Any, **_: Any) -> None:
        _carry_out(take, task.is_async, owner)

    def after(task: Any, **_: Any) -> None:
        _carry_out(give_back, task.is_async, owner)

    for connection in shared.values():
        connection.inc_thread_sharing()
    signals.task_prerun.connect(before, weak=False)
    signals.task_postrun.connect(after, weak=False)
    try:
        yield bool(shared)
    finally:
        signals.task_prerun.disconnect(before)
        signals.task_postrun.disconnect(after)
        SyncToAsync.single_thread_executor.submit(_forget, tuple(shared)).result()
        for connection in shared.values():
            connection.dec_thread_sharing()


def _carry_out(work: Any, is_async: bool, owner: int) -> None:
    """Do it in the thread in which the task uses its connections; the test's own has them already."""
    if is_async:
        SyncToAsync.single_thread_executor.submit(work).result()
    elif get_ident() != owner:
        work()


def _forget(aliases: tuple[str, ...]) -> None:
    for alias in aliases:
        if hasattr(connections._connections, alias):
            del connections[alias]


def _must_be_shared(connection: Any) -> bool:
    return connection.in_atomic_block or (connection.vendor == "sqlite" and connection.is_in_memory_db())
