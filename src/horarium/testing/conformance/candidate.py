"""The candidate: an engine under examination and the instant it is told. Short words for what questions often do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import pytest
from msgspec import Raw

from horarium.clock import Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import DeadOwner, Maintenance, MaintenancePolicy, Member, Placed, Renewal, RunningNow
from horarium.message import Delivery, Message, Signature, new_id
from horarium.outcome import (
    ErrorRecord,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Reported,
    Revoked,
    Run,
    Settlement,
    State,
    Succeeded,
    Verdict,
)
from horarium.schedules.record import Fate, Firing, Schedule

Reopen: TypeAlias = Callable[[], Engine]

POLICY = MaintenancePolicy(crash_limit=3, crash_delays=(1.0, 10.0, 60.0), keep=3600.0, batch=1000)
LEASE: Seconds = 30.0
OOPS = ErrorRecord(class_path="builtins.ValueError", args=Raw(b'["oops"]'), text="oops", traceback="line 1\n")
KILLED = ErrorRecord(class_path="horarium.errors.WorkerLostError", text="signal 9")
DONE = Succeeded(result=Raw(b"42"))
ENDS: list[tuple[Outcome, State, str | None]] = [
    (DONE, State.SUCCESS, None),
    (Failed(error=OOPS), State.FAILURE, OOPS.class_path),
    (Revoked(reason="by hand"), State.REVOKED, "horarium.errors.TaskRevokedError"),
    (Expired(), State.EXPIRED, "horarium.errors.TaskExpiredError"),
    (Rejected(reason="no good"), State.REJECTED, "horarium.errors.Reject"),
    (Ignored(), State.IGNORED, None),
]
ERROR_LINK = Signature(task="on_error")
LINK = Signature(task="on_success")


class Candidate:
    """Base of every class of questions; each question has a fresh engine."""

    engine: Engine
    now: Instant

    @pytest.fixture(autouse=True)
    def take_a_seat(self, engine: Engine) -> None:
        self.engine = engine
        self.now = engine.now()

    def later(self, seconds: Seconds) -> Instant:
        """Let time pass for the engine."""
        self.now += round(seconds * 1000)
        return self.now

    def message(self, **fields: Any) -> Message:  # Any: whatever Message takes
        given: dict[str, Any] = {"id": new_id(self.now), "task": "t", "created": self.now}
        return Message(**given | fields)

    def put(self, *messages: Message) -> list[Placed]:
        return self.engine.queue.put(messages, now=self.now)

    def put_one(self, **fields: Any) -> Message:
        message = self.message(**fields)
        assert self.put(message) == [True]
        return message

    def renew(self, *owners: str, running: Collection[str] = (), lease: Seconds = LEASE) -> Renewal:
        """Register owners, or renew their leases; all of them report the same as running."""
        now_running = tuple(RunningNow(id=id, task="t", started=self.now) for id in running)
        members = [Member(owner=owner, kind="child", name=f"{owner}@host", running=now_running) for owner in owners]
        return self.engine.queue.renew(members, now=self.now, lease=lease)

    def claim(
        self,
        owner: str = "a",
        limit: int = 100,
        *,
        queues: Sequence[str] = ("default",),
        tasks: Collection[str] | None = None,
    ) -> list[Delivery]:
        """Claim for an owner, registering it if need be."""
        self.renew(owner)
        return self.engine.queue.claim(queues, owner, limit, now=self.now, tasks=tasks)

    def claim_one(self, owner: str = "a") -> Delivery:
        (delivery,) = self.claim(owner, 1)
        return delivery

    def settle(self, delivery: Delivery, outcome: Outcome, **fields: Any) -> Verdict:
        return self.settle_all(settlement(delivery, outcome, **fields))[0]

    def settle_all(self, *settlements: Settlement) -> list[Verdict]:
        return self.engine.queue.settle(settlements, now=self.now, policy=POLICY)

    def maintain(self, *dead: DeadOwner, policy: MaintenancePolicy = POLICY) -> Maintenance:
        return self.engine.queue.maintain(now=self.now, policy=policy, dead=dead)

    def run(self, id: str) -> Run:
        (run,) = self.engine.results.read([id])
        assert run is not None, f"no run {id}"
        return run

    def states(self) -> dict[str, int]:
        return self.engine.inspector.counts().states

    def schedule(self, name: str = "s", **fields: Any) -> Schedule:
        given: dict[str, Any] = {
            "id": new_id(self.now),
            "name": name,
            "task": "t",
            "spec": {"type": "every", "seconds": 60},
            "anchor": self.now,
            "created": self.now,
            "changed": self.now,
            "next_fire": self.now + 60_000,
        }
        return Schedule(**given | fields)

    def save(self, *schedules: Schedule) -> list[Schedule]:
        return self.engine.schedules.save(schedules, now=self.now)

    def stored(self, name: str = "s") -> Schedule:
        (schedule,) = self.engine.schedules.get([name])
        assert schedule is not None, f"no schedule {name}"
        return schedule

    def firing(self, schedule: Schedule, *nominals: Instant, **fields: Any) -> Firing:
        """Return the firing that a scheduler would make of the schedule's next instant, or of those given."""
        instants = nominals or (schedule.next_fire or 0,)
        messages = [
            self.message(id=f"{schedule.id}-{instant}", schedule=schedule.name, nominal=instant) for instant in instants
        ]
        given: dict[str, Any] = {
            "schedule": schedule.name,
            "version": schedule.version,
            "expected": schedule.next_fire,
            "messages": tuple(messages),
            "next_fire": (schedule.next_fire or 0) + 60_000,
        }
        return Firing(**given | fields)

    def fire(self, *firings: Firing) -> list[Fate]:
        return self.engine.schedules.fire(firings, now=self.now)


def settlement(delivery: Delivery, outcome: Outcome, **fields: Any) -> Settlement:
    given: dict[str, Any] = {} if isinstance(outcome, Reported) else {"worker": f"{delivery.owner}@host"}
    return Settlement(
        id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, **given | fields
    )


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    return [delivery.message.id for delivery in deliveries]
