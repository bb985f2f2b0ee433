"""Two engines as one: the carrier moves messages, the keeper remembers how they ended.

Every verb is the carrier's but for ended runs. The end of a task is recorded in the keeper first and acknowledged to
the carrier after that, so a crash in between repeats the record or the task, and loses neither. The carrier keeps of an
ended run what it needs to know it again (state, attempts), without its result, log lines and traceback. Schedules are
the carrier's too: it tells them of the end of a run, when that is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant, Seconds
from horarium.engines.protocol import (
    Engine,
    Inspector,
    Journal,
    Notes,
    Notifier,
    Queue,
    Results,
    Schedules,
    Series,
    TransactionalQueue,
)
from horarium.engines.records import (
    ATTEMPTS_KEPT,
    Capabilities,
    DeadOwner,
    Limit,
    Maintenance,
    MaintenancePolicy,
    Member,
    Page,
    Placed,
    Renewal,
    RunFilter,
    RunPage,
)
from horarium.errors import CannotJoinTransaction, EngineUnavailable, StoreUnusable
from horarium.message import Delivery, Message
from horarium.outcome import (
    ENDS,
    Attempt,
    Failed,
    Reported,
    Run,
    RunBrief,
    Settlement,
    Succeeded,
    Verdict,
    error_of,
)


class PairEngine:
    """An engine made of two. It can do what both can; closing it closes both."""

    def __init__(self, carrier: Engine, keeper: Engine) -> None:
        self.carrier = carrier
        self.keeper = keeper
        of_carrier, of_keeper = carrier.capabilities, keeper.capabilities
        self.capabilities = Capabilities(
            name=f"{of_carrier.name}+{of_keeper.name}",
            durable=of_carrier.durable and of_keeper.durable,
            shared=of_carrier.shared and of_keeper.shared,
            many_hosts=of_carrier.many_hosts and of_keeper.many_hosts,
            announces=of_carrier.announces,
            transactional=of_carrier.transactional,
        )
        self.results: Results = PairResults(carrier, keeper)
        self.queue: Queue = PairQueue(carrier, keeper)

    @property
    def url(self) -> str:
        return self.carrier.url

    @property
    def schedules(self) -> Schedules:
        return self.carrier.schedules

    @property
    def notifier(self) -> Notifier:
        return self.carrier.notifier

    @property
    def inspector(self) -> Inspector:
        return self.carrier.inspector

    @property
    def notes(self) -> Notes:
        return self.carrier.notes

    @property
    def journal(self) -> Journal:
        return self.carrier.journal

    @property
    def series(self) -> Series:
        return self.carrier.series

    def now(self) -> Instant:
        return self.carrier.now()

    def check(self) -> None:
        self.carrier.check()
        with _about_results():
            self.keeper.check()

    def weaknesses(self) -> tuple[str, ...]:
        found = self.carrier.weaknesses()
        with _about_results():
            return (*found, *self.keeper.weaknesses())

    def close(self) -> None:
        try:
            self.carrier.close()
        finally:
            self.keeper.close()


class PairQueue:
    """The carrier's queue, whose ends are recorded in the keeper before they are acknowledged."""

    def __init__(self, carrier: Engine, keeper: Engine) -> None:
        self._carrier = carrier
        self._keeper = keeper

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        return self._carrier.queue.put(messages, now=now, visible=visible)

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        *,
        now: Instant,
        tasks: Collection[str] | None = None,
        limits: Mapping[str, Limit] | None = None,
    ) -> list[Delivery]:
        return self._carrier.queue.claim(queues, owner, limit, now=now, tasks=tasks, limits=limits)

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        return self._carrier.queue.renew(members, now=now, lease=lease)

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        """Report, record, acknowledge, in this order; each step may be repeated.

        A report asks whether a delivery is still its owner's, without changing anything: what a superseded attempt
        came to is not recorded. Reports that came along are made in the same call, so that the record has them.
        """
        ends = [each for each in settlements if type(each.outcome) in ENDS]
        reports = [each for each in settlements if isinstance(each.outcome, Reported)]
        questions = [_question(each) for each in ends]
        queue = self._carrier.queue
        told = queue.settle([*reports, *questions], now=now, policy=policy) if reports or ends else []
        held = [end for end, verdict in zip(ends, told[len(reports) :], strict=True) if verdict is not Verdict.LOST]
        known = dict.fromkeys(end.id for end in ends)
        runs = dict(zip(known, self._carrier.results.read([*known]), strict=True)) if known else {}
        self._record([(end, run) for end in held if (run := runs[end.id]) is not None], now, policy)
        awaited = {id for id, run in runs.items() if run is not None and run.message.joins}
        others = [
            bare(each, is_awaited=each.id in awaited) for each in settlements if not isinstance(each.outcome, Reported)
        ]
        settled = iter(queue.settle(others, now=now, policy=policy) if others else [])
        reported = iter(told)
        return [next(reported if isinstance(each.outcome, Reported) else settled) for each in settlements]

    def check_guest(self, connection: object) -> None:
        self._guest_queue().check_guest(connection)

    def put_in(
        self, connection: Any, messages: Sequence[Message], *, now: Instant, is_fresh: bool = False
    ) -> list[Placed]:
        return self._guest_queue().put_in(connection, messages, now=now, is_fresh=is_fresh)

    def settle_in(
        self, connection: Any, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy
    ) -> list[Verdict]:
        raise CannotJoinTransaction(
            "expected results to be kept in the store whose transaction this is, but the setting result_backend names "
            "another one; leave it out, or return the result"
        )

    def abandon(self, connection: Any) -> None:
        self._guest_queue().abandon(connection)

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        done = self._carrier.queue.maintain(now=now, policy=policy, dead=dead)
        # The dead must be buried although the keeper is away; that it is, whoever settles tells. What it should have
        # forgotten it forgets at a later call.
        with suppress(EngineUnavailable):
            kept = self._keeper.queue.maintain(now=now, policy=policy)
            done = replace(done, more=done.more or kept.more)
        return done

    def _guest_queue(self) -> TransactionalQueue:
        queue = self._carrier.queue
        assert isinstance(queue, TransactionalQueue)  # the capabilities say so
        return queue

    def _record(self, ends: Sequence[tuple[Settlement, Run]], now: Instant, policy: MaintenancePolicy) -> None:
        """Record the ends of deliveries that are still in the hands of their owners."""
        by_keep: dict[Seconds, list[Run]] = {}
        for end, run in ends:
            keep = policy.keep if end.keep is None else end.keep
            by_keep.setdefault(keep, []).append(ended(run, end, now))
        for keep, those in by_keep.items():
            with _about_results():
                self._keeper.results.record(those, keep=keep, now=now)


class PairResults:
    """Ended runs as the keeper remembers them, all others as the carrier knows them.

    The carrier decides whether, and in which state, a run has ended: a record of the keeper that says otherwise stems
    from an attempt whose acknowledgement never came.
    """

    def __init__(self, carrier: Engine, keeper: Engine) -> None:
        self._carrier = carrier.results
        self._keeper = keeper.results

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        carried = self._carrier.read(ids)
        over = [id for id, run in zip(ids, carried, strict=True) if run is None or run.has_ended]
        with _about_results():
            kept = dict(zip(over, self._keeper.read(over), strict=True)) if over else {}
        return [_truth(run, kept.get(id)) for id, run in zip(ids, carried, strict=True)]

    def forget(self, ids: Sequence[str]) -> int:
        """Remove ended runs from both. The carrier's first: a crash in between leaves a record that can be read, and
        not an end without its result."""
        distinct = list(dict.fromkeys(ids))
        over = [run.id for run in self.read(distinct) if run is not None and run.has_ended]
        if over:
            self._carrier.forget(over)
            with _about_results():
                self._keeper.forget(over)
        return len(over)

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        """Merge what both find. As each is in order of age, a run can be shown as soon as neither has a later one."""
        if page.limit < 1:
            return RunPage(runs=())
        after = None if page.after is None else msgspec.json.decode(page.after, type=tuple[Instant, str])
        streams = [_Stream(results, _before(filter, after), page.limit) for results in (self._carrier, self._keeper)]
        found: dict[str, Run] = {}
        while True:
            horizon = max((stream.horizon for stream in streams if not stream.is_done), default=None)
            later = [run for run in found.values() if horizon is None or run.message.created > horizon]
            if horizon is None or len(later) > page.limit:
                break
            for stream in streams:
                if not stream.is_done and stream.horizon == horizon:
                    with _about_results():
                        pulled = stream.pull()
                    runs = self.read([id for id in pulled if id not in found])
                    found |= {run.id: run for run in runs if run is not None and _fits(run, filter, after)}
        later.sort(key=_age, reverse=True)
        shown = later[: page.limit]
        more = horizon is not None or len(later) > len(shown)
        return RunPage(runs=tuple(shown), next=msgspec.json.encode(_age(shown[-1])).decode() if more else None)

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        found = [self.search(RunFilter(schedule=schedule), Page(limit=most)).runs for schedule in schedules]
        return [tuple(map(RunBrief.of, runs)) for runs in found]

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        known = self._carrier.read([run.id for run in runs])
        free = [run for run, here in zip(runs, known, strict=True) if here is None or here.has_ended]
        moving = [run for run, here in zip(runs, known, strict=True) if here is not None and not here.has_ended]
        self._carrier.record([_bare_run(run) for run in (*free, *moving)], keep=keep, now=now)
        self._keeper.record(free, keep=keep, now=now)


class _Stream:
    """What one engine finds, pulled page by page. ``horizon``: everything later than this has been pulled."""

    def __init__(self, results: Results, filter: RunFilter, limit: int) -> None:
        self._results = results
        self._filter = filter
        self._page = Page(limit=limit)
        self.horizon: float = float("inf")
        self.is_done = False

    def pull(self) -> list[str]:
        found = self._results.search(self._filter, self._page)
        if found.runs:
            self.horizon = found.runs[-1].message.created
        self.is_done = found.next is None
        self._page = replace(self._page, after=found.next)
        return [run.id for run in found.runs]


def ended(run: Run, end: Settlement, now: Instant) -> Run:
    """Return the run as it is once the settlement that ends it is recorded."""
    outcome = end.outcome
    error = error_of(outcome)
    worker = end.worker or run.worker
    attempt = Attempt(
        number=_number(run),
        worker=worker,
        outcome=type(outcome).__name__.lower(),
        started=end.started,
        ended=end.ended,
        error=error,
    )
    return replace(
        run,
        message=end.message or run.message,
        state=ENDS[type(outcome)],
        changed=now,
        result=outcome.result if isinstance(outcome, Succeeded) else None,
        error=error,
        attempts=(*run.attempts, attempt)[-ATTEMPTS_KEPT:],
        worker=worker,
        started=run.started if end.started is None else end.started,
        ended=now if end.ended is None else end.ended,
        logs=end.logs or run.logs,
    )


def _question(end: Settlement) -> Settlement:
    return replace(end, outcome=Reported(), follow_ups=(), joins=(), value=None, widens={}, logs=())


def bare(settlement: Settlement, *, is_awaited: bool) -> Settlement:
    """Return a settlement as the carrier is told of it: an end without what the keeper has recorded, but for what those
    who wait for it are given: its value, or its error."""
    match settlement.outcome:
        case Succeeded(result=result) if result is not None:
            value = settlement.value or result if settlement.joins else None  # whoever waits for it is given it
            return replace(settlement, outcome=Succeeded(result=None), value=value, logs=())
        case Failed(error=error) if not is_awaited:
            return replace(settlement, outcome=Failed(error=replace(error, args=Raw(b"[]"), traceback=None)), logs=())
        case outcome if type(outcome) in ENDS:
            return replace(settlement, logs=())
        case _:
            return settlement


@contextmanager
def _about_results() -> Iterator[None]:
    """Let the keeper's complaints name the setting that it has its address from; engines know only of ``store``."""
    try:
        yield
    except (EngineUnavailable, StoreUnusable) as error:
        raise type(error)(about_results(str(error))) from error


def about_results(complaint: str) -> str:
    """Return what an engine complains of, with the setting that the keeper's address is from in place of ``store``."""
    for text, instead in (
        ("the setting store", "the setting result_backend"),
        ("`store`", "`result_backend`"),
        ("expected store to", "expected result_backend to"),
    ):
        complaint = complaint.replace(text, instead)
    return complaint


def _bare_run(run: Run) -> Run:
    error = None if run.error is None else replace(run.error, args=Raw(b"[]"), traceback=None)
    return replace(run, result=None, error=error, logs=())


def _number(run: Run) -> int:
    """Return the number of the attempt that is under way: one that was given back is not counted."""
    if not run.attempts:
        return 1
    last = run.attempts[-1]
    return last.number if last.outcome == "released" else last.number + 1


def _truth(carried: Run | None, kept: Run | None) -> Run | None:
    """Return what is to be believed of two accounts of one run."""
    if carried is None or kept is None:
        return carried or kept
    return kept if carried.has_ended and carried.state == kept.state else carried


def _before(filter: RunFilter, after: tuple[Instant, str] | None) -> RunFilter:
    """Return the filter without what earlier pages have shown, but for the millisecond in which they ended."""
    if after is None:
        return filter
    until = after[0] + 1
    return replace(filter, until=until if filter.until is None else min(until, filter.until))


def _fits(run: Run, filter: RunFilter, after: tuple[Instant, str] | None) -> bool:
    """Tell whether a run belongs on this page or a later one, by what may differ between the two accounts."""
    message = run.message
    return (
        (after is None or _age(run) < after)
        and (not filter.states or run.state in filter.states)
        and (not filter.tasks or message.task in filter.tasks)
        and (not filter.queues or message.queue in filter.queues)
    )


def _age(run: Run) -> tuple[Instant, str]:
    return run.message.created, run.id
