"""Nothing is left over: keys grow with what is kept, not with time, restarts or the names that were ever used."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace
from redis_words import NOW, POLICY, Open, claim, done, fire, firing, hire, message, put, run_of, saved, stored

from horarium.engines.records import Limit, Note, Purge
from horarium.engines.redis import RedisEngine
from horarium.message import Gate, Join, Slot, Unique
from horarium.outcome import Ignored, Reported, Retried, Settlement, State, told
from servers import RedisServer

K = "{horarium}:"
MUCH_LATER = NOW + 8 * 86_400_000


def keys(server: RedisServer) -> set[str]:
    """The keys of the store, but for the counter of turns, which is one for ever."""
    return {line.removeprefix(K) for line in server.ask("KEYS", "*").decode().split("\r\n") if K in line} - {"turn"}


def test_a_store_whose_runs_are_forgotten_and_whose_owners_are_gone_is_empty(
    server: RedisServer, engine: RedisEngine
) -> None:
    hire(engine)
    plain, failed, retried = (message(queue=name, task=name, schedule=name, expires=NOW + 9) for name in "abc")
    waits, expires = message(queue="d"), message(queue="e", expires=NOW)
    put(engine, plain, failed, retried, waits, expires)
    claimed = engine.queue.claim(["a", "b", "c"], "a", 9, now=NOW)
    told_of = [
        done(claimed[0]),
        settlement(claimed[1].message.id, Ignored()),
        settlement(claimed[2].message.id, Retried(message=message(id=retried.id, queue="f", parent="p"), error=OOPS)),
    ]
    engine.queue.settle(told_of, now=NOW, policy=POLICY)
    engine.queue.maintain(now=NOW, policy=POLICY)
    engine.inspector.act(Purge(), now=NOW)
    assert {run_of(engine, each.id).state for each in (plain, failed, retried, waits, expires)} == {
        State.SUCCESS,
        State.IGNORED,
        State.REVOKED,
        State.EXPIRED,
    }
    engine.inspector.leave(["a"], now=NOW)
    engine.queue.maintain(now=MUCH_LATER, policy=POLICY)
    assert keys(server) == set()


def test_gates_slots_unique_keys_and_rates_leave_nothing(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    slot, unique = Slot(key="k"), Unique(key="u")
    body = message(gate=Gate(size=2), unique=Unique(key="body", replaces=True))
    next_one = message(gate=Gate(size=1, is_link=True), joins=(Join(id="nobody"),))
    header = [message(task=f"h{n}", joins=(Join(id=body.id, place=n),), slot=slot, unique=unique) for n in range(2)]
    failing = message(joins=(Join(id=next_one.id),))
    put(engine, body, next_one, *header, replace(header[1], unique=None), failing)
    put(engine, replace(body, id="newer"))
    engine.notes.post([Note(key="n", text=Raw(b"1"), expires=NOW + 9)], now=NOW)
    limits = {"h0": Limit(running=5, rate=1.0, burst=2, bucket="b"), "t": Limit(rate=0.5, bucket="c")}
    while claimed := claim(engine, limits=limits):
        told_of = [done(each, joins=each.message.joins) for each in claimed if each.message.id != failing.id]
        told_of += [settlement(failing.id, Ignored()) for each in claimed if each.message.id == failing.id]
        engine.queue.settle(told_of, now=NOW, policy=POLICY)
    engine.inspector.act(Purge(), now=NOW)
    assert run_of(engine, next_one.id).state == State.IGNORED
    engine.inspector.leave(["a"], now=NOW)
    engine.queue.maintain(now=MUCH_LATER, policy=POLICY)
    assert keys(server) == set()


def test_a_schedule_that_has_fired_and_is_deleted_leaves_nothing(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    for number, overlap in enumerate(("allow", "skip", "queue_one", "replace_queued", "cancel_previous")):
        now = stored(engine) if number else saved(engine)
        fire(engine, firing(now, overlap=overlap))
    claimed = claim(engine)
    engine.schedules.delete(["s"])
    engine.queue.settle([done(each) for each in claimed], now=NOW, policy=POLICY)
    engine.inspector.leave(["a"], now=NOW)
    engine.queue.maintain(now=MUCH_LATER, policy=POLICY)
    left = {key.partition(":")[0] for key in keys(server)}
    assert left - {"n"} == {"said"}  # counts by state, of which there are few; and what goes away by itself


def test_a_state_of_a_tasks_own_is_counted_no_longer_than_a_run_is_in_it(
    server: RedisServer, engine: RedisEngine
) -> None:
    hire(engine)
    sent = message()
    put(engine, sent)
    claim(engine)
    for percent in range(5):
        engine.queue.settle([settlement(sent.id, Reported(state=f"{percent} %"))], now=NOW, policy=POLICY)
    assert server.ask("HLEN", f"{K}n") == b":1\r\n"


def test_an_owner_given_up_that_settled_the_last_it_held_is_no_chore_any_more(
    server: RedisServer, engine: RedisEngine
) -> None:
    hire(engine)
    put(engine, message())
    (delivery,) = claim(engine)
    engine.queue._store.call("give_up", [NOW, "named", "a"])  # between this and taking back, it settles
    engine.queue.settle([done(delivery)], now=NOW, policy=POLICY)
    engine.queue.maintain(now=NOW, policy=POLICY)
    assert "owing" not in keys(server)


def test_ears_of_processes_that_are_gone_go_away(server: RedisServer, engine: RedisEngine, open_engine: Open) -> None:
    hire(engine)
    for number in range(3):
        gone = open_engine()
        listener = gone.notifier.listen(["queue:default"])
        assert not claim(gone, tasks=(f"of release {number}",))
        listener.close()
    ears = [key for key in keys(server) if key.startswith("ear:")]
    assert len(ears) == 3
    assert all(0 < int(server.ask("TTL", K + ear)[1:]) <= 600 for ear in ears)
    server.ask("DEL", *(K + ear for ear in ears))  # their time is up
    put(engine, message(task="of no release"))
    assert not [key for key in keys(server) if key.startswith("ear")]


OOPS = told("TaskError", "oops")


def settlement(id: str, outcome: Ignored | Retried | Reported) -> Settlement:
    return Settlement(id=id, owner="a", fence=1, outcome=outcome)
