"""Rows that cannot be read end alone: they stop no claim, no chore, no listing and no schedule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from postgres_words import connect

from horarium.engines.postgres import PostgresEngine
from horarium.engines.records import DeadOwner, MaintenancePolicy, Member, Page, Rank, RunFilter
from horarium.message import Message
from horarium.outcome import ErrorRecord
from horarium.schedules.record import Schedule

NOW = 1_767_225_600_000
POLICY = MaintenancePolicy()
LOST = ErrorRecord(class_path="horarium.errors.WorkerLostError")
TEXTS = ['{"id": 5}', "", "null", "\x01\x7f{", '{"id":"bad","task":"t"', "[" * 3000]


@pytest.fixture
def shop(engine: PostgresEngine) -> Iterator[PostgresEngine]:
    engine.queue.put([Message(id=id, task="t", created=NOW) for id in ("bad", "good")], now=NOW)
    engine.queue.renew([Member(owner="o", kind="child", name="w")], now=NOW, lease=5.0)
    yield engine


def scribble(url: str, column: str, text: str, table: str = "messages", key: str = "id") -> None:
    with connect(url) as connection:
        connection.execute(f"UPDATE {table} SET {column} = %s WHERE {key} = 'bad'", (text,))


def states(engine: PostgresEngine) -> list[str]:
    return [run.state for run in engine.results.read(["bad", "good"]) if run is not None]


@pytest.mark.parametrize("text", TEXTS)
def test_a_claim_ends_it_as_dead_and_delivers_the_others(shop: PostgresEngine, url: str, text: str) -> None:
    scribble(url, "message", text)
    assert len(shop.results.search(RunFilter(), Page()).runs) == 2
    assert len(shop.inspector.find(RunFilter(), Page()).held) == 2
    assert [each.message.id for each in shop.queue.claim(["default"], "o", 9, now=NOW)] == ["good"]
    [bad, _] = shop.results.read(["bad", "good"])
    assert bad is not None and bad.error is not None
    assert bad.state == "DEAD" and "cannot be read" in bad.error.text


def test_it_stays_where_it_is_when_others_are_given_another_priority(shop: PostgresEngine, url: str) -> None:
    scribble(url, "message", "{")
    assert shop.inspector.act(Rank(ids=("bad", "good"), priority=9), now=NOW) == ["good"]
    assert [each.message.priority for each in shop.queue.claim(["default"], "o", 9, now=NOW)] == [9]
    assert states(shop) == ["DEAD", "RECEIVED"]


def test_one_that_is_overdue_ends_as_expired(shop: PostgresEngine, url: str) -> None:
    scribble(url, "message", "{")
    with connect(url) as connection:
        connection.execute("UPDATE messages SET expires = 1 WHERE id = 'bad'")
    assert [each.message.id for each in shop.queue.claim(["default"], "o", 9, now=NOW)] == ["good"]
    assert states(shop) == ["EXPIRED", "RECEIVED"]


@pytest.mark.parametrize("end", ["lapsed", "orderly", "crashed", "left"])
def test_one_in_the_hands_of_an_owner_that_ended_is_set_aside_and_the_others_go_back(
    shop: PostgresEngine, url: str, end: str
) -> None:
    assert len(shop.queue.claim(["default"], "o", 9, now=NOW)) == 2
    scribble(url, "message", '{"id": 5}')
    match end:
        case "lapsed":
            shop.queue.maintain(now=NOW + 60_000, policy=POLICY)
        case "orderly":
            shop.queue.maintain(now=NOW, policy=POLICY, dead=[DeadOwner(owner="o")])
        case "crashed":
            dead = DeadOwner(owner="o", running=("bad",), error=LOST)
            shop.queue.maintain(now=NOW, policy=POLICY, dead=[dead])
        case _:
            shop.inspector.leave(["o"], now=NOW)
    assert states(shop) == ["DEAD", "RETRY" if end == "lapsed" else "PENDING"]


def test_a_history_that_cannot_be_read_is_lost_and_the_run_goes_on(shop: PostgresEngine, url: str) -> None:
    scribble(url, "history", "{")
    assert len(shop.queue.claim(["default"], "o", 9, now=NOW)) == 2
    assert states(shop) == ["RECEIVED", "RECEIVED"]
    shop.queue.maintain(now=NOW, policy=POLICY, dead=[DeadOwner(owner="o")])
    assert states(shop) == ["PENDING", "PENDING"]


@pytest.mark.parametrize(
    "member",
    [
        '{"owner": "o", "kind": "nurse", "name": "w", "running": [{"slot": "new"}]}',
        '{"owner": "o", "kind": "nurse", "name": "w"}',
    ],
)
def test_a_member_of_a_kind_that_is_not_known_is_listed_and_stops_no_chore(
    shop: PostgresEngine, url: str, member: str
) -> None:
    assert len(shop.queue.claim(["default"], "o", 9, now=NOW)) == 2
    with connect(url) as connection:
        connection.execute("UPDATE owners SET member = %s", (member,))
    [record] = shop.inspector.workers(now=NOW)
    assert (record.member.owner, record.member.name, record.alive, record.held) == ("o", "w", True, 2)
    assert shop.queue.maintain(now=NOW + 60_000, policy=POLICY).lapsed == ("o",)
    assert states(shop) == ["RETRY", "RETRY"]


def schedule(name: str) -> Schedule:
    return Schedule(
        id=name, name=name, task="t", spec={"kind": "every"}, anchor=NOW, created=NOW, changed=NOW, next_fire=NOW
    )


@pytest.mark.parametrize("record", ["{", "[]", '{"id": 1}', ""])
def test_an_unreadable_schedule_is_shown_with_its_error_and_never_due(
    engine: PostgresEngine, url: str, record: str
) -> None:
    engine.schedules.save([schedule("bad"), schedule("good")], now=NOW)
    scribble(url, "record", record, "schedules", "name")
    for _ in range(2):
        assert [each.name for each in engine.schedules.due(NOW, 1)] in ([], ["good"])
    assert [each.name for each in engine.schedules.due(NOW, 1)] == ["good"]
    [bad, good] = engine.schedules.browse(Page()).schedules
    assert "expected a stored schedule that can be read" in (bad.error or "")
    assert (bad.name, bad.is_active, good.error) == ("bad", False, None)
    [mended] = engine.schedules.save([replace(schedule("bad"), version=bad.version)], now=NOW)
    assert mended.is_active


def test_a_zero_byte_in_a_name_stops_nothing(engine: PostgresEngine) -> None:
    odd = Message(id="odd", task="a\0b", created=NOW, queue="q\0", origin="\0", headers={"\0": "\0"})
    assert engine.queue.put([odd], now=NOW) == [True]
    (run,) = engine.results.read(["odd"])
    assert run is not None and run.message == odd
