"""A worker for tests: runs what is waiting, here and now, by the real road - claimed, performed, settled.

Nothing is mocked: arguments are encoded and decoded, retries wait for their eta, links are stored. Tests move a
ManualClock instead of waiting.
"""

from __future__ import annotations

from horarium.app.app import Horarium
from horarium.app.perform import Performance, perform, settlement_of
from horarium.clock import FOREVER
from horarium.engines.records import MaintenancePolicy, Member
from horarium.event import Silent
from horarium.message import Delivery, new_id
from horarium.outcome import Reported, Settlement
from horarium.worker.archivist import Archivist

TEST_LEASE = 3600.0


def drain(app: Horarium, *, limit: int = 1000) -> list[Performance]:
    """Run every due message, and those that they set off, until none is due; return what became of each.

    Blocks as long as the tasks run. Raises: AssertionError after ``limit`` runs, for a task that sends itself anew
    would never end.
    """
    owner = f"drain-{new_id(app.now())}"
    queues = tuple(sorted(app.engine.inspector.counts(most=0).queues))
    member = Member(owner=owner, kind="child", name="drain", queues=queues, tasks=tuple(app.tasks), started=app.now())
    app.engine.queue.renew([member], now=app.now(), lease=TEST_LEASE)
    done: list[Performance] = []
    while delivery := _next(app, owner):
        done.append(_run(app, delivery))
        assert len(done) <= limit, f"expected at most {limit} runs, and there are more; raise limit="
    app.engine.inspector.leave([owner], now=app.now())
    return done


def _next(app: Horarium, owner: str) -> Delivery | None:
    queues = sorted(app.engine.inspector.counts(most=0).queues)
    claimed = app.engine.queue.claim(queues, owner, 1, now=app.now(), tasks=frozenset(app.tasks))
    return claimed[0] if claimed else None


def _run(app: Horarium, delivery: Delivery) -> Performance:
    policy = MaintenancePolicy(keep=app.conf.result_expires or FOREVER)

    archive = app.connection.archive
    archivist = Archivist(archive, app.engine, app.clock, Silent()) if archive is not None else None

    def settle(settlement: Settlement) -> None:
        batch = [(settlement, delivery, 0)]
        if archivist is not None:
            archivist.write_before(batch)
        verdicts = app.engine.queue.settle([settlement], now=app.now(), policy=policy)
        if archivist is not None:
            archivist.write_after(batch, verdicts)

    def report(reported: Reported) -> None:
        message = delivery.message
        settle(Settlement(id=message.id, owner=delivery.owner, fence=delivery.fence, outcome=reported, worker="drain"))

    task = app.tasks[delivery.message.task]
    performance = perform(task, delivery, clock=app.clock, worker="drain", report=report)
    settle(settlement_of(delivery, performance, worker="drain"))
    return performance
