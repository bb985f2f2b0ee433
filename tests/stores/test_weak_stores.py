"""What weakens the promises is told when something starts, and by the doctor."""

from __future__ import annotations

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.event import Event, StoreWeak
from horarium.observe.doctor import diagnose, gather
from horarium.scheduler.beat import Scheduler

WEAKNESS = "the store is written on water: it forgets; write it on paper"


class Water(MemoryEngine):
    def weaknesses(self) -> tuple[str, ...]:
        return (WEAKNESS,)


class Ear:
    """Keeps what is told."""

    is_detailed = False

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def enter(self, process: str) -> None: ...

    def tell(self, event: Event) -> None:
        self.heard.append(event)


def test_a_scheduler_tells_it_once_when_it_starts() -> None:
    clock, ear = ManualClock(), Ear()
    app = Horarium("shop", engine=Water(clock), clock=clock, set_as_current=False)
    scheduler = Scheduler(app, observer=ear)
    for _ in range(3):
        scheduler._round()
    assert [event for event in ear.heard if isinstance(event, StoreWeak)] == [
        StoreWeak(where="beat", weakness=WEAKNESS)
    ]


def test_the_doctor_warns_of_it() -> None:
    app = Horarium("shop", engine=Water(), set_as_current=False)
    [finding] = [finding for finding in diagnose(gather(app, app.now())) if finding.cause == "store-weak"]
    assert finding.level == "warning"
    assert WEAKNESS in finding.text
