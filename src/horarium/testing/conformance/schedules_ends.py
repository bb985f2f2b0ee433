"""All the ways in which a run of a schedule ends: what the questions about what schedules know of it share."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from horarium.engines.records import DeadOwner, Purge, Revoke
from horarium.message import Message
from horarium.outcome import (
    Crashed,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Retried,
    Revoked,
    State,
)
from horarium.schedules.record import Fate, Schedule
from horarium.testing.conformance.candidate import DONE, KILLED, LEASE, OOPS, POLICY, Candidate

FAIL = Failed(error=OOPS)
SETTLED: dict[str, Outcome] = {
    "success": DONE,
    "failure": FAIL,
    "rejected": Rejected(reason="no good"),
    "ignored": Ignored(),
    "revoked by its worker": Revoked(reason="by hand"),
    "expired at its worker": Expired(),
}
# Every way in which a run ends: its state, and what it adds to the failures in a row (None: they are over).
WAYS: dict[str, tuple[State, int | None]] = {
    "success": (State.SUCCESS, None),
    "success at the second attempt": (State.SUCCESS, None),
    "failure": (State.FAILURE, 1),
    "rejected": (State.REJECTED, 1),
    "ignored": (State.IGNORED, None),
    "revoked by its worker": (State.REVOKED, 0),
    "expired at its worker": (State.EXPIRED, 0),
    "revoked while it waits": (State.REVOKED, 0),
    "revoked while it waits for a retry": (State.REVOKED, 0),
    "purged": (State.REVOKED, 0),
    "purged while it waits for a retry": (State.REVOKED, 0),
    "expired at a claim": (State.EXPIRED, 0),
    "expired in maintenance": (State.EXPIRED, 0),
    "too many crashes": (State.DEAD, 1),
    "too many crashes, found in maintenance": (State.DEAD, 1),
    "at most once, its owner dead": (State.DEAD, 1),
    "at most once, its owner lapsed": (State.DEAD, 1),
    "marked and put back": (State.REVOKED, 0),
    "marked and its owner dead": (State.REVOKED, 0),
    "marked and its owner leaves": (State.REVOKED, 0),
}


class Watch(Candidate):
    """What the questions below have in common: a schedule, its runs and their ends."""

    def saved(self, name: str = "s") -> Schedule:
        (schedule,) = self.save(self.schedule(name))
        return schedule

    def fired(self, name: str = "s", **fields: object) -> Message:
        """Fire the schedule's next instant, whatever is active; return the message."""
        firing = self.firing(self.stored(name))
        message = replace(firing.messages[0], **fields)
        assert self.fire(replace(firing, messages=(message,))) == [Fate.SENT]
        return message

    def hold(self) -> Schedule:
        """Let the next firing wait for those that are active."""
        schedule = self.stored()
        assert self.fire(self.firing(schedule, overlap="queue_one")) == [Fate.HELD]
        return replace(schedule, held=True)

    def about_to_end(self, way: str) -> Message:
        once = way.startswith("at most once")
        return self.fired(at_most_once=once, expires=self.now + 10_000 if way.startswith("expired") else None)

    def end(self, way: str, id: str) -> None:
        """End a run, the only one that anybody could claim, in one of the WAYS."""
        act = self.engine.inspector.act
        match way:
            case "success at the second attempt":
                self.retry()
                self.later(60)
                self.settle(self.claim_one(), DONE)
            case (
                "revoked while it waits"
                | "revoked while it waits for a retry"
                | "purged"
                | ("purged while it waits for a retry")
            ):
                if way.endswith("retry"):
                    self.retry()
                act(Purge() if way.startswith("purged") else Revoke(ids=(id,)), now=self.now)
            case "expired at a claim":
                self.later(10)
                assert self.claim() == []
            case "expired in maintenance":
                self.later(10)
                assert self.maintain().expired == 1
            case "too many crashes":
                for _ in range(POLICY.crash_limit):
                    self.settle(self.claim_one(), Crashed(error=KILLED))
                    self.later(60)
            case "too many crashes, found in maintenance":
                for number in range(POLICY.crash_limit):
                    self.claim_one(f"a{number}")
                    self.maintain(DeadOwner(owner=f"a{number}", running=(id,), error=KILLED))
                    self.later(60)
            case "at most once, its owner dead":
                self.claim_one()
                self.maintain(DeadOwner(owner="a", running=(id,)))
            case "at most once, its owner lapsed":
                self.claim_one()
                self.later(LEASE)
                self.maintain()
            case "marked and put back" | "marked and its owner dead" | "marked and its owner leaves":
                delivery = self.claim_one()
                act(Revoke(ids=(id,), terminate=True), now=self.now)
                if way.endswith("put back"):
                    self.settle(delivery, Released(reason="stopping"))
                elif way.endswith("dead"):
                    self.maintain(DeadOwner(owner="a", running=(id,), error=KILLED))
                else:
                    self.engine.inspector.leave(["a"], now=self.now)
            case _:
                self.settle(self.claim_one(), SETTLED[way])

    def retry(self) -> None:
        delivery = self.claim_one()
        message = replace(delivery.message, retries=1, eta=self.now + 1000)
        self.settle(delivery, Retried(message=message, error=OOPS))

    def due(self) -> Sequence[Schedule]:
        return self.engine.schedules.due(self.now + 10**12, 10)
