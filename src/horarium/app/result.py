"""The handle of a run: what became of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Raw, structs

from horarium import codec
from horarium.app.connection import Connected
from horarium.app.control import Control
from horarium.app.current import current_app
from horarium.app.joining import assert_will_not_block
from horarium.app.lineage import Answer
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
from horarium.message import Message
from horarium.outcome import Run, State

if TYPE_CHECKING:
    from datetime import datetime


LONGEST_WAIT: Seconds = 1.0  # a hint may be lost, so whoever waits also looks this often


class AsyncResult(Answer):
    """What became of one call. Every property asks the store; an ended run is remembered.

    Made by hand from an id, without ``app``, it belongs to the current app. ``backend`` is Celery's and has no effect.
    """

    def __init__(
        self,
        id: str,
        backend: Any = None,
        task_name: str | None = None,
        app: Connected | None = None,
        parent: Any = None,
        *,
        ignored: bool = False,
        run: Run | None = None,
        is_new: bool = True,
    ) -> None:
        if not isinstance(id, str) or not id:
            raise ValueError(f"expected the id of a run, got {id!r:.100}; pass the id that delay() gave its result")
        self.id = id
        self._parent = parent
        self._callbacks: list[tuple[Callable[..., Any], Callable[..., Any] | None]] = []
        self.app: Connected = app if app is not None else current_app()
        self.ignored = ignored
        self.is_new = is_new  # False: the call was not stored, this is the run of an earlier one that it is the same as
        self._task_name = task_name
        self._ended: Run | None = run

    @property
    def task_id(self) -> str:
        return self.id

    def end_with(self, run: Run | None) -> None:
        """Take this for the run's end, without asking the store. For whoever has run it in place."""
        self._ended = run

    @property
    def run(self) -> Run | None:
        """The run's record, None if the store does not know the id."""
        if self._ended is not None:
            return self._ended
        [run] = self.app.connection.engine.results.read([self.id])
        if run is not None and run.has_ended:
            self._ended = run
            self._call_back()
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
        return self._value(run) if run is not None else None

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

    @property
    def supports_native_join(self) -> bool:
        """Always True: many results are waited for at once."""
        return True

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
        interval: Seconds = LONGEST_WAIT,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: Callable[[str, Any], Any] | None = None,
        on_message: Callable[[dict[str, Any]], Any] | None = None,
        on_interval: Callable[[], Any] | None = None,
        disable_sync_subtasks: bool = True,
        *,
        on_progress: Callable[[Run], None] | None = None,
    ) -> Any:
        """Wait for the end and return the value; raise what the task raised (``propagate=False``: return it).

        ``timeout`` None waits as long as it takes. Returns None at once if the call ignores its result. The end is
        noticed when it happens; besides, the store is asked every ``interval`` seconds, at most one, and each time
        ``on_interval()``, ``on_message(meta)`` if the state is another one than before, and ``on_progress(run)`` are
        called. ``callback(id, value)`` is called with the value. ``no_ack`` and ``follow_parents`` have no effect.
        Raises: ResultsNotKept at once if the app keeps none, RunNotFound at once for an id that the store does not
        know, ResultTimeout, TaskRevokedError,
        TaskExpiredError, WorkerLostError; RuntimeError inside a task, where waiting for another one can lock up the
        worker (``disable_sync_subtasks=False`` and ``allow_join_result()`` wait all the same).
        """
        if self.ignored:
            return None
        self._require_kept()
        if disable_sync_subtasks:
            assert_will_not_block()
        ears = [_told_of_states(on_message)] if on_message is not None else []
        ears += [on_progress] if on_progress is not None else []
        ears += [lambda run: on_interval()] if on_interval is not None else []
        answer = self._answer(self._wait(timeout, ears, min(interval, LONGEST_WAIT)), propagate)
        if callback is not None:
            callback(self.id, answer)
        return answer

    async def aget(self, timeout: Seconds | None = None, propagate: bool = True) -> Any:
        """``get`` for coroutines: never blocks the event loop. May be used inside ``async def`` tasks."""
        if self.ignored:
            return None
        self._require_kept()
        return self._answer(await self._await_end(timeout), propagate)

    def wait(self, timeout: Seconds | None = None, propagate: bool = True, **options: Any) -> Any:
        """The same as ``get``."""
        return self.get(timeout, propagate, **options)

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise what the task raised, if it has ended so; else return what ``result`` says. Does not wait."""
        run = self.run
        if run is None:
            return None
        answer = self._answer(run, propagate and run.has_ended)
        if callback is not None:
            callback(self.id, answer)
        return answer

    maybe_reraise = maybe_throw

    def throw(self, *args: Any) -> None:
        """Raise the exception that is given, or that the task raised; do nothing when there is none."""
        error = args[0] if args else self.result
        if isinstance(error, BaseException):
            raise error

    def then(self, callback: Callable[..., Any], on_error: Callable[..., Any] | None = None, weak: bool = False) -> Any:
        """Call ``callback(self)`` once this handle learns of the end: now if it knows, else while somebody asks it
        (``get``, ``ready``, ``state``). ``on_error(exception)`` is called with what the callback raises, which is
        raised if there is none. Returns the callback."""
        self._callbacks.append((callback, on_error))
        if self._ended is not None:
            self._call_back()
        return callback

    def forget(self) -> None:
        """Remove the record of an ended run; one that has not ended is left alone."""
        self.app.connection.engine.results.forget([self.id])
        if archive := self.app.connection.archive:
            archive.forget([self.id])
        self._ended = None

    def revoke(
        self,
        connection: Any = None,
        terminate: bool = False,
        signal: str | None = None,
        wait: bool = False,
        timeout: Seconds | None = None,
    ) -> None:
        """Cancel it: a waiting run never starts, on no worker, whenever that starts. A running one ends by itself and
        is not retried; with ``terminate`` its process is stopped, for which no ``signal`` but KILL is used. ``wait``
        waits for the end, ``timeout`` seconds at most; ``connection`` has no effect.

        Raises: with ``wait``, ResultTimeout and RunNotFound.
        """
        Control(self.app.connection).revoke(self.id, terminate=terminate)
        if wait:
            self._wait(timeout, [], LONGEST_WAIT)

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

    def _wait(self, timeout: Seconds | None, ears: Sequence[Callable[[Run], Any]], look_every: Seconds) -> Run:
        clock = self.app.connection.clock
        deadline = clock.monotonic() + timeout if timeout is not None else None
        run = self._known()
        if run.has_ended:
            return run
        listener = self.app.connection.engine.notifier.listen([RESULT_TOPIC])
        try:
            while not (run := self._known()).has_ended:
                for hear in ears:
                    hear(run)
                left = deadline - clock.monotonic() if deadline is not None else look_every
                if left <= 0:
                    raise ResultTimeout(self.id, timeout or 0.0, run.state)
                listener.wait(min(left, look_every))
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

    def _call_back(self) -> None:
        waiting, self._callbacks = self._callbacks, []
        for callback, on_error in waiting:
            try:
                callback(self)
            except Exception as error:
                if on_error is None:
                    raise
                on_error(error)

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
        value = self._value(run)
        if propagate and isinstance(value, BaseException) and run.state != State.SUCCESS:
            raise value
        return value

    def _value(self, run: Run) -> Any:
        return _value(run)


class EagerResult(AsyncResult):
    """The result of a call that ran inline; no store is asked. May be made by hand, too, from id, value and state."""

    def __init__(
        self,
        id: str,
        ret_value: Any = None,
        state: str = State.SUCCESS,
        traceback: str | None = None,
        name: str | None = None,
        *,
        app: Connected | None = None,
        run: Run | None = None,
        raised: BaseException | None = None,
    ) -> None:
        self._raised = ret_value if isinstance(ret_value, BaseException) else raised
        super().__init__(id, task_name=name, app=app, run=run or _made_up(id, ret_value, state, traceback, name))

    @property
    def children(self) -> list[AsyncResult]:
        return []

    @property
    def supports_native_join(self) -> bool:
        """Always False: there is nothing to wait for."""
        return False

    def get(self, timeout: Seconds | None = None, propagate: bool = True, *args: Any, **options: Any) -> Any:
        return self._answer(self._known(), propagate)

    async def aget(self, timeout: Seconds | None = None, propagate: bool = True) -> Any:
        return self._answer(self._known(), propagate)

    def forget(self) -> None:
        """Nothing is stored."""

    def revoke(self, *args: Any, **options: Any) -> None:
        """It has ended."""

    def _value(self, run: Run) -> Any:
        """Return the exception itself, as the task raised it: no wire was crossed that may have cost it its class."""
        return self._raised if self._raised is not None else super()._value(run)

    def _require_kept(self) -> None:
        """Its result is at hand, whatever the settings say."""


def _made_up(id: str, value: Any, state: str, traceback: str | None, name: str | None) -> Run:
    """Return the record of a run that somebody says there was."""
    error = codec.encode_error(value) if isinstance(value, BaseException) else None
    if error is not None and traceback is not None:
        error = structs.replace(error, traceback=traceback)
    return Run(
        message=Message(id=id, task=name or "", created=0),
        state=state,
        changed=0,
        ended=0,
        result=Raw(codec.encode(value, path="ret_value")) if error is None else None,
        error=error,
    )


def _told_of_states(on_message: Callable[[dict[str, Any]], Any]) -> Callable[[Run], None]:
    """Return what calls ``on_message`` with each state that is new, in the shape in which Celery keeps results."""
    seen: list[tuple[str, Any]] = []

    def hear(run: Run) -> None:
        if seen != [(run.state, run.changed)]:
            seen[:] = [(run.state, run.changed)]
            ended = to_datetime(run.ended) if run.ended is not None else None
            trace = run.error.traceback if run.error is not None else None
            meta = {"task_id": run.id, "status": str(run.state), "result": _value(run), "traceback": trace}
            on_message({**meta, "children": [], "date_done": ended})

    return hear


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
