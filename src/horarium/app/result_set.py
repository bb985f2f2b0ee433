"""Several results as one: any set of them, and those of a group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from horarium.app.archive import Record
from horarium.app.connection import Connected
from horarium.app.current import current_app
from horarium.app.joining import assert_will_not_block
from horarium.app.lineage import Answer
from horarium.app.result import LONGEST_WAIT, AsyncResult
from horarium.clock import FOREVER, Instant, Seconds
from horarium.engines.records import RESULT_TOPIC
from horarium.errors import ResultTimeout
from horarium.message import Message
from horarium.outcome import ENDED, Run, State

AT_ONCE = 500  # runs read in one round trip
GROUP = "celery.group"  # the task's name of the record that a saved group is


class ResultSet(Answer):
    """Results that are waited for together. All of them are read in few round trips."""

    def __init__(self, results: Sequence[Any], *, app: Connected | None = None, parent: Any = None) -> None:
        self._app = app
        self.results = results if not isinstance(results, tuple) else list(results)
        self.parent = parent
        self.id = ""

    @property
    def app(self) -> Connected:
        return self._app if self._app is not None else (self.results[0].app if self.results else current_app())

    # Which ones.

    def add(self, result: Any) -> None:
        """Add a result, unless it is there already."""
        if result not in self.results:
            self._own().append(result)

    def remove(self, result: Any) -> None:
        """Raises: KeyError for one that is not there."""
        found = self.app.AsyncResult(result) if isinstance(result, str) else result  # type: ignore[attr-defined]
        try:
            self._own().remove(found)
        except ValueError as error:
            raise KeyError(result) from error

    def discard(self, result: Any) -> None:
        """Remove a result if it is there."""
        if result in self.results:
            self._own().remove(result)

    def update(self, results: Sequence[Any]) -> None:
        """Add those that are not there."""
        for result in results:
            self.add(result)

    def clear(self) -> None:
        """Remove all of them."""
        self._own().clear()

    def _own(self) -> list[Any]:
        if not isinstance(self.results, list):
            self.results = list(self.results)
        return self.results

    # How they are.

    @property
    def children(self) -> Sequence[Any]:
        return self.results

    def successful(self) -> bool:
        """Whether all have succeeded."""
        return all(result.successful() for result in self._looked_at())

    def failed(self) -> bool:
        """Whether one has failed."""
        return any(result.failed() for result in self._looked_at())

    def waiting(self) -> bool:
        """Whether one has not ended."""
        return not self.ready()

    def ready(self) -> bool:
        """Whether all have ended."""
        return all(result.ready() for result in self._looked_at())

    def completed_count(self) -> int:
        """Count those that succeeded."""
        return sum(result.successful() for result in self._looked_at())

    def maybe_throw(self, propagate: bool = True, callback: Callable[[str, Any], Any] | None = None) -> Any:
        """Raise the first failure there is so far."""
        for result in self._looked_at():
            result.maybe_throw(propagate=propagate, callback=callback)

    maybe_reraise = maybe_throw

    def forget(self) -> None:
        """Remove the records of those that have ended."""
        for result in self.results:
            result.forget()

    def revoke(self, connection: Any = None, terminate: bool = False, signal: Any = None, **_: Any) -> None:
        """Cancel all of them; see AsyncResult.revoke."""
        for result in self.results:
            result.revoke(terminate=terminate)

    def _looked_at(self) -> Iterator[Any]:
        """Yield the results as they are now, many of them read in one round trip."""
        for start in range(0, len(self.results), AT_ONCE):
            part = list(self.results[start : start + AT_ONCE])
            ids = [result.id for result in part if type(result) is AsyncResult]
            known = self._read(ids) if ids else {}
            for result in part:
                run = known.get(result.id) if type(result) is AsyncResult else None
                yield AsyncResult(run.id, app=self.app, run=run, parent=result._parent) if run is not None else result

    def _read(self, ids: Sequence[str]) -> dict[str, Run]:
        return {run.id: run for run in self.app.connection.engine.results.read(ids) if run is not None}

    # Waiting.

    def get(
        self,
        timeout: Seconds | None = None,
        propagate: bool = True,
        interval: Seconds = 0.5,
        callback: Callable[[str, Any], Any] | None = None,
        no_ack: bool = True,
        on_message: Any = None,
        disable_sync_subtasks: bool = True,
        on_interval: Callable[[], Any] | None = None,
        follow_parents: bool = True,
    ) -> list[Any]:
        """Wait for all of them, ``timeout`` seconds in all, and return their values in order.

        ``propagate`` raises the first failure as soon as there is one; else exceptions stand among the values.
        ``callback(id, value)`` is called for each, and nothing is returned then. Raises: as AsyncResult.get.
        """
        if disable_sync_subtasks:
            assert_will_not_block()
        if follow_parents and propagate:
            for parent in self.parents():
                parent.maybe_throw()
        clock = self.app.connection.clock
        deadline = clock.monotonic() + timeout if timeout is not None else None
        ended = self._wait(deadline, timeout, propagate=propagate, on_interval=on_interval)
        values: list[Any] = []
        for result in self.results:
            left = None if deadline is None else max(0.0, deadline - clock.monotonic())
            known = ended.get(result.id) if type(result) is AsyncResult else None
            if known is not None:
                result = AsyncResult(result.id, app=result.app, run=known)
            value = result.get(left, propagate=propagate, disable_sync_subtasks=False)
            if callback is not None:
                callback(result.id, value)
            else:
                values.append(value)
        return values

    join = get
    join_native = get

    async def aget(self, timeout: Seconds | None = None, propagate: bool = True) -> list[Any]:
        """``get`` for coroutines."""
        import asyncio

        waiting = [result.aget(propagate=propagate) for result in self.results]
        return list(await asyncio.wait_for(asyncio.gather(*waiting), timeout))

    def iter_native(self, timeout: Seconds | None = None, **_: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (id, {status, result, traceback, children}) of each as it ends."""
        clock = self.app.connection.clock
        deadline = clock.monotonic() + timeout if timeout is not None else None
        for run in self._ends(deadline, timeout):
            result = AsyncResult(run.id, app=self.app, run=run)
            yield (
                run.id,
                {"status": str(run.state), "result": result.result, "traceback": result.traceback, "children": []},
            )

    def then(self, callback: Callable[[Any], Any], on_error: Any = None, weak: bool = False) -> Any:
        """Wait for all of them, then call ``callback(self)``."""
        self.get(propagate=False)
        return callback(self)

    def _wait(
        self,
        deadline: Seconds | None,
        timeout: Seconds | None,
        *,
        propagate: bool,
        on_interval: Callable[[], Any] | None,
    ) -> dict[str, Run]:
        ended: dict[str, Run] = {}
        for run in self._ends(deadline, timeout, on_interval=on_interval):
            ended[run.id] = run
            if propagate and run.state not in (State.SUCCESS, State.IGNORED):
                AsyncResult(run.id, app=self.app, run=run).get(disable_sync_subtasks=False)
        return ended

    def _ends(
        self, deadline: Seconds | None, timeout: Seconds | None, *, on_interval: Callable[[], Any] | None = None
    ) -> Iterator[Run]:
        """Yield the runs of the plain results as they end. Raises: ResultTimeout."""
        left = [result.id for result in self.results if type(result) is AsyncResult and not result.ignored]
        if not left or not self.app.connection.keeps_results:
            return  # each answers for itself
        engine, clock = self.app.connection.engine, self.app.connection.clock
        listener = engine.notifier.listen([RESULT_TOPIC])
        try:
            while True:
                still = []
                for start in range(0, len(left), AT_ONCE):
                    ids = left[start : start + AT_ONCE]
                    for id, run in zip(ids, engine.results.read(ids), strict=True):
                        if run is not None and run.state in ENDED:
                            yield run
                        elif run is not None:
                            still.append(id)  # one that is not known complains for itself
                left = still
                if not left:
                    return
                wait = LONGEST_WAIT if deadline is None else deadline - clock.monotonic()
                if wait <= 0:
                    raise ResultTimeout(left[0], timeout or 0.0, State.PENDING)
                if on_interval is not None:
                    on_interval()
                listener.wait(min(wait, LONGEST_WAIT))
        finally:
            listener.close()

    @property
    def supports_native_join(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __getitem__(self, index: Any) -> Any:
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ResultSet):
            return list(self.results) == list(other.results)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(result.id for result in self.results))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: [{', '.join(result.id for result in self.results[:10])}]>"


class GroupResult(ResultSet):
    """What became of a group: the results of its tasks in order. ``save`` keeps its ids under the group's own."""

    def __init__(
        self, id: str | None = None, results: Sequence[Any] = (), *, app: Connected | None = None, parent: Any = None
    ) -> None:
        super().__init__(results, app=app, parent=parent)
        self.id = id or ""

    def members_as_tuples(self) -> list[Any]:
        return [result.as_tuple(after=self.parent) for result in self.results]

    def save(self, backend: Any = None) -> GroupResult:
        """Keep the ids of its members in the store, for ``restore``; as long as results are kept. With an archive also
        there: in this thread, and so in its open transaction if it has one."""
        engine = self.app.connection.engine
        now: Instant = engine.now()
        run = Run(
            message=Message(id=self.id, task=GROUP, created=now),
            state=State.SUCCESS,
            changed=now,
            ended=now,
            result=Raw(msgspec.json.encode(self.as_tuple())),
        )
        keep = self.app.connection.keeps_for
        engine.results.record([run], keep=FOREVER if keep is None else keep, now=now)
        if archive := self.app.connection.archive:
            archive.write([Record(run=run)])
        return self

    def delete(self, backend: Any = None) -> None:
        """Forget what ``save`` has kept."""
        self.app.connection.engine.results.forget([self.id])
        if archive := self.app.connection.archive:
            archive.forget([self.id])

    @classmethod
    def restore(cls, id: str, backend: Any = None, app: Connected | None = None) -> GroupResult | None:
        """Return the group that was saved under this id, or None."""
        found = app if app is not None else current_app()
        [run] = found.connection.engine.results.read([id])
        if run is not None and run.message.task == GROUP and run.result is not None:
            saved = msgspec.json.decode(run.result)
        else:  # one that Celery has saved may be in the archive
            archive = found.connection.archive
            saved = archive.group(id) if archive is not None else None
        restored = result_from_tuple(saved, app=found)
        return restored if isinstance(restored, GroupResult) else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, GroupResult):
            return (self.id, list(self.results), self.parent) == (other.id, list(other.results), other.parent)
        return ResultSet.__eq__(self, other)

    __hash__ = ResultSet.__hash__


def result_from_tuple(r: Any, app: Connected | None = None) -> Any:
    """Return the result that ``as_tuple`` has described, with its parents; one that is a result already as it is."""
    line = []
    while r and not isinstance(r, Answer):  # a chain may be longer than Python's stack is deep
        (id, before), nodes = r if isinstance(r[0], list | tuple) else ((r[0], None), r[1] if len(r) > 1 else None)
        line.append((id, nodes))
        r = before
    found: Any = r or None
    for id, nodes in reversed(line):
        if nodes is None:
            found = AsyncResult(id, app=app, parent=found)
        else:
            found = GroupResult(id, [result_from_tuple(node, app) for node in nodes], app=app, parent=found)
    return found
