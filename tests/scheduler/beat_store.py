"""A store, and what tests of schedulers ask of it."""

from __future__ import annotations

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member, Page, RunFilter
from horarium.message import Delivery, Message
from horarium.outcome import Outcome, Run, Settlement, Succeeded
from horarium.schedules.record import Schedule


class Store:
    """An engine and what tests ask of it."""

    def __init__(self, engine: MemoryEngine, clock: ManualClock) -> None:
        self.engine = engine
        self.clock = clock

    def schedule(self, name: str) -> Schedule:
        [schedule] = self.engine.schedules.get([name])
        assert schedule is not None
        return schedule

    def names(self) -> list[str]:
        return [schedule.name for schedule in self.engine.schedules.browse(Page(limit=1000)).schedules]

    def messages(self, name: str | None = None) -> list[Message]:
        """All messages that schedules sent, the earliest due instant first."""
        held = self.engine.inspector.find(RunFilter(schedule=name), Page(limit=10_000)).held
        return sorted((each.message for each in held), key=lambda message: message.nominal or 0)

    def nominals(self, name: str | None = None) -> list[int | None]:
        return [message.nominal for message in self.messages(name)]

    def save(self, schedule: Schedule) -> Schedule:
        [saved] = self.engine.schedules.save([schedule], now=self.clock.now())
        return saved

    def worker_joins(self, *tasks: str) -> None:
        member = Member(owner="w1", kind="child", name="worker@elsewhere", tasks=tasks)
        self.engine.queue.renew([member], now=self.clock.now(), lease=3600.0)

    def sent(self, name: str | None = None) -> list[Message]:
        """All messages that schedules sent, whatever has become of them, the earliest due instant first."""
        runs = self.engine.results.search(RunFilter(schedule=name), Page(limit=10_000)).runs
        fired = [run.message for run in runs if run.message.schedule is not None]
        return sorted(fired, key=lambda message: message.nominal or 0)

    def fired(self, name: str | None = None) -> list[int | None]:
        return [message.nominal for message in self.sent(name)]

    def run(self, id: str) -> Run:
        [run] = self.engine.results.read([id])
        assert run is not None
        return run

    def claim_next(self) -> Delivery:
        self.worker_joins("ping")
        [delivery] = self.engine.queue.claim(["default"], "w1", 1, now=self.clock.now())
        return delivery

    def run_next(self, outcome: Outcome = Succeeded(result=None)) -> Delivery:  # noqa: B008 (a value)
        """Do the work of a worker: claim the next message, and settle it."""
        delivery = self.claim_next()
        settlement = Settlement(id=delivery.message.id, owner="w1", fence=delivery.fence, outcome=outcome)
        self.engine.queue.settle([settlement], now=self.clock.now(), policy=MaintenancePolicy())
        return delivery
