"""From Celery's messages to ours and back, with plain values."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from bridge_words import NOW, celery_envelope, celery_headers, celery_signature, embed, place
from hypothesis import given as given_by
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from horarium import codec
from horarium.bridge.envelope import Envelope, Refusal
from horarium.bridge.incoming import message_from
from horarium.bridge.outgoing import envelope_of, handed_over, home_queue, is_handed_over
from horarium.bridge.priorities import from_rabbitmq, from_redis, to_rabbitmq, to_redis
from horarium.bridge.values import raw_from_celery, raw_to_celery
from horarium.clock import to_instant
from horarium.errors import EncodingError
from horarium.message import Message, Signature
from horarium.outcome import Succeeded
from horarium.workflow.follow import follow_ups


def taken(envelope: Envelope) -> Message:
    return message_from(envelope, queue="celery", ranked=from_redis, placed=place, now=NOW)


def given(message: Message, *, keeps_result: bool = True) -> Envelope:
    there = {"legacy": "celery"}
    return envelope_of(message, ranked=to_redis, queue_there=there.get, keeps_result=keeps_result)


def body_of(envelope: Envelope) -> Any:
    return json.loads(envelope.body)


def test_a_message_of_celerys_becomes_one_of_ours_with_its_own_id() -> None:
    message = taken(
        celery_envelope(
            (1, "two"),
            {"three": 3},
            priority=9,
            eta="2026-01-01T01:00:00+01:00",
            expires="2026-01-02T00:00:00",
            retries=2,
            timelimit=[300, 270],
            root_id="root",
            parent_id="parent",
            ignore_result=True,
            tenant="acme",
        )
    )
    assert (message.id, message.task, message.queue, message.created) == ("id-1", "shop.add", "celery", NOW)
    assert (codec.decode(message.args), codec.decode(message.kwargs)) == ([1, "two"], {"three": 3})
    assert (message.eta, message.expires) == (NOW, NOW + 86_400_000)  # a moment without an offset is UTC
    assert (message.retries, message.time_limit, message.soft_time_limit) == (2, 300, 270)
    assert (message.root, message.parent, message.ignore_result) == ("root", "parent", True)
    assert message.headers == {"tenant": "acme"}
    assert (message.priority, message.origin) == (0, "gen1@old")


def test_a_message_that_is_its_own_root_has_none_here() -> None:
    assert taken(celery_envelope()).root is None


def test_what_only_celery_has_a_word_for_is_kept_and_finds_its_way_back() -> None:
    kept = {"group": "g-1", "group_index": 0, "shadow": "nick", "stamped_headers": ["job"], "stamps": {"job": ["7"]}}
    message = taken(celery_envelope(**kept))
    assert message.headers["celery"] == kept
    headers = given(message).headers
    assert {name: headers[name] for name in kept} == kept
    assert "celery" not in headers


def test_a_round_trip_changes_nothing_that_both_sides_can_say() -> None:
    there = celery_envelope((1, [2, {"a": None}]), {"k": 1.5}, retries=1, timelimit=[9, 8], parent_id="p", tenant="x")
    back = given(taken(there))
    assert body_of(back) == body_of(there)
    changed = {"argsrepr", "kwargsrepr"}
    assert {k: v for k, v in back.headers.items() if k not in changed} == {
        k: v for k, v in there.headers.items() if k not in changed
    }
    assert back.correlation_id == "id-1"


VALUES = [
    (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), {"__type__": "datetime", "__value__": "2026-01-02T03:04:00+00:00"}),
    (datetime(2026, 1, 2), {"__type__": "datetime", "__value__": "2026-01-02T00:00:00"}),
    (date(2026, 1, 2), {"__type__": "date", "__value__": "2026-01-02"}),
    (time(3, 4), {"__type__": "time", "__value__": "03:04:00"}),
    (Decimal("1.10"), {"__type__": "decimal", "__value__": "1.10"}),
    (UUID(int=7), {"__type__": "uuid", "__value__": {"hex": UUID(int=7).hex}}),
    (b"\xff\x00", {"__type__": "base64", "__value__": "/wA="}),
    ({"nested": [date(2026, 1, 2)]}, {"nested": [{"__type__": "date", "__value__": "2026-01-02"}]}),
]


@pytest.mark.parametrize(("ours", "theirs"), VALUES)
def test_values_that_json_cannot_say_are_said_in_each_sides_own_way(ours: Any, theirs: Any) -> None:
    assert codec.decode(raw_from_celery(theirs, "args")) == ours
    assert raw_to_celery(Raw(codec.encode(ours)), "args") == theirs


def test_text_bytes_of_kombus_are_read_too() -> None:
    assert codec.decode(raw_from_celery({"__type__": "bytes", "__value__": "é"}, "args")) == "é".encode()


def test_a_tuple_becomes_a_list_as_ever_in_celery() -> None:
    assert raw_to_celery(Raw(codec.encode([(1, 2)])), "args") == [[1, 2]]


@pytest.mark.parametrize("value", [{1}, frozenset({1}), timedelta(1), {"__type__": "date", "__value__": "x"}])
def test_what_celerys_json_cannot_say_is_an_error_with_the_place(value: Any) -> None:
    with pytest.raises(EncodingError, match=r"args\[0\]"):
        raw_to_celery(Raw(codec.encode([value])), "args")


# Each of these is set aside with a reason that says what was expected.
BAD = {
    "content type application/json": replace(celery_envelope(), content_type="application/x-python-serialize"),
    "got none": replace(celery_envelope(), content_type=""),
    "task_protocol = 2": replace(celery_envelope(), headers={}),
    "a body in JSON": replace(celery_envelope(), body=b"\x80\x04."),
    "args, kwargs, embed": replace(celery_envelope(), body=b'{"task": "shop.add"}'),
    "NaN is no number": replace(celery_envelope(), body=b"[[NaN], {}, {}]"),
    "at most 100 levels": replace(celery_envelope(), body=b"[" + b"[" * 150 + b"]" * 150 + b", {}, {}]"),
    "a type that is known": celery_envelope([{"__type__": "model", "__value__": 1}]),
    "to be a date": celery_envelope([{"__type__": "date", "__value__": "yesterday"}]),
    "the name of a task": celery_envelope(task=""),
    "a text of up to 200 bytes": celery_envelope(id="x" * 201),
    "id to be a text": celery_envelope(id="a\0b"),
    "Celery's own": celery_envelope(task="celery.backend_cleanup"),
    "a moment in ISO 8601": celery_envelope(eta="soon"),
    "retries to be a number": celery_envelope(retries="many"),
    "timelimit to be": celery_envelope(timelimit=5),
    "not a member of a chord": celery_envelope(embedded={"chord": celery_signature("shop.total")}),
    "a callback that is one task": celery_envelope(
        embedded={"callbacks": [{"task": "celery.group", "subtask_type": "group"}]}
    ),
    "a signature with the name": celery_envelope(embedded={"errbacks": [{"args": []}]}),
    "the rest of a chain": celery_envelope(embedded={"chain": [celery_signature("shop.add")] * 61}),
    "as part of a chord": celery_envelope(embedded={"callbacks": [celery_signature("shop.add", chord={"task": "x"})]}),
}


@pytest.mark.parametrize(("reason", "envelope"), BAD.items(), ids=list(BAD))
def test_what_cannot_cross_is_refused_with_what_was_expected(reason: str, envelope: Envelope) -> None:
    with pytest.raises(Refusal, match="expected") as refusal:
        taken(envelope)
    assert reason in str(refusal.value)


def test_callbacks_become_links_and_errbacks_error_links() -> None:
    callbacks = [
        celery_signature("shop.mail", "to", countdown=5, task_id="next"),
        celery_signature("x.y", immutable=True),
    ]
    errbacks = [celery_signature("shop.oops", queue="urgent", priority=9, expires=60)]
    message = taken(celery_envelope(embedded={"callbacks": callbacks, "errbacks": errbacks}))
    first, second = message.links
    assert (first.task, codec.decode(first.args), first.immutable, second.immutable) == (
        "shop.mail",
        ["to"],
        False,
        True,
    )
    assert first.options == {"queue": "mail", "priority": 5, "countdown": 5, "task_id": "next"}
    (error,) = message.error_links
    assert error.options == {"queue": "urgent", "priority": 0, "expires_in": 60}


def test_a_chain_goes_on_step_by_step_in_its_order() -> None:
    """Celery keeps the rest of a chain in reverse."""
    rest = [celery_signature("c", task_id="3"), celery_signature("b", 10, task_id="2")]
    message = taken(celery_envelope(embedded={"chain": rest}))
    (second,) = follow_ups(message, Succeeded(result=Raw(b"5")), now=NOW)
    assert (second.id, second.task, codec.decode(second.args)) == ("2", "b", [5, 10])
    (third,) = follow_ups(second, Succeeded(result=Raw(b"15")), now=NOW)
    assert (third.id, third.task, codec.decode(third.args), third.links) == ("3", "c", [15], ())


def test_a_chain_of_the_longest_length_can_be_stored() -> None:
    message = taken(celery_envelope(embedded={"chain": [celery_signature("shop.add", 1)] * 60}))
    (link,) = message.links
    assert link.task == "shop.add"


def test_links_go_along_only_where_celery_is_to_send_them() -> None:
    link = Signature(task="a", options={"queue": "legacy", "priority": 2}, links=(Signature(task="b"),))
    message = Message(id="1", task="x", created=NOW, links=(link,), error_links=(Signature(task="e", immutable=True),))
    assert body_of(given(message))[2] == embed()
    sent = body_of(given(message, keeps_result=False))[2]
    (callback,), (errback,) = sent["callbacks"], sent["errbacks"]
    assert callback["options"]["queue"] == "celery"
    assert callback["options"]["priority"] == 6
    assert callback["options"]["link"][0]["task"] == "b"
    assert "queue" not in callback["options"]["link"][0]["options"]  # ours; Celery's own routes decide there
    assert errback["immutable"] is True


def test_signatures_survive_the_way_there_and_back() -> None:
    there = celery_signature("shop.mail", 1, queue="legacy", countdown=3, link=[celery_signature("b", queue="legacy")])
    message = taken(celery_envelope(embedded={"callbacks": [there]}))
    (back,) = body_of(envelope_of(message, ranked=to_redis, queue_there=lambda queue: queue, keeps_result=False))[2][
        "callbacks"
    ]
    assert (back["task"], back["args"], back["options"]["countdown"]) == ("shop.mail", [1], 3)
    assert back["options"]["link"][0]["options"]["queue"] == "legacy"


def test_celery_is_told_to_keep_a_result_that_the_bridge_waits_for() -> None:
    message = Message(id="1", task="x", created=NOW, ignore_result=True)
    assert given(message).headers["ignore_result"] is False
    assert given(message, keeps_result=False).headers["ignore_result"] is True


def test_an_eta_was_waited_for_here_and_an_expiry_goes_along() -> None:
    message = Message(id="1", task="x", created=NOW, eta=NOW, expires=NOW + 1000)
    headers = given(message).headers
    assert headers["eta"] is None
    assert to_instant(datetime.fromisoformat(headers["expires"])) == NOW + 1000


def test_a_message_that_waits_for_its_result_says_so_and_only_of_itself() -> None:
    waits = handed_over(Message(id="1", task="x", queue="heavy", created=NOW, expires=NOW), now=NOW, look=NOW + 200)
    assert (waits.queue, waits.eta, waits.expires, home_queue(waits)) == ("heavy.handed-over", NOW + 200, None, "heavy")
    assert is_handed_over(waits)
    assert not is_handed_over(replace(waits, id="2"))  # made anew from it, to be run again
    assert "handed_over" not in given(waits).headers


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)  # no store holds NUL
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given_by(st.lists(JSON_VALUES, max_size=3), st.dictionaries(TEXT, JSON_VALUES, max_size=3))
def test_any_json_comes_back_from_a_round_trip_as_it_was(args: list[Any], kwargs: dict[str, Any]) -> None:
    back = body_of(given(taken(celery_envelope(args, kwargs))))
    assert (back[0], back[1]) == (args, kwargs)


@given_by(st.sampled_from(sorted(celery_headers())), JSON_VALUES)
def test_any_value_of_a_header_crosses_or_is_refused(name: str, value: Any) -> None:
    """Nothing else is raised, whatever a header holds."""
    with suppress(Refusal):
        assert given(taken(celery_envelope(**{name: value}))).headers["task"]


# PR1: Celery's two directions. What is not said there is what is not said here.
@pytest.mark.parametrize(
    ("inwards", "unsaid", "first", "last"),
    [(from_redis, 0, 0, 9), (from_rabbitmq, 0, 9, 0)],
)
def test_a_priority_that_is_not_said_is_ours_and_first_stays_first(
    inwards: Any, unsaid: int, first: int, last: int
) -> None:
    assert inwards(None) == inwards(unsaid) == 5
    assert inwards(first) >= inwards(last)
    ordered = [inwards(each) for each in range(first, last, 1 if first < last else -1)]
    assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize(("outwards", "sign"), [(to_redis, 1), (to_rabbitmq, -1)])
def test_our_order_is_kept_on_the_way_out(outwards: Any, sign: int) -> None:
    ordered = [sign * outwards(each) for each in range(9, -1, -1)]
    assert ordered == sorted(ordered)
    assert outwards(5) == outwards(None) == 0


def test_a_priority_beyond_ours_is_the_nearest() -> None:
    assert (from_rabbitmq(255), from_redis(255), from_redis(-1)) == (9, 0, 5)


def test_headers_that_json_cannot_say_travel_as_text() -> None:
    envelope = replace(celery_envelope(), headers={**celery_headers(), "when": datetime(2026, 1, 2), "n": 1})
    assert taken(envelope).headers == {"when": "2026-01-02 00:00:00", "n": 1}
