"""Of what is large only a part is shown, and that part was looked through whole; what is too large for that is told by
its size alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium import Horarium
from horarium.message import Gate, Message, Signature, Unique
from horarium.observe.contents import Contents
from horarium.observe.redacted import (
    IN_LISTS,
    LIMIT,
    LOOKED_THROUGH,
    LOOKED_THROUGH_IN_LISTS,
    cuts_of,
    shown_call,
    shown_message,
    shown_run,
)
from horarium.outcome import Run, State
from horarium.redaction import MASK

PIN = "4711"  # too short to be looked for in texts
CANARY = "canary-7f3a-sings"


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def run_with(args: list[Any], result: Any = None, **of_message: Any) -> Run:
    message = Message(id="r", task="pay", created=0, args=raw(args), **of_message)
    return Run(message=message, state=State.SUCCESS, changed=0, result=None if result is None else raw(result))


@pytest.fixture
def app(app: Horarium) -> Horarium:
    @app.task(name="pay", redact="pin")
    def pay(pin: str, text: str = "") -> None: ...

    return app


@pytest.mark.parametrize("limit", [IN_LISTS, LIMIT])
def test_a_marked_argument_is_hidden_in_what_is_cut(app: Horarium, limit: int) -> None:
    args, _ = shown_call("pay", raw([PIN, "x" * (limit + 5)]), Raw(b"{}"), app, limit=limit)
    text = msgspec.json.decode(args)
    assert text.startswith(f'["{MASK}","xxx') and text.endswith(f"x… of {limit + 16:,} bytes")


def test_arguments_that_will_get_one_in_front_are_cut_once_and_hidden_by_their_later_places(app: Horarium) -> None:
    @app.task(name="then", redact=1)
    def then(value: int, pin: str, text: str) -> None: ...

    args = raw([PIN, "as it is now second", "x" * 5000])
    message = Message(id="r", task="then", created=0, args=args, gate=Gate(size=1))
    link = Signature(task="then", args=args)
    shown = shown_message(replace(message, links=(link,)), app, limit=IN_LISTS)
    for found in (shown.args, shown.links[0].args):
        assert PIN not in bytes(found).decode() and bytes(found).count(b"bytes") == 1


def test_what_is_hidden_may_make_the_rest_short_enough_to_be_shown_as_it_is(app: Horarium) -> None:
    stored = run_with(["S" * 9000, "x"])
    shown = shown_run(stored, app, limit=IN_LISTS)
    assert msgspec.json.decode(shown.message.args) == [MASK, "x"]
    assert cuts_of(stored, shown) == {}


@pytest.mark.parametrize(("limit", "most"), [(IN_LISTS, LOOKED_THROUGH_IN_LISTS), (LIMIT, LOOKED_THROUGH)])
def test_what_is_too_large_to_be_looked_through_is_told_by_its_size(app: Horarium, limit: int, most: int) -> None:
    stored = run_with([], ["x" * most])
    shown = shown_run(stored, app, limit=limit)
    assert msgspec.json.decode(shown.result or b"") == f"… of {most + 4:,} bytes"
    [(name, cut)] = cuts_of(stored, shown).items()
    assert (name, cut.text, cut.size) == ("result", "", most + 4)


def test_what_tells_of_arguments_that_are_too_large_is_told_by_its_size(app: Horarium) -> None:
    unique = Unique(key=f"pay:{CANARY}")
    stored = run_with([CANARY, "x" * LOOKED_THROUGH], f"paid with {CANARY}", kwargs=raw({"n": CANARY}), unique=unique)
    shown = shown_run(stored, app)
    assert CANARY not in msgspec.json.encode(shown).decode()
    assert set(cuts_of(stored, shown)) == {"args", "kwargs", "result"}


def test_a_result_is_shown_beside_large_arguments_that_have_no_names(app: Horarium) -> None:
    message = Message(id="r", task="elsewhere", created=0, args=raw([[1] * LOOKED_THROUGH]))
    stored = Run(message=message, state=State.SUCCESS, changed=0, result=raw({"sum": 5}))
    assert shown_run(stored, app).result is stored.result


def test_headers_that_are_too_large_are_told_by_their_size(app: Horarium) -> None:
    stored = run_with([PIN], headers={"a": "x" * LOOKED_THROUGH, "b": "short", "token": CANARY})
    assert shown_run(stored, app).message.headers == {"a": "… of 1,048,578 bytes", "b": "short", "token": MASK}


def test_a_page_says_why_a_value_is_not_shown_and_a_download_has_it(app: Horarium) -> None:
    stored, contents = run_with([PIN, "x" * LOOKED_THROUGH]), Contents(app)
    [(name, _, text, has_more)] = contents.blocks(contents.seen(stored))
    assert (name, has_more) == ("args", True)
    assert text == "1,048,587 bytes, not shown: too much would have to be looked through for secrets"
    assert msgspec.json.decode(contents.whole(stored, "args") or b"")[0] == MASK
