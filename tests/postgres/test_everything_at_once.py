"""Everything that can happen to messages that wait for others, at once and in many processes: whatever comes of it,
nothing is stranded, and nothing is left behind."""

from __future__ import annotations

import threading
from random import Random

import pytest
from msgspec import Raw
from msgspec.structs import replace
from postgres_words import claim, connect, message, register, settle, side_by_side, successes

from horarium.engines.postgres import PostgresEngine
from horarium.engines.records import Limit, MaintenancePolicy, Purge, Rank, Revoke
from horarium.message import Delivery, Gate, Join, Message, Signature, Slot, Unique
from horarium.outcome import Crashed, Failed, Released, Replaced, Retried, Settlement, Succeeded, told
from horarium.workflow.plan import Setting, plan

OOPS = told("TaskError", "oops")
POLICY = MaintenancePolicy(crash_delays=(0.0,))
SENDERS, WORKERS, BOSSES, ROUNDS = 2, 4, 2, 60


def canvas(random: Random, depth: int = 2) -> Signature:
    kind = random.choice(["task", "chain", "group", "chord"]) if depth else "task"
    if kind == "task":
        slot = Slot(key=f"k{random.randrange(3)}", size=random.choice([1, 2])) if random.random() < 0.3 else None
        return Signature(task=random.choice("abc"), options={} if slot is None else {"slot": slot})
    parts = tuple(canvas(random, depth - 1) for _ in range(random.randrange(1, 4)))
    body = Signature(task="body") if kind == "chord" else None
    return Signature(task=kind, kind=kind, tasks=parts, body=body)  # type: ignore[arg-type]


def unique(random: Random) -> Unique:
    until = random.choice(["start", "end"])
    return Unique(key=f"u{random.randrange(4)}", until=until, replaces=random.random() < 0.5)  # type: ignore[arg-type]


def outcome(engine: PostgresEngine, random: Random, delivery: Delivery) -> Settlement:
    """Let anything become of a delivery; mostly a success."""
    (settled,) = successes(engine, [delivery])
    sent, now, chance = delivery.message, engine.now(), random.random()
    if chance < 0.1:
        return replace(settled, outcome=Failed(error=OOPS))
    if chance < 0.14:
        return replace(settled, outcome=Retried(message=replace(sent, retries=1), error=OOPS))
    if chance < 0.16:
        return replace(settled, outcome=Crashed(error=OOPS))
    if chance < 0.18:
        return replace(settled, outcome=Released(reason="slow"))
    if chance < 0.21:
        before = message(now, joins=(Join(id=sent.id),))
        new = replace(sent, gate=Gate(size=1, gives="value"))
        return replace(settled, outcome=Replaced(message=new), follow_ups=(before,))
    settled = replace(settled, outcome=Succeeded(result=Raw(b"1")), joins=sent.joins)
    if chance < 0.28:
        return replace(settled, follow_ups=(message(now, unique=unique(random), task="b"),))
    return settled


class Scene:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._sent: list[str] = []
        self._sending = SENDERS
        self._lock = threading.Lock()  # guards _sending
        self.is_over = threading.Event()

    def play(self, engine: PostgresEngine, number: int) -> None:
        random = Random(self._seed * 100 + number)
        if number < SENDERS:
            for _ in range(ROUNDS):
                self.send(engine, random)
            with self._lock:
                self._sending -= 1
                if not self._sending:
                    self.is_over.set()
            return
        act = self.work if number < SENDERS + WORKERS else self.command
        while not self.is_over.is_set():
            act(engine, random, number)

    def send(self, engine: PostgresEngine, random: Random) -> None:
        now = engine.now()
        messages: tuple[Message, ...] = plan(canvas(random), Setting(name=f"w{random.random()}", now=now)).messages
        self._sent += [each.id for each in messages]
        engine.queue.put(messages, now=now)
        slot = random.choice([None, Slot(key="k1")])
        engine.queue.put([message(now, unique=unique(random), task="a", slot=slot) for _ in range(2)], now=now)

    def work(self, engine: PostgresEngine, random: Random, number: int) -> None:
        owner, now = f"o{number}", engine.now()
        register(engine, owner)
        limits = {"b": Limit(running=2), "c": Limit(rate=200.0, burst=5, bucket="c")} if number % 2 else None
        deliveries = engine.queue.claim(["default"], owner, random.randrange(1, 8), now=now, limits=limits)
        engine.queue.settle([outcome(engine, random, each) for each in deliveries], now=now, policy=POLICY)

    def command(self, engine: PostgresEngine, random: Random, number: int) -> None:
        now, chance = engine.now(), random.random()
        if chance < 0.02:
            engine.inspector.act(Purge(), now=now)
        elif chance < 0.5 and self._sent:
            ids = tuple(random.choice(self._sent[-200:]) for _ in range(3))
            act = Revoke(ids=ids) if chance < 0.3 else Rank(ids=ids, priority=random.randrange(10))
            engine.inspector.act(act, now=now)
        elif chance < 0.8:
            engine.queue.maintain(now=now, policy=POLICY)
        else:
            engine.results.forget(self._sent[: random.randrange(20)])


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_stranded_whatever_happens_at_once(engine: PostgresEngine, url: str, seed: int) -> None:
    side_by_side(url, SENDERS + WORKERS + BOSSES, Scene(seed).play)
    while engine.queue.maintain(now=engine.now(), policy=POLICY).more:
        pass
    engine.inspector.leave([f"o{number}" for number in range(SENDERS + WORKERS)], now=engine.now())
    while deliveries := claim(engine):
        done = [replace(each, outcome=Succeeded(result=Raw(b"1"))) for each in successes(engine, deliveries)]
        settle(engine, [replace(s, joins=d.message.joins) for s, d in zip(done, deliveries, strict=True)])
    assert engine.inspector.counts().queues == {}
    with connect(url) as connection:
        left = [
            connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("gates", "arrivals", "dooms")
        ]
    assert left == [(0,)] * 3
