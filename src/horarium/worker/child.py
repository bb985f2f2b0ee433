"""A child: claims for itself, runs, settles. It opens its own store, after the fork, and is one owner.

Threads: the main one runs the pool, one settles, one takes orders. The supervisor renews its lease; the child only
works. Its last act is to say on the board that it ended in an orderly way; without that it counts as crashed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from horarium import signals
from horarium.app.journalist import Journalist
from horarium.app.redacting import shown_to_all
from horarium.app.switches import Switched
from horarium.clock import Instant, Seconds, StoreClock
from horarium.engines.records import QUEUE_TOPIC
from horarium.errors import EngineUnavailable, OwnerLost, StoreUnusable
from horarium.event import ChildRecycled, Observer, Troubled
from horarium.message import Delivery
from horarium.outcome import Released, Revoked
from horarium.worker import output, stacks
from horarium.worker.archivist import Archivist
from horarium.worker.board import Board
from horarium.worker.execute import Executor
from horarium.worker.feed import QUICK_LOOKS, SLOW, Feed
from horarium.worker.hand import Hand
from horarium.worker.limits import LimitBook
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Change, Drain, End, Go, OrderChannel, Quit, Ready, Turned
from horarium.worker.patience import Patience
from horarium.worker.pools.pool import Pool
from horarium.worker.process import end_with_own_threads, private_memory_kib, resident_bytes, show_stacks_on
from horarium.worker.scorer import Scorer
from horarium.worker.settle import Settler
from horarium.worker.teller import Teller
from horarium.worker.turns import turns
from horarium.worker.wish import Wish, wish

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine, Listener

EXIT_DONE = 0
EXIT_STORE = 1
EXIT_OWNER_LOST = 4
EXIT_INTERNAL = 70
QUIT_FLUSH: Seconds = 0.7  # how long a child that must end now may take to record what is finished
DRAIN_FLUSH: Seconds = 3600.0  # an orderly end records everything, or is ended by its lease
JOURNAL_FLUSH: Seconds = 2.0  # how long an orderly end may take to write the last events
QUIT_JOURNAL_FLUSH: Seconds = 0.1
CORRECT_CLOCK_EVERY: Seconds = 10.0
CHECK_MEMORY_EVERY: Seconds = 1.0
DRAINED = "drained"


def owner_name(worker: str, generation: int) -> str:
    """Return the owner id of a child: the worker's incarnation and the child's generation, never used twice."""
    return f"{worker}/{generation}"


class Child:
    """One incarnation of one child process."""

    def __init__(
        self,
        app: Horarium,
        options: WorkerOptions,
        board: Board,
        place: int,
        owner: str,
        orders: OrderChannel,
        observer: Observer,
    ) -> None:
        self._app = app
        self._options = options
        self._board = board
        self._place = place
        self._owner = owner
        self._orders = orders
        journalist = Journalist(lambda: app.engine)
        self._teller = Teller(observer, journalist, options.name, is_on=options.events, show=shown_to_all(app))
        self._observer: Observer = self._teller
        self._queues = options.queues  # as remote control has changed them
        self._switched = Switched()
        self._go: SimpleQueue[None] = SimpleQueue()  # not an Event: a signal handler may put, but not set
        self._is_ready = False
        self._stop_reason: str | None = None
        self._finished = count(1)  # next() of it is atomic: slots may be threads
        self._memory_checked: Seconds = 0.0

    def run(self) -> int:
        """Work until told to end, or until it is time for a fresh child; return the exit code."""
        self._observer.enter(f"worker-{self._place + 1}")
        show_stacks_on(signal.SIGUSR1)
        stacks.tell_when_asked()
        end_with_own_threads("horarium-", EXIT_INTERNAL)
        output.install(self._options.output_level, keeps=bool(self._options.output_limit))
        self._app.set_current()
        signals.worker_process_init.send(None)
        code = EXIT_INTERNAL
        try:
            code = self._work()
            return code
        finally:
            signals.worker_process_shutdown.send(None, pid=os.getpid(), exitcode=code)
            if code == EXIT_DONE:
                self._board.note_end(self._place)

    def _work(self) -> int:
        try:
            self._prepare(self._open())
        except StoreUnusable as error:
            return self._fail(error)
        signal.signal(signal.SIGTERM, lambda *_: self._stop("TERM"))
        Thread(target=self._take_orders, name="horarium-orders", daemon=True).start()
        self._go.get()
        self._settler.start()
        try:
            self._pool.run()
        except OwnerLost:
            return EXIT_OWNER_LOST  # nothing in hand is ours any more
        except StoreUnusable as error:
            return self._fail(error)
        self._give_back(self._feed.withdraw(), "the worker stops")
        self._settler.drain(DRAIN_FLUSH)
        self._teller.journalist.close(JOURNAL_FLUSH)
        if self._stop_reason != DRAINED:
            self._observer.tell(ChildRecycled(pid=os.getpid(), reason=self._stop_reason or ""))
        return EXIT_DONE

    # Setting up.

    def _open(self) -> Engine:
        """Open the store; while it cannot be reached, try again."""
        patience = Patience(5.0, self._app.random)
        while True:
            try:
                engine = self._app.engine
                self._clock = StoreClock(self._app.clock, engine.now())
            except EngineUnavailable as error:
                wait = patience.next_wait()
                if patience.failures == 1:
                    self._observer.tell(Troubled(where="store", reason=str(error), wait=wait))
                time.sleep(wait)
            else:
                self._teller.clock = self._clock
                self._corrected = self._clock.monotonic()
                return engine

    def _prepare(self, engine: Engine) -> None:
        options, tasks = self._options, self._app.tasks
        first = self._wish(Switched())  # how the switches stand comes before Go
        hand = Hand(engine.inspector, self._owner)
        archive = self._app.connection.archive
        archivist = Archivist(archive, engine, self._clock, self._observer) if archive is not None else None
        self._settler = Settler(
            engine,
            self._clock,
            options.policy,
            self._observer,
            ledger=self._board.ledgers[self._place],
            hand=hand,
            random=self._app.random,
            chore=self._chore,
            archivist=archivist,
            scorer=Scorer(engine.series, self._clock, self._observer, self._app.random),
        )

        def listen(queues: Sequence[str]) -> Listener:
            return engine.notifier.listen([QUEUE_TOPIC + queue for queue in queues])

        self._feed = Feed(
            engine.queue,
            listen(options.queues),
            self._clock,
            owner=self._owner,
            queues=first.queues,
            tasks=first.tasks,
            limits=first.limits,
            turns=turns(options.queue_order, options.weights),
            observer=self._observer,
            noted_look=self._note_look,
            may_claim=lambda: not self._settler.is_backed_up,
            lined_up=self._settler.wake,
            quick_looks=QUICK_LOOKS if engine.capabilities.many_hosts else (),
            hand=hand,
            random=self._app.random,
            listen=listen,
        )
        self._engine = engine
        self._limits = LimitBook(soft=options.soft_time_limit, hard=options.time_limit)
        self._executor = Executor(
            tasks=tasks,
            settler=self._settler,
            feed=self._feed,
            clock=self._clock,
            observer=self._observer,
            limits=self._limits,
            worker=options.name,
            output=options.output,
            keep_failed=options.keep_failed,
            output_level=options.output_level or 0,
            lease=partial(self._board.lease, self._place),
            finished_one=self._after_one if options.max_tasks_per_child or options.max_memory_per_child else None,
            archivist=archivist,
        )
        self._pool = self._make_pool()

    def _make_pool(self) -> Pool:
        rows = [self._board.slot(self._place, slot) for slot in range(self._board.slots)]
        if self._options.pool == "process":
            from horarium.worker.pools.process import ProcessPool

            return ProcessPool(self._executor, self._feed, rows[0])
        if self._options.pool == "thread":
            from horarium.worker.pools.thread import ThreadPool

            return ThreadPool(self._executor, self._feed, rows, stuck=self._note_stuck, slots=self._options.slots)
        from horarium.worker.pools.loop import AsyncPool

        return AsyncPool(self._executor, self._feed, rows, stuck=self._note_stuck, slots=self._options.slots)

    # Orders.

    def _take_orders(self) -> None:
        for order in self._orders:
            match order:
                case Go():
                    self._go.put(None)
                case Drain():
                    self._stop(DRAINED)
                    self._pool.wake()
                case Quit():
                    self._quit()
                case End(ids=ids):
                    self._end(ids)
                case Change():
                    self._change(order)
                case Turned(switched=switched):
                    self._turn(switched)
        # The supervisor is gone. The zygote kills us for that, and where it cannot, this does.
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def _stop(self, reason: str) -> None:
        """Claim no more, and end when what runs has ended. Called from signal handlers too: takes no lock."""
        self._stop_reason = self._stop_reason or reason
        self._feed.stop()
        self._go.put(None)

    def _quit(self) -> None:
        """End now. What still runs is on the board, where the supervisor finds it when it gives it back."""
        self._stop(DRAINED)
        self._give_back(self._feed.withdraw(), "the worker stops")
        self._settler.drain(QUIT_FLUSH)
        self._teller.journalist.close(QUIT_JOURNAL_FLUSH)
        self._board.note_end(self._place)
        os._exit(EXIT_DONE)

    def _end(self, ids: Iterable[str]) -> None:
        outcome = Revoked(reason="terminated")
        self._executor.end_in_line([id for id in ids if not self._pool.end(id, outcome, "terminated")])

    def _change(self, change: Change) -> None:
        if change.queues is not None:
            self._queues = change.queues
            self._turn(self._switched)
        if change.slots is not None:
            self._pool.resize(change.slots)
        for task, (soft, hard) in change.limits.items():
            self._limits.set(task, soft, hard)
        if change.events is not None:
            self._teller.is_on = change.events

    def _turn(self, switched: Switched) -> None:
        """Claim as the switches say, and give back what was claimed before and has not started."""
        self._switched = switched
        new = self._wish(switched)
        self._feed.change(new.queues, new.tasks, new.limits)
        self._give_back(self._feed.withdraw(), "a switch was turned")
        self._pool.wake()

    def _wish(self, switched: Switched) -> Wish:
        return wish(self._app.tasks.values(), self._app.conf, self._options, switched, self._queues)

    # What the parts call back.

    def _note_look(self, now: Instant) -> None:
        self._board.note_look(self._place, now)
        if not self._is_ready:
            self._is_ready = True
            self._orders.send(Ready())

    def _note_stuck(self, id: str) -> None:
        self._stop(f"run {id} was ended, but its code goes on")
        self._pool.wake()

    def _chore(self) -> Seconds:
        """What the settling thread does beside settling."""
        self._give_back(self._feed.withdraw_if_stuck(), "waited behind a slow task")
        now = self._clock.monotonic()
        if now - self._corrected >= CORRECT_CLOCK_EVERY:
            self._corrected = now
            with suppress(EngineUnavailable):  # the offset of before is good enough until the store is back
                self._clock.correct(self._engine.now())
        return SLOW if self._feed.line else CORRECT_CLOCK_EVERY

    def _give_back(self, deliveries: Iterable[Delivery], reason: str) -> None:
        for delivery in deliveries:
            self._executor.refuse(delivery, Released(reason=reason))

    def _after_one(self) -> None:
        """See after each task whether this child has done its share."""
        most, limit = self._options.max_tasks_per_child, self._options.max_memory_per_child
        finished = next(self._finished)
        if most is not None and finished >= most:
            self._stop(f"it has run {finished} tasks")
        if limit is None or resident_bytes(os.getpid()) // 1024 <= limit:
            return
        # What is resident counts memory shared with the zygote; the exact figure costs a millisecond.
        now = self._clock.monotonic()
        if now - self._memory_checked >= CHECK_MEMORY_EVERY:
            self._memory_checked = now
            if (private := private_memory_kib()) > limit:
                self._stop(f"it occupies {private} KiB, more than {limit}")

    def _fail(self, error: StoreUnusable) -> int:
        self._observer.tell(Troubled(where="store", reason=str(error)))
        return EXIT_STORE
