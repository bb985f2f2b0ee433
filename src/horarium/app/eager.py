"""Runs a canvas here and now, by the same road as workers do: its messages are put into a store of its own in memory,
claimed, performed and settled, until nothing waits any more. Delays are not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from horarium.app import inline
from horarium.app.canvas import Canvas
from horarium.app.lineage import Answer
from horarium.app.mapping import chunks
from horarium.app.perform import perform
from horarium.app.result import EagerResult
from horarium.app.result_set import GroupResult
from horarium.app.sending import lay_out
from horarium.app.signature import Signature
from horarium.app.stamping import in_headers
from horarium.app.task import Task
from horarium.clock import FOREVER
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import NotRegistered
from horarium.message import Delivery, Message
from horarium.outcome import Outcome, Replaced, Reported, Retried, Settlement
from horarium.workflow.plan import Bundle, Leaf, Node

OWNER = "eager"
AT_ONCE = 100


def run_signature_inline(app: Any, signature: Signature) -> Answer:
    """Run a signature to its end and return what it came to. Raises: as sending does; NotRegistered for a task that is
    not defined here."""
    if isinstance(signature, chunks):
        signature = signature.group()
    if not isinstance(signature, Canvas):
        options = in_headers(signature.options)
        return inline.run_inline(app.tasks[signature.name], signature.args, signature.kwargs, options)
    workflow = lay_out(app, signature)
    engine = run_messages(app, workflow.messages)
    return _result_of(app, workflow.node, engine)


def run_messages(app: Any, messages: Sequence[Message]) -> MemoryEngine:
    """Run messages and all that they set off; return the store in which they ended."""
    engine = MemoryEngine(app.clock)
    engine.queue.put([_at_once(message) for message in messages], now=engine.now())
    engine.queue.renew([Member(owner=OWNER, kind="child", name=OWNER)], now=engine.now(), lease=FOREVER)
    while True:
        queues = list(engine.inspector.counts().queues)
        deliveries = engine.queue.claim(queues, OWNER, AT_ONCE, now=engine.now())
        if not deliveries:
            return engine
        for delivery in deliveries:
            _run(app, engine, delivery)


def _run(app: Any, engine: MemoryEngine, delivery: Delivery) -> None:
    task = app.known_task(delivery.message.task)
    if not isinstance(task, Task):
        raise NotRegistered(delivery.message.task, None)

    def settle(outcome: Outcome, **facts: Any) -> None:
        settlement = Settlement(
            id=delivery.message.id, owner=OWNER, fence=delivery.fence, outcome=outcome, worker=OWNER, **facts
        )
        engine.queue.settle([settlement], now=engine.now(), policy=MaintenancePolicy())

    def report(reported: Reported) -> None:
        settle(reported)

    done = perform(task, delivery, clock=app.clock, worker=OWNER, report=report, is_eager=True)
    settles: Outcome = done.settles
    if isinstance(settles, Retried | Replaced):
        settles = replace(settles, message=_at_once(settles.message))
    settle(
        settles,
        started=done.started,
        ended=done.ended,
        follow_ups=tuple(map(_at_once, done.follow_ups)),
        joins=done.joins,
        value=done.value,
        widens=done.widens,
    )


def _at_once(message: Message) -> Message:
    gate = replace(message.gate, countdown=0.0) if message.gate is not None else None
    return replace(message, eta=None, gate=gate)


def _result_of(app: Any, node: Node, engine: MemoryEngine) -> Answer:
    parent: Answer | None = None
    line: list[Node] = [node]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    for here in reversed(line):
        match here:
            case Leaf(id=id):
                [run] = engine.results.read([id])
                assert run is not None  # it was put
                result: Answer = EagerResult(run, app=app)
                result.parent = parent
            case Bundle(id=id, members=members):
                inner = [_result_of(app, replace(member, parent=None), engine) for member in members]
                result = GroupResult(id, inner, app=app, parent=parent)
        parent = result
    assert parent is not None  # there is at least the node itself
    return parent
