"""What can be seen of an engine, without what each engine may choose for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from horarium.engines.protocol import Engine
from horarium.engines.records import DeadOwner, Maintenance, MaintenancePolicy, Page, Renewal, RunFilter
from horarium.errors import EngineError
from horarium.message import Delivery
from horarium.outcome import Attempt, ErrorRecord, Run, Verdict

POLICY = MaintenancePolicy(crash_limit=3, crash_delays=(1.0, 10.0), keep=120.0, batch=100_000)
# Error links go to this queue: one call may put many, in an order that the law leaves open.
ERRORS = "errors"
EVERYTHING = Page(limit=100_000)
NOTHING_DONE = Maintenance()


def answer(ask: Callable[[Engine], Any], engine: Engine) -> Any:
    """Return what an engine answers; a refusal is an answer."""
    try:
        return ask(engine)
    except EngineError as error:
        return type(error).__name__, str(error)


def is_list_of(answer: Any, kind: type) -> bool:
    return isinstance(answer, list) and answer != [] and isinstance(answer[0], kind)


def same_verdicts(expected: Any, got: Any) -> bool:
    """Once a message has moved on, an old settlement is REPEATED or LOST, as the engine likes."""
    return [each == Verdict.RECORDED for each in expected] == [each == Verdict.RECORDED for each in got]


def chores(engine: Engine, now: int, dead: tuple[DeadOwner, ...]) -> Maintenance:
    """Do the chores until nothing is left to do, and return the sum: what one chore brings about (put back, and
    overdue) an engine may see to in the same call or in the next."""
    calls = [engine.queue.maintain(now=now, policy=POLICY, dead=dead)]
    while calls[-1] != NOTHING_DONE:
        assert not calls[-1].more
        calls.append(engine.queue.maintain(now=now, policy=POLICY, dead=dead))
    return Maintenance(
        returned=sum(call.returned for call in calls),
        dead=sum(call.dead for call in calls),
        expired=sum(call.expired for call in calls),
        forgotten=sum(call.forgotten for call in calls),
        lapsed=tuple(sorted(owner for call in calls for owner in call.lapsed)),
    )


def in_any_order(renewal: Renewal) -> Renewal:
    return structs.replace(renewal, lost=tuple(sorted(renewal.lost)), terminate=tuple(sorted(renewal.terminate)))


def in_order_of_id(deliveries: list[Delivery]) -> list[Delivery]:
    return sorted(deliveries, key=lambda delivery: delivery.message.id)


def everything(engine: Engine) -> list[Run]:
    return sorted(engine.results.search(RunFilter(), EVERYTHING).runs, key=lambda run: run.id)


def in_line(engine: Engine) -> Any:
    """Where everything stands; among those in hand and among error links, the order is the engine's own."""
    held = engine.inspector.find(RunFilter(), EVERYTHING).held
    loose = [each for each in held if each.owner is not None or each.message.queue == ERRORS]
    strict = [each for each in held if each.owner is None and each.message.queue != ERRORS]
    return sorted(loose, key=lambda each: each.message.id), strict


def counted(engine: Engine) -> Any:
    """What counts do not owe to the engine's own clock."""
    counts = engine.inspector.counts()
    queues = {name: (each.ready + each.scheduled, each.claimed, each.blocked) for name, each in counts.queues.items()}
    return queues, counts.states, counts.schedules


def plain(run: Run) -> Run:
    """Return the run without what engines may word as they like."""
    return structs.replace(run, error=plain_error(run.error), attempts=tuple(map(plain_attempt, run.attempts)))


def plain_attempt(attempt: Attempt) -> Attempt:
    return structs.replace(attempt, error=plain_error(attempt.error))


def plain_error(error: ErrorRecord | None) -> ErrorRecord | None:
    if error is None or not error.class_path.startswith("horarium."):
        return error
    return ErrorRecord(class_path=error.class_path)
