"""Plans, gates and follow-ups as pure functions: any nesting of chain, group and chord."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from horarium.message import Gate, Message, Signature
from horarium.outcome import ErrorRecord, Expired, Failed, Ignored, Revoked, State, Succeeded
from horarium.workflow.follow import follow_ups
from horarium.workflow.gates import Doom, doomed, released
from horarium.workflow.plan import ACCUMULATE, Bundle, Leaf, Setting, plan, prepend

NOW = 1_000
BYTES_A_TASK = 700


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def task(name: str = "t", *args: Any, **fields: Any) -> Signature:
    return Signature(task=name, args=raw(list(args)), **fields)


def chain(*tasks: Signature) -> Signature:
    return Signature(task="celery.chain", kind="chain", tasks=tasks)


def group(*tasks: Signature) -> Signature:
    return Signature(task="celery.group", kind="group", tasks=tasks)


def chord(header: list[Signature], body: Signature) -> Signature:
    return Signature(task="celery.chord", kind="chord", tasks=tuple(header), body=body)


def run_all(messages: tuple[Message, ...]) -> tuple[dict[str, Any], Counter[str]]:
    """Carry out messages as an engine would, in the order of the plan, whoever is free first; each task's value is its
    name with its arguments. Return the values by id, and how often each ran."""
    waiting = {message.id: message for message in messages}
    arrived: dict[str, dict[str, tuple[int, Raw]]] = {message.id: {} for message in messages}
    ready = [message for message in messages if message.gate is None]
    values: dict[str, Any] = {}
    ran: Counter[str] = Counter()
    while ready:
        message = ready.pop()
        ran[message.id] += 1
        args = json.loads(bytes(message.args))
        value = args[0] if message.task == ACCUMULATE else [message.task, args]
        values[message.id] = value
        for join in message.joins:
            arrived[join.id][message.id] = (join.place or 0, raw(value))
            target = waiting[join.id]
            assert target.gate is not None
            if len(arrived[join.id]) == target.gate.size:
                placed = sorted(arrived[join.id].values(), key=lambda pair: pair[0])
                ready.append(released(target, [each for _, each in placed], now=NOW))
    return values, ran


def value_by_rule(signature: Signature, given: list[Any]) -> Any:
    """Say by Celery's rules what a signature comes to when these values are put in front. Lists of groups included."""
    match signature.kind:
        case "chain":
            for step in signature.tasks:
                given = [value_by_rule(step, given)]
            return given[0] if given else []
        case "group":
            return [value_by_rule(member, given) for member in flat(signature.tasks)]
        case "chord":
            header = [value_by_rule(member, given) for member in flat(signature.tasks)]
            assert signature.body is not None
            return value_by_rule(signature.body, [header])
        case _:
            args = json.loads(bytes(signature.args))
            return [signature.task, args if signature.immutable else [*given, *args]]


def flat(tasks: tuple[Signature, ...]) -> list[Signature]:
    found: list[Signature] = []
    for each in tasks:
        found += flat(each.tasks) if each.kind == "group" else [each]
    return found


def number_of_tasks(signature: Signature) -> int:
    inner = sum(number_of_tasks(each) for each in signature.tasks)
    return inner + (number_of_tasks(signature.body) if signature.body is not None else 0) + (signature.kind == "task")


leaves = st.builds(task, st.sampled_from(["a", "b", "c"]), st.integers(0, 9), immutable=st.booleans())
signatures = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: chain(*parts)),
        st.lists(inner, min_size=1, max_size=4).map(lambda parts: group(*parts)),
        st.tuples(st.lists(inner, min_size=0, max_size=4), inner).map(lambda pair: chord(*pair)),
    ),
    max_leaves=25,
)


@given(signatures)
@settings(max_examples=300, deadline=None)
def test_every_task_runs_exactly_once_and_its_value_arrives_by_the_rules(signature: Signature) -> None:
    laid = plan(signature, Setting(name="w", now=NOW))
    values, ran = run_all(laid.messages)
    assert set(ran.values()) == {1}
    assert len(ran) == len(laid.messages)
    own = [message for message in laid.messages if message.task != ACCUMULATE]
    assert len(own) == number_of_tasks(signature)
    assert value_at(laid.node, values) == value_by_rule(signature, [])


def value_at(node: Leaf | Bundle, values: dict[str, Any]) -> Any:
    if isinstance(node, Leaf):
        return values[node.id]
    return [value_at(member, values) for member in node.members]


@given(signatures)
@settings(max_examples=200, deadline=None)
def test_no_id_is_given_twice_and_the_same_signature_has_the_same_ids(signature: Signature) -> None:
    first, second = (plan(signature, Setting(name="w", now=NOW)) for _ in range(2))
    assert [message.id for message in first.messages] == [message.id for message in second.messages]
    assert len({message.id for message in first.messages}) == len(first.messages)
    other = plan(signature, Setting(name="v", now=NOW))
    assert not {message.id for message in first.messages} & {message.id for message in other.messages}


@given(signatures)
@settings(max_examples=200, deadline=None)
def test_whoever_waits_stands_before_those_that_it_waits_for(signature: Signature) -> None:
    messages = plan(signature, Setting(name="w", now=NOW)).messages
    position = {message.id: index for index, message in enumerate(messages)}
    sizes: Counter[str] = Counter()
    for message in messages:
        for join in message.joins:
            assert position[join.id] < position[message.id]
            sizes[join.id] += 1
    assert dict(sizes) == {m.id: m.gate.size for m in messages if m.gate is not None}


@given(signatures)
@settings(max_examples=200, deadline=None)
def test_bytes_are_linear_in_the_number_of_tasks(signature: Signature) -> None:
    messages = plan(signature, Setting(name="w", now=NOW)).messages
    edges = sum(len(message.joins) for message in messages)
    assert edges <= 2 * len(messages) + number_of_tasks(signature)
    assert len(msgspec.json.encode(messages)) <= BYTES_A_TASK * (len(messages) + edges)


def test_a_chain_of_a_thousand_and_six_chords_of_ten_take_linear_bytes() -> None:
    long = plan(chain(*[task() for _ in range(1000)]), Setting(name="w", now=NOW))
    assert len(msgspec.json.encode(long.messages)) < 1000 * BYTES_A_TASK
    deep: Signature = task()
    for _ in range(6):
        deep = chord([deep, *[task() for _ in range(9)]], task())
    laid = plan(deep, Setting(name="w", now=NOW))
    assert len(laid.messages) == 61
    assert len(msgspec.json.encode(laid.messages)) < 61 * BYTES_A_TASK


def test_groups_after_groups_have_no_product_of_edges() -> None:
    laid = plan(chain(*[group(*[task() for _ in range(50)]) for _ in range(3)]), Setting(name="w", now=NOW))
    assert sum(len(message.joins) for message in laid.messages) == 200


@given(signatures)
@settings(max_examples=200, deadline=None)
def test_a_workflow_in_the_place_of_a_message_ends_under_its_id(signature: Signature) -> None:
    from horarium.message import Join

    last = Message(
        id="last", task="x", created=0, joins=(Join(id="body", place=3),), group="g", group_index=3, links=(task("l"),)
    )
    laid = plan(signature, Setting(name="w", now=NOW, root="r"), last=last)
    [end] = [message for message in laid.messages if message.id == "last"]
    assert (end.joins, end.group, end.group_index) == (last.joins, "g", 3)
    assert task("l") in end.links
    others = tuple(message for message in laid.messages if message.id != "last")
    assert all(join.id != "body" for message in others for join in message.joins)
    body = Message(id="body", task="body", created=0, gate=Gate(size=1))
    values, ran = run_all((*laid.messages, body))
    assert set(ran.values()) == {1}
    assert values["last"] == value_by_rule(signature, [])


def failed(text: str = "no") -> Failed:
    return Failed(error=ErrorRecord(class_path="shop.WrongAmount", text=text))


def test_a_value_is_put_in_front_of_the_arguments() -> None:
    assert bytes(prepend(raw(1), raw([]))) == b"[1]"
    assert bytes(prepend(raw(1), raw([2, 3]))) == b"[1,2, 3]"


def test_a_released_message_counts_its_times_from_its_release() -> None:
    gate = Gate(size=1, gives="value", countdown=5.0, expires_in=9.0)
    message = Message(id="m", task="t", created=0, eta=500, gate=gate, args=raw([2]))
    free = released(message, [raw(1)], now=NOW)
    assert (free.eta, free.expires, free.gate, json.loads(bytes(free.args))) == (6000, 10_000, None, [1, 2])


def test_a_released_message_is_not_due_before_its_eta() -> None:
    message = Message(id="m", task="t", created=0, eta=9000, gate=Gate(size=1, countdown=5.0))
    assert released(message, [], now=NOW).eta == 9000


def test_the_next_step_of_a_chain_shares_the_end_of_the_one_before() -> None:
    message = Message(id="m", task="t", created=0, gate=Gate(size=1, is_link=True), error_links=(task("e"),))
    error = ErrorRecord(class_path="shop.WrongAmount", text="no")
    for state, kind in [
        (State.FAILURE, Failed),
        (State.DEAD, Failed),
        (State.REJECTED, Failed),
        (State.REVOKED, Revoked),
        (State.EXPIRED, Expired),
        (State.IGNORED, Ignored),
    ]:
        outcome, sent = doomed(message, Doom(id="x", state=state, error=error), now=NOW)
        assert isinstance(outcome, kind)
        assert sent == ()


def test_a_body_ends_as_a_chord_error_and_calls_its_errbacks_with_its_own_id() -> None:
    message = Message(id="body", task="t", created=0, gate=Gate(size=2), error_links=(task("e"),))
    error = ErrorRecord(class_path="shop.WrongAmount", text="no")
    outcome, sent = doomed(message, Doom(id="x", state=State.FAILURE, error=error), now=NOW)
    assert isinstance(outcome, Failed)
    assert outcome.error.text == "Dependency x raised WrongAmount('no')"
    assert [json.loads(bytes(each.args)) for each in sent] == [["body"]]


def test_a_success_sets_off_its_links_and_any_other_end_its_error_links() -> None:
    message = Message(id="m", task="t", created=0, links=(task("l", 2),), error_links=(task("e", immutable=True),))
    [link] = follow_ups(message, Succeeded(result=raw(1)), now=NOW)
    assert (link.task, json.loads(bytes(link.args)), link.parent, link.root) == ("l", [1, 2], "m", "m")
    [errback] = follow_ups(message, failed(), now=NOW)
    assert (errback.task, json.loads(bytes(errback.args))) == ("e", [])
    assert follow_ups(message, Revoked(reason=""), now=NOW) == ()
    assert follow_ups(message, Ignored(), now=NOW) == ()


@given(signatures)
@settings(max_examples=100, deadline=None)
def test_a_link_that_is_a_canvas_is_sent_once_however_often_it_is_worked_out(signature: Signature) -> None:
    message = Message(id="m", task="t", created=0, links=(signature,))
    first, second = (follow_ups(message, Succeeded(result=raw(1)), now=NOW) for _ in range(2))
    assert first == second
    assert len({each.id for each in first}) == len(first)
    _, ran = run_all(first)
    assert set(ran.values()) == {1}
