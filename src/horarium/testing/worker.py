"""A worker in a thread of the test's process: the real thread pool with its feed and its settling thread, without
children, without the supervisor.

It is for tests of code that waits for results while others run, such as a web server's. ``run_until_idle`` is simpler
and sees the test's own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from horarium.clock import Instant, Seconds
from horarium.errors import EngineUnavailable
from horarium.outcome import Released, Revoked
from horarium.testing.clock import VirtualClock
from horarium.testing.parts import Parts, options_for
from horarium.worker.options import options_from
from horarium.worker.pools.thread import ThreadPool
from horarium.worker.settle import Settler

if TYPE_CHECKING:
    from horarium.app.app import Horarium

NAME = "test@thread"
STOP_WITHIN: Seconds = 10.0
START_WITHIN: Seconds = 10.0
TEND_EVERY: Seconds = 0.1  # how soon it hears that a run is to be terminated

_workers: WeakKeyDictionary[Horarium, ThreadWorker] = WeakKeyDictionary()


class ThreadWorker:
    """Works in threads of this process from ``start`` to ``stop``; serves every queue, unless some are named."""

    def __init__(
        self,
        app: Horarium,
        *,
        concurrency: int = 1,
        queues: tuple[str, ...] | None = None,
        name: str = NAME,
        **options: Any,  # those of WorkerOptions, of any type
    ) -> None:
        app.import_includes()
        self.app = app
        self._options = options_for(options_from(app.conf, queues=queues, **options), name, concurrency)
        self._looked = Event()
        self._failure: BaseException | None = None
        self._parts = Parts(
            app, self._options, settler=Settler, chore=self._tend, looked=self._note_look, serves_all=queues is None
        )
        self.name = self.hostname = self._options.name  # the second is Celery's word
        rows = [self._parts.board.slot(0, slot) for slot in range(concurrency)]
        self._pool = ThreadPool(self._parts.executor, self._parts.feed, rows, stuck=lambda id: None)
        self._thread = Thread(target=copy_context().run, args=(self._run,), name="horarium-test-worker", daemon=True)

    @property
    def processed(self) -> int:
        """How many deliveries it has run."""
        return self._parts.board.processed(0)

    def start(self) -> None:
        """Start it, and wait until it has looked at its queues. Raises: RuntimeError when it fails to."""
        if isinstance(self.app.clock, VirtualClock):
            self.app.clock.when_moved(self._parts.feed_again)
        self._parts.renew()
        self._parts.settler.start()
        self._thread.start()
        if not self._looked.wait(START_WITHIN) or self._failure is not None:
            raise RuntimeError(
                f"expected the worker to look at its queues within {START_WITHIN:g} s, it did not"
            ) from (self._failure)
        _workers[self.app] = self

    def reload(self) -> None:
        """Celery's name for taking over tasks that were defined since: this worker knows them at once."""

    def stop(self, timeout: Seconds = STOP_WITHIN) -> None:
        """Claim no more, let what runs end, and wait for that. Stopping twice is fine.

        Raises: RuntimeError naming the tasks that have not ended within ``timeout`` seconds, or when it had failed.
        """
        if _workers.get(self.app) is self:
            del _workers[self.app]
        if not self._thread.is_alive() and self._failure is None:
            return
        parts = self._parts
        parts.feed.stop()
        self._pool.wake()
        self._thread.join(timeout)
        running = ", ".join(f"{each.task}[{each.id}]" for each in parts.board.running(0))
        if self._thread.is_alive():
            raise RuntimeError(
                f"expected the tasks of the worker to end within {timeout:g} s, still running: {running}; let them "
                "end, or give stop() a longer timeout"
            )
        for delivery in parts.feed.withdraw():
            parts.executor.refuse(delivery, Released(reason="the worker stops"))
        parts.settler.drain(timeout)
        parts.leave()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise RuntimeError("the worker of the test had failed") from failure

    def _run(self) -> None:
        self.app.set_current()
        try:
            self._pool.run()
        except Exception as error:  # noqa: BLE001  # told by stop(), in the test's thread
            self._failure = error
        finally:
            self._looked.set()

    def _note_look(self, now: Instant) -> None:
        self._looked.set()

    def _tend(self) -> Seconds:
        """What the settling thread does beside settling: renew, and end what was revoked with terminate."""
        with suppress(EngineUnavailable):  # the next time will do
            ids = self._parts.renew()
            if ids:
                outcome = Revoked(reason="terminated")
                self._parts.executor.end_in_line([id for id in ids if not self._pool.end(id, outcome, "terminated")])
        return TEND_EVERY


@contextmanager
def start_worker(app: Horarium, *, shutdown_timeout: Seconds = STOP_WITHIN, **options: Any) -> Iterator[ThreadWorker]:
    """Let a worker run in threads of this process for the length of a ``with`` block; ``options`` are ThreadWorker's.

    Raises at the end: RuntimeError when tasks have not ended within ``shutdown_timeout`` seconds.
    """
    worker = ThreadWorker(app, **options)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop(shutdown_timeout)


def worker_of(app: Horarium) -> ThreadWorker | None:
    """Return the worker that runs in a thread for this app, if one does."""
    return _workers.get(app)
