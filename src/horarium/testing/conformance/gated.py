"""What the questions about gates have in common: a body that waits for a header, and canvases in short words."""

from __future__ import annotations

from msgspec import Raw, json

from horarium.message import Delivery, Gate, Join, Message, Signature
from horarium.outcome import (
    Failed,
    Succeeded,
    Verdict,
)
from horarium.testing.conformance.candidate import OOPS, Candidate
from horarium.workflow.plan import Setting, plan

BODY_LINK = Signature(task="on_error_of_the_body")


def task(name: str, *args: object) -> Signature:
    return Signature(task=name, args=Raw(json.encode(args)))


def chain(*steps: Signature) -> Signature:
    return Signature(task="chain", kind="chain", tasks=steps)


def group(*members: Signature) -> Signature:
    return Signature(task="group", kind="group", tasks=members)


class Gates(Candidate):
    """What the questions below have in common: a body that waits for a header."""

    def body(self, size: int | None = 2, **fields: object) -> Message:
        gate = fields.pop("gate", Gate(size=size))
        return self.message(id="body", task="body", gate=gate, **fields)

    def header(self, count: int = 2, body: str = "body") -> list[Message]:
        return [self.message(id=f"h{i}", joins=(Join(id=body, place=i),)) for i in range(count)]

    def chord(self, size: int = 2, **fields: object) -> None:
        assert self.put(self.body(size, **fields), *self.header(size)) == [True] * (size + 1)

    def succeed(self, delivery: Delivery, value: str = "1", **fields: object) -> Verdict:
        return self.settle(
            delivery, Succeeded(result=Raw(value.encode())), joins=delivery.message.joins, started=self.now,
            ended=self.now, **fields,
        )  # fmt: skip

    def deliveries(self, count: int = 100) -> dict[str, Delivery]:
        return {delivery.message.id: delivery for delivery in self.claim("a", count)}

    def args(self, delivery: Delivery) -> object:
        return json.decode(delivery.message.args)

    def send(self, signature: Signature) -> None:
        self.put(*plan(signature, Setting(name="w", now=self.now)).messages)

    def work_off(self, failing: str = "", limit: int = 100) -> list[tuple[str, object]]:
        """Run all that can be run: a task returns its name, or fails; return tasks and arguments."""
        done: list[tuple[str, object]] = []
        while deliveries := self.claim("a", limit):
            for delivery in deliveries:
                done.append((delivery.message.task, self.args(delivery)))
                if delivery.message.task == failing:
                    self.settle(delivery, Failed(error=OOPS))
                else:
                    self.succeed(delivery, json.encode(delivery.message.task).decode())
        return done

    def state(self, id: str) -> str:
        return self.run(id).state
