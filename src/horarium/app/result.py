"""The handle of a run: what became of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from horarium import codec
from horarium.app.connection import Connected
from horarium.app.control import Control
from horarium.app.current import current_app
from horarium.app.lineage import Answer
from horarium.app.request import current_request
from horarium.clock import Seconds, to_datetime
from horarium.engines.records import RESULT_TOPIC, Page, RunFilter
from horarium.errors import (
    ResultsNotKept,
    ResultTimeout,
    RunNotFound,
    TaskError,
    TaskExpiredError,
    TaskRevokedError,
    WorkerLostError,
)
from horarium.outcome import ENDED, Run, State

if TYPE_CHECKING:
    from datetime import datetime


LONGEST_WAIT: Seconds = 1.0  # a hint may be lost, so whoever waits also looks this often


class AsyncResult(Answer):
    """What became of one call. Every property asks the store; an ended run is remembered.

    Made by hand from an id, without ``app``, it belongs to the current app.
    """

    def __init__(
        self,
        id: str,
        *,
        app: Connected | None = None,
        task_name: str | None = None,
        ignored: bool = False,
        run: Run | None = None,
        parent: Any = None,
    ) -> None:
        self.id = id
        self._parent = parent
        self.app: Connected = app if app is not None else current_app()
        self.ignored = ignored
        self._task_name = task_name
        self._ended: Run | None = run

    @property
    def task_id(self) -> str:
        return self.id

    @property
    def run(self) -> Run | None:
        """The run's record, None if the store does not know the id."""
        if self._ended is not None:
            return self._ended
        [run] = self.app.connection.engine.results.read([self.id])
        if run is not None and run.has_ended:
            self._ended = run
        return run

    def exists(self) -> bool:
        """Whether the store knows this id: tells a queued run from one that never was (both are PENDING)."""
        return self.run is not None

    @property
    def state(self) -> str:
        """The run's state; PENDING also for an id that is not known, as in Celery (see ``exists``)."""
        run = self.run
        return run.state if run is not None else State.PENDING

    @property
    def status(self) -> str:
        return self.state

    @property
    def result(self) -> Any:
        """The value of a success, the exception of another end, what the task reported while it runs, else None.

        Raises: ResultsNotKept.
        """
        self._require_kept()
        run = self.run
        return _value(run) if run is not None else None

    @property
    def info(self) -> Any:
        return self.result

    @property
    def traceback(self) -> str | None:
        run = self.run
        return run.error.traceback if run is not None and run.error is not None else None

    @property
    def progress(self) -> Any:
        """The newest ``self.progress`` of the run (done, total, note, at), or None."""
        run = self.run
        return run.progress if run is not None else None

    @property
    def children(self) -> list[AsyncResult]:
        """The runs that this one sent, its links included; the newest first, at most 1,000."""
        page = self.app.connection.engine.results.search(RunFilter(parent=self.id), Page(limit=1000))
        return [AsyncResult(run.id, app=self.app, task_name=run.message.task) for run in page.runs]

    @property
    def parent(self) -> Any:
        """What came before it in its workflow; else the run that sent this one, or None."""
        if self._parent is not None:
            return self._parent
        run = self.run
        if run is None or run.message.parent is None:
            return None
        return AsyncResult(run.message.parent, app=self.app)

    @parent.setter
    def parent(self, parent: Any) -> None:
        self._parent = parent

    def parents(self) -> list[Any]:
        """Return what came before it in its workflow, as far as it was sent from here; the first one first."""
        found: list[Any] = []
        here = self._parent
        while here is not None:
            found.append(here)
            here = here._parent if isinstance(here, AsyncResult) else here.parent
        return found[::-1]

    def as_list(self) -> list[str]:
        """Return its id and those of what came before it."""
        return [self.id, *(parent.id for parent in reversed(self.parents()))]

    @property
    def name(self) -> str | None:
        """The task's name."""
        run = self.run if self._task_name is None else None
        return run.message.task if run is not None else self._task_name

    @property
    def args(self) -> Any:
        run = self.run
        return codec.decode(run.message.args) if run is not None else None

    @property
    def kwargs(self) -> Any:
        run = self.run
        return codec.decode(run.message.kwargs) if run is not None else None

    @property
    def worker(self) -> str | None:
        run = self.run
        return run.worker or None if run is not None else None

    @property
    def retries(self) -> int | None:
        run = self.run
        return run.message.retries if run is not None else None

    @property
    def queue(self) -> str | None:
        run = self.run
        return run.message.queue if run is not None else None

    @property
    def date_done(self) -> datetime | None:
        run = self.run
        return to_datetime(run.ended) if run is not None and run.ended is not None else None

    def ready(self) -> bool:
        """Whether it has ended, in whatever way."""
        run = self.run
        return run is not None and run.has_ended

    def successful(self) -> bool:
        """Whether it ended with a result."""
        return self.state == State.SUCCESS

    def failed(self) -> bool:
        """Whether it ended with an exception, or its process died once too often."""
        return self.state in (State.FAILURE, State.DEAD)

    def get(
        self,
        timeout: Seconds | None = None,
        propagate: bool = True,
        *,
        disable_sync_subtasks: bool = True,
        on_progress: Callable[[Run], None] | None = None,
    ) -> Any:
        """Wait for the end and return the value; raise what the task raised (``propagate=False``: return it).

        ``timeout`` None waits as long as it takes. Returns None at once if the call ignores its result.
        Raises: ResultsNotKept at once if the app keeps none, RunNotFound at once for an id that the store does not
        know, ResultTimeout, TaskRevokedError,
        TaskExpiredError, WorkerLostError; RuntimeError inside a task, where waiting for another one can lock up the
        worker (``disable_sync_subtasks=False`` waits all the same).
        """
        if self.ignored:
            return None
        self._require_kept()
        if disable_sync_subtasks:
            refuse_inside_task()
        return self._answer(self._wait(timeout, on_progress), propagate)

    async def aget(self, timeout: Seconds | None = None, propagate: bool = True) -> Any:
        """``get`` for coroutines: never blocks the event loop. May be used inside ``async def`` tasks."""
        if self.ignored:
            return None
        self._require_kept()
        return self._answer(await self._await_end(timeout), propagate)

    def wait(self, timeout: Seconds | None = None, propagate: bool = True) -> Any:
        """The same as ``get``."""
        return self.get(timeout, propagate)

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise its exception if it has failed, that of what it waited for first; return its value so far otherwise."""
        run = self.run
        value = _value(run) if run is not None else None
        if propagate and isinstance(value, BaseException) and run is not None and run.state in ENDED:
            for parent in self.parents():
                parent.maybe_throw()
            raise value
        if callback is not None:
            callback(self.id, value)
        return value

    def forget(self) -> None:
        """Remove the record of an ended run; one that has not ended is left alone."""
        self.app.connection.engine.results.forget([self.id])
        self._ended = None

    def revoke(self, terminate: bool = False) -> None:
        """Cancel it: a waiting run never starts, on no worker, whenever that starts. A running one ends by itself and
        is not retried; with ``terminate`` its process is stopped."""
        Control(self.app.connection).revoke(self.id, terminate=terminate)

    def __repr__(self) -> str:
        return f"<AsyncResult: {self.id}>"

    def __str__(self) -> str:
        return self.id

    def __eq__(self, other: object) -> bool:
        if isinstance(other, AsyncResult):
            return self.id == other.id
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def _wait(self, timeout: Seconds | None, on_progress: Callable[[Run], None] | None) -> Run:
        clock = self.app.connection.clock
        deadline = clock.monotonic() + timeout if timeout is not None else None
        run = self._known()
        if run.has_ended:
            return run
        listener = self.app.connection.engine.notifier.listen([RESULT_TOPIC])
        try:
            while not (run := self._known()).has_ended:
                if on_progress is not None:
                    on_progress(run)
                left = deadline - clock.monotonic() if deadline is not None else LONGEST_WAIT
                if left <= 0:
                    raise ResultTimeout(self.id, timeout or 0.0, run.state)
                listener.wait(min(left, LONGEST_WAIT))
            return run
        finally:
            listener.close()

    async def _await_end(self, timeout: Seconds | None) -> Run:
        import asyncio

        clock = self.app.connection.clock
        deadline = clock.monotonic() + timeout if timeout is not None else None
        # Opening the store, if that has not been done, is not for the loop's thread either.
        watch = await asyncio.to_thread(lambda: self.app.connection.watch)
        with watch.watching() as news:
            while not (run := await asyncio.to_thread(self._known)).has_ended:
                left = deadline - clock.monotonic() if deadline is not None else LONGEST_WAIT
                if left <= 0:
                    raise ResultTimeout(self.id, timeout or 0.0, run.state)
                await news.wait(min(left, LONGEST_WAIT))
        return run

    def _require_kept(self) -> None:
        """Raise ResultsNotKept when nobody would ever answer."""
        if not self.app.connection.keeps_results:
            raise ResultsNotKept(self.id)

    def _known(self) -> Run:
        run = self.run
        if run is None:
            raise RunNotFound(self.id)
        return run

    def _answer(self, run: Run, propagate: bool) -> Any:
        if propagate and run.state != State.SUCCESS:
            for parent in self.parents():  # the first cause, as far up as it is known
                parent.maybe_throw()
        value = _value(run)
        if propagate and isinstance(value, BaseException) and run.state != State.SUCCESS:
            raise value
        return value


class EagerResult(AsyncResult):
    """The result of a call that ran inline; no store is asked."""

    def __init__(self, run: Run, *, app: Connected) -> None:
        super().__init__(run.id, app=app, task_name=run.message.task, run=run)

    @property
    def children(self) -> list[AsyncResult]:
        return []

    def get(self, timeout: Seconds | None = None, propagate: bool = True, **options: Any) -> Any:
        return self._answer(self._known(), propagate)

    async def aget(self, timeout: Seconds | None = None, propagate: bool = True) -> Any:
        return self._answer(self._known(), propagate)

    def forget(self) -> None:
        """Nothing is stored."""

    def revoke(self, terminate: bool = False) -> None:
        """It has ended."""

    def _require_kept(self) -> None:
        """Its result is at hand, whatever the settings say."""


def refuse_inside_task() -> None:
    """Raise RuntimeError when a task is running here."""
    request = current_request()
    if request is not None and not request.is_eager:
        raise RuntimeError(
            f"expected no task to wait for another one, but {request.id} does; it would hold its slot while the other "
            "one needs one. Use link=, `await result.aget()` in an async task, or get(disable_sync_subtasks=False)"
        )


def _value(run: Run) -> Any:
    """Return what a run has to say in its present state."""
    error = codec.decode_error(run.error) if run.error is not None else None
    match run.state:
        case State.SUCCESS:
            return codec.decode(run.result) if run.result is not None else None
        case State.PENDING | State.RECEIVED | State.IGNORED:
            return None
        case State.REVOKED:
            return error or TaskRevokedError("revoked")
        case State.EXPIRED:
            return error or TaskExpiredError("not started before its expires")
        case State.DEAD:
            return error or WorkerLostError("its worker process died")
        case State.REJECTED:
            return error or TaskError("rejected by the task")
        case State.FAILURE | State.RETRY:
            return error
        case _:
            return codec.decode(run.meta) if run.meta is not None else None
