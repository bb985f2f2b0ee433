"""Runs whatever is due, in the calling thread, until nothing is: claimed, performed, settled as by a worker.

So a task sees the test's own database transaction, its monkeypatches and its debugger. Where a worker runs in a thread
of the process (``start_worker``), its work is waited for instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Thread, local
from typing import TYPE_CHECKING

from horarium import codec
from horarium.app.current import current_app
from horarium.app.perform import Performance
from horarium.app.result import AsyncResult
from horarium.clock import Instant, Seconds
from horarium.engines.records import RESULT_TOPIC, Held, Page, RunFilter
from horarium.message import Delivery
from horarium.outcome import Released
from horarium.scheduler.beat import Scheduler
from horarium.testing.clock import VirtualClock
from horarium.testing.parts import Parts, PromptSettler, options_for
from horarium.testing.worker import worker_of
from horarium.worker.options import options_from
from horarium.worker.pools.watch import ThreadRunner, Watched

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MOST_RUNS = 1000
LOOK_EVERY: Seconds = 0.05  # a worker in a thread is looked at so often, if no note comes
PATIENCE: Seconds = 30.0  # for a worker in a thread
SHOWN = 10

_here = local()  # .depth: how many drives are under way in this thread


class NeverIdle(AssertionError, TimeoutError):
    """What was waited for will never come by itself: the message says what waits, and for what."""


def run_until_idle(
    app: Horarium | None = None,
    *,
    max_runs: int = MOST_RUNS,
    advance: bool = False,
    schedules: bool = False,
    timeout: Seconds = PATIENCE,
) -> list[AsyncResult]:
    """Run everything due, and all that it sets off, until nothing is due; return the handles in the order of the runs
    (one that was retried comes once per attempt).

    ``advance``: time jumps to whatever waits for its eta (retries, countdowns), until nothing waits at all; needs a
    virtual clock. ``schedules``: fire those that are due, first. With a worker in a thread, wait up to ``timeout``
    seconds until it is idle; then nothing is returned. Raises: NeverIdle after ``max_runs`` runs, or when the time is
    up, naming the tasks.
    """
    app = app if app is not None else current_app()
    if schedules:
        run_due_schedules(app)
    worker = worker_of(app)
    if worker is not None:
        _await_idle(app, advance=advance, max_runs=max_runs, timeout=timeout)
        return []
    done: list[Delivery] = []
    _as_worker(app, lambda: _drive(app, done, max_runs=max_runs, advance=advance))
    return [AsyncResult(each.message.id, app=app, task_name=each.message.task) for each in done]


def run_due_schedules(app: Horarium | None = None) -> int:
    """Store what the code defines, as a starting scheduler does, and fire all that is due; return how many runs that
    enqueued. It runs none of them.

    A schedule that is new begins at the clock's moment, so the first call fires only what is due at that very moment.
    """
    app = app if app is not None else current_app()
    before = set(_ids(app))
    scheduler = Scheduler(app)
    now = app.clock.now() if isinstance(app.clock, VirtualClock) else app.engine.now()
    scheduler.sync(now)
    scheduler.patrol(now)
    scheduler.tick(now)
    return len(set(_ids(app)) - before)


def is_driving() -> bool:
    """Whether runs are being driven in this thread."""
    return getattr(_here, "depth", 0) > 0


def drive_once(app: Horarium) -> bool:
    """Run what is due; tell whether anything was."""
    done: list[Delivery] = []
    _as_worker(app, lambda: _drive(app, done, max_runs=MOST_RUNS, advance=False))
    return bool(done)


def why_waiting(app: Horarium) -> str:
    """Return what waits, and for what, one line each."""
    now, held = app.now(), _held(app)
    lines = [f"  {_call(each)}: {_reason(app, each, now)}" for each in held[:SHOWN]]
    if len(held) > SHOWN:
        lines.append(f"  ... and {len(held) - SHOWN} more")
    return "\n".join(lines) or "  (nothing waits)"


def _drive(app: Horarium, done: list[Delivery], *, max_runs: int, advance: bool) -> None:
    with _hands(app) as hands:
        while True:
            delivery = hands.take()
            if delivery is None:
                if advance and _jump(app):
                    continue
                return
            if len(done) >= max_runs:
                hands.give_back(delivery)
                raise NeverIdle(_never_ends(app, done, max_runs))
            done.append(delivery)
            hands.run(delivery)


@contextmanager
def _hands(app: Horarium) -> Iterator[_Hands]:
    _here.depth = getattr(_here, "depth", 0) + 1
    hands = _Hands(app)
    try:
        yield hands
    finally:
        _here.depth -= 1
        hands.close()


class _Hands:
    """A worker of one slot, which is the calling thread."""

    def __init__(self, app: Horarium) -> None:
        self._parts = Parts(app, options_for(options_from(app.conf), "test@here", 1), settler=PromptSettler)
        self._runner = _Runner(self._parts.executor, stuck=lambda id: None)
        self._runner.start()
        self._row = self._parts.board.slot(0, 0)
        self._parts.renew()
        self._maintained: Instant | None = None

    def take(self) -> Delivery | None:
        parts = self._parts
        now = parts.clock.now()
        if now != self._maintained:  # what has expired since is ended, wherever it waits
            self._maintained = now
            while parts.engine.queue.maintain(now=now, policy=parts.options.policy).more:
                pass  # it is done in batches
        claimed = parts.engine.queue.claim(parts.served(), parts.owner, 1, now=now, tasks=frozenset(parts.tasks))
        return claimed[0] if claimed else None

    def run(self, delivery: Delivery) -> None:
        attempt = self._parts.executor.begin(delivery, self._row)
        if attempt is None:
            return
        self._runner.run(attempt)
        if self._runner.interruption is not None:
            raise self._runner.interruption

    def give_back(self, delivery: Delivery) -> None:
        self._parts.executor.refuse(delivery, Released(reason="max_runs is reached"))

    def close(self) -> None:
        self._runner.stop()
        self._runner.leave()
        self._parts.leave()


class _Runner(ThreadRunner):
    """Lets through what is meant for the test: Ctrl-C, pytest.fail() and the like in a task end the test as well."""

    interruption: BaseException | None = None

    def stop(self) -> None:
        super().stop()
        self._thread.join()  # it only waits: nothing is left of a test when the next one begins

    def _perform(self, watched: Watched) -> Performance:
        try:
            return super()._perform(watched)
        except BaseException as error:  # raised on: it ends the delivery, and then the test
            if not isinstance(error, Exception):
                self.interruption = error
            raise


def _as_worker(app: Horarium, drive: Callable[[], None]) -> None:
    """Call it in a context where the app is the current one: here or, if an event loop runs in this thread, in a
    thread of its own, since tasks may need a loop themselves."""
    context = copy_context()
    context.run(app.set_current)
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        context.run(drive)
        return
    raised: list[BaseException] = []

    def guarded() -> None:
        try:
            drive()
        except BaseException as error:  # noqa: BLE001  # raised below, in the thread that asked
            raised.append(error)

    thread = Thread(target=context.run, args=(guarded,), name="horarium-drive")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _jump(app: Horarium) -> bool:
    """Move the clock to where the next message comes due; False when none waits for its time."""
    clock = _virtual(app)
    now = clock.now()
    coming = [
        each.due for each in _held(app) if each.owner is None and each.due > now and each.message.task in app.tasks
    ]
    if not coming:
        return False
    clock.advance((min(coming) - now) / 1000)
    return True


def _virtual(app: Horarium) -> VirtualClock:
    if isinstance(app.clock, VirtualClock):
        return app.clock
    raise ValueError(
        "expected an app whose clock can be moved, got one with its host's clock; use the fixture horarium_app, or "
        "`with horarium.testing.captured(app):`, with a store in memory"
    )


def _await_idle(app: Horarium, *, advance: bool, max_runs: int, timeout: Seconds) -> None:
    """Wait until a worker in a thread has nothing due and nothing in hand."""
    deadline = app.clock.monotonic() + timeout
    worker = worker_of(app)
    first = worker.processed if worker is not None else 0
    listener = app.engine.notifier.listen([RESULT_TOPIC])
    try:
        while True:
            if worker is None or worker_of(app) is not worker:
                return
            if not any(_is_busy(app, each) for each in _held(app)) and not (advance and _jump(app)):
                return
            if worker.processed - first > max_runs:
                raise NeverIdle(
                    f"expected at most {max_runs} runs, and there are more; still there:\n{why_waiting(app)}"
                )
            if app.clock.monotonic() >= deadline:
                raise NeverIdle(
                    f"expected the worker to be idle within {timeout:g} s; still there:\n{why_waiting(app)}"
                )
            listener.wait(LOOK_EVERY)
    finally:
        listener.close()


def _is_busy(app: Horarium, each: Held) -> bool:
    return each.owner is not None or (each.due <= app.now() and each.message.task in app.tasks)


def _held(app: Horarium) -> list[Held]:
    found: list[Held] = []
    page = Page(limit=500)
    while True:
        answer = app.engine.inspector.find(RunFilter(), page)
        found += answer.held
        if answer.next is None:
            return found
        page = Page(limit=500, after=answer.next)


def _ids(app: Horarium) -> list[str]:
    found: list[str] = []
    page = Page(limit=500)
    while True:
        answer = app.engine.results.search(RunFilter(), page)
        found += [run.id for run in answer.runs]
        if answer.next is None:
            return found
        page = Page(limit=500, after=answer.next)


def _never_ends(app: Horarium, done: list[Delivery], max_runs: int) -> str:
    counts: dict[str, int] = {}
    for each in done:
        counts[each.message.task] = counts.get(each.message.task, 0) + 1
    ran = ", ".join(f"{task} x {n}" for task, n in sorted(counts.items(), key=lambda pair: -pair[1])[:SHOWN])
    return (
        f"expected at most {max_runs} runs until nothing is due, and there are more; ran: {ran}. Still there:\n"
        f"{why_waiting(app)}\nA task that sends itself anew, or retries without a wait, never ends; raise max_runs= if "
        "there is that much to do"
    )


def _reason(app: Horarium, each: Held, now: Instant) -> str:
    if each.owner is not None:
        return f"runs, in the hands of {each.owner}"
    if each.message.task not in app.tasks:
        return "no task of this name is registered in the app; import its module, or use horarium_includes"
    if each.due > now:
        what = "retry" if each.state == "RETRY" else "eta"
        return f"waits for its {what} in {(each.due - now) / 1000:g} s; move the clock, or pass advance=True"
    return f"due, in queue {each.message.queue!r}"


def _call(each: Held) -> str:
    args = ", ".join(
        [
            *(repr(value) for value in codec.decode(each.message.args)),
            *(f"{key}={value!r}" for key, value in codec.decode(each.message.kwargs).items()),
        ]
    )
    return f"{each.message.task}({args:.200}) [{each.message.id}]"
