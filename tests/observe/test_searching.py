"""What a question means for runs, and how it is answered between the store and us."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.engines.records import RunFilter
from horarium.message import Gate, Message
from horarium.observe.contents import Contents
from horarium.observe.matching import Sight, check_of
from horarium.observe.question import parse
from horarium.observe.searching import plan_of, search
from horarium.outcome import Attempt, ErrorRecord, Run

NOW = 1_800_000_000_000
HOUR = 3_600_000


@pytest.fixture
def shop() -> Iterator[Horarium]:
    with Horarium("shop", store="memory://", clock=ManualClock(NOW), set_as_current=False) as app:

        @app.task(name="shop.charge")
        def charge(order: int, card: str = "") -> int:
            return order

        yield app


@pytest.fixture
def sight(shop: Horarium) -> Sight:
    return Sight(now=NOW, zone="Europe/Berlin", contents=Contents(shop))


def a_run(id: str = "a", *, state: str = "FAILURE", created: int = NOW - HOUR, **fields: object) -> Run:
    own = {name: fields.pop(name) for name in list(fields) if name in Message.__struct_fields__}
    message = Message(**({"id": id, "task": "shop.charge", "created": created} | own))  # type: ignore[arg-type]
    return msgspec.structs.replace(Run(message=message, state=state, changed=created), **fields)


FAILED = a_run(
    args=Raw(b"[1115]"),
    kwargs=Raw(b'{"user":{"ids":[7,18446744073709551617]},"note":"On Hold"}'),
    error=ErrorRecord(class_path="shop.GatewayError", text="gateway refused"),
    started=NOW - HOUR + 90_000,
    ended=NOW - HOUR + 100_000,
    worker="w1@media",
    schedule="nightly",
)


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("state:failed", True),
        ("state:FAILURE,dead", True),
        ("state:ended -state:succeeded", True),
        ("state:queued", False),
        ("task:shop.*", True),
        ('task:"shop.*"', False),
        ("task:shop.[c]harge", False),
        ("worker:w?@media schedule:n*", True),
        ("args.order:1115", True),
        ("args.0:1115", True),
        ("args.order:11*", True),
        ("args.user.ids.1:18446744073709551617", True),
        ("args.user.ids.9:1", False),
        ("args.missing:1", False),
        ("error:gatewayerror", True),
        ("refused", True),
        ('"on hold"', True),
        ("-refused", False),
        ("duration>9s duration<11s", True),
        ("waited>1m", True),
        ("waited<1m", False),
        ("since:2h before:30m", True),
        ("since:2h before:2h", False),
        ("(state:dead OR refused) queue:default", True),
        ("id:a", True),
        ("id:b OR parent:x OR root:x", False),
    ],
)
def test_a_question_means_these_runs(sight: Sight, text: str, is_meant: bool) -> None:
    assert check_of(parse(text), sight)(FAILED) is is_meant


def test_what_waits_is_told_apart_as_people_see_it(sight: Sight) -> None:
    queued, later, blocked = (
        a_run(state="PENDING"),
        a_run(state="PENDING", eta=NOW + HOUR),
        a_run(state="PENDING", gate=Gate(size=2)),
    )
    for text, meant in (("queued", queued), ("scheduled", later), ("blocked", blocked)):
        check = check_of(parse(f"state:{text}"), sight)
        assert [run for run in (queued, later, blocked) if check(run)] == [meant]
    assert all(check_of(parse("state:pending"), sight)(run) for run in (queued, later, blocked))


def test_how_long_it_runs_counts_while_it_runs(sight: Sight) -> None:
    assert check_of(parse("duration>59m"), sight)(a_run(state="STARTED", started=NOW - HOUR))
    retried = a_run(
        eta=NOW, retries=1, attempts=(Attempt(number=1, worker="w", outcome="retried", started=NOW - HOUR + 5000),)
    )
    assert check_of(parse("waited>4s waited<6s"), sight)(retried)


def test_today_begins_at_midnight_in_the_zone_of_who_asks(sight: Sight) -> None:
    plan = plan_of(parse("since:yesterday before:today"), sight)
    assert plan.filter.until is not None
    assert plan.filter.since == plan.filter.until - 24 * HOUR
    assert (plan.filter.until + HOUR) % (24 * HOUR) == 0  # midnight in Berlin, in winter, is 23:00 UTC


def test_the_store_is_asked_for_all_that_it_can_tell(sight: Sight) -> None:
    plan = plan_of(
        parse('state:failed,dead task:a queue:"q" schedule:s id:0 parent:p root:r since:1h before:1m'), sight
    )
    assert plan.filter == RunFilter(
        states=("FAILURE", "DEAD"),
        tasks=("a",),
        queues=("q",),
        schedule="s",
        id_prefix="0",
        parent="p",
        root="r",
        since=NOW - HOUR,
        until=NOW - 60_000,
    )
    assert plan.rest is None


def test_what_the_store_cannot_tell_is_looked_for_in_what_it_answers(sight: Sight) -> None:
    plan = plan_of(parse("state:scheduled task:a.* state:failed since:3000w"), sight)
    assert plan.filter == RunFilter(states=("PENDING",), since=0)
    assert plan.rest == parse("state:scheduled task:a.* state:failed")


PARTS = ("state:failed", "task:a", "task:a,b", "task:?", "queue:q", "-state:failed", "id:0", "id:1", "since:2s", "b")


@given(st.lists(st.sampled_from(PARTS), max_size=3).map(" ".join), st.integers(1, 7), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_pages_have_each_run_that_is_meant_once_and_in_order(text: str, limit: int, most: int) -> None:
    with Horarium("shop", store="memory://", clock=ManualClock(NOW), set_as_current=False) as app:
        runs = [
            a_run(
                f"{number % 3}-{number:02}",
                state="FAILURE" if number % 4 else "SUCCESS",
                created=NOW - 100 * (number // 2),
                task="ab"[number % 2],
                queue="qr"[number % 5 == 0],
            )
            for number in range(40)
        ]
        app.engine.results.record(runs, keep=60.0, now=NOW)
        sight = Sight(now=NOW, zone="UTC", contents=Contents(app))
        question = parse(text)
        found: list[Run] = []
        after, pages = None, 0
        while pages == 0 or after is not None:
            page = search(app.engine.results, plan_of(question, sight), sight, limit=limit, after=after, most=most)
            assert len(page.runs) <= limit
            assert page.is_cut <= (page.next is not None and page.searched >= most)
            found += page.runs
            after, pages = page.next, pages + 1
        check = check_of(question, sight)
        meant = sorted((run for run in runs if check(run)), key=lambda run: (run.message.created, run.id), reverse=True)
        assert [run.id for run in found] == [run.id for run in meant]
