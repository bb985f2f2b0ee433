"""A message or a history that cannot be read ends alone: it stops no claim, no chore and no listing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from horarium.engines.records import DeadOwner, MaintenancePolicy, Member, Rank
from horarium.engines.sqlite import SqliteEngine
from horarium.message import Message
from horarium.outcome import ErrorRecord

NOW = 1_767_225_600_000
POLICY = MaintenancePolicy()
LOST = ErrorRecord(class_path="horarium.errors.WorkerLostError")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine(tmp_path / "shop.db")
    engine.queue.put([Message(id=id, task="t", created=NOW) for id in ("bad", "good")], now=NOW)
    engine.queue.renew([Member(owner="o", kind="child", name="w")], now=NOW, lease=5.0)
    yield engine
    engine.close()


def scribble(path: Path, column: str) -> None:
    db = apsw.Connection(str(path / "shop.db"))
    db.execute(f"UPDATE runs SET {column} = CAST('{{\"id\": 5}}' AS BLOB) WHERE id = 'bad'")
    db.close()


def states(engine: SqliteEngine) -> list[str]:
    return [run.state for run in engine.results.read(["bad", "good"]) if run is not None]


def test_a_claim_ends_it_as_dead_and_delivers_the_others(engine: SqliteEngine, tmp_path: Path) -> None:
    scribble(tmp_path, "message")
    assert [each.message.id for each in engine.queue.claim(["default"], "o", 9, now=NOW)] == ["good"]
    [bad, _] = engine.results.read(["bad", "good"])
    assert bad is not None and bad.error is not None
    assert bad.state == "DEAD" and "cannot be read" in bad.error.text


def test_it_stays_where_it_is_when_others_are_given_another_priority(engine: SqliteEngine, tmp_path: Path) -> None:
    scribble(tmp_path, "message")
    assert engine.inspector.act(Rank(ids=("bad", "good"), priority=9), now=NOW) == ["good"]
    assert [each.message.priority for each in engine.queue.claim(["default"], "o", 9, now=NOW)] == [9]
    assert states(engine) == ["DEAD", "RECEIVED"]


@pytest.mark.parametrize("end", ["lapsed", "orderly", "crashed", "left"])
def test_one_in_the_hands_of_an_owner_that_ended_is_set_aside_and_the_others_go_back(
    engine: SqliteEngine, tmp_path: Path, end: str
) -> None:
    assert len(engine.queue.claim(["default"], "o", 9, now=NOW)) == 2
    scribble(tmp_path, "message")
    match end:
        case "lapsed":
            engine.queue.maintain(now=NOW + 60_000, policy=POLICY)
        case "orderly":
            engine.queue.maintain(now=NOW, policy=POLICY, dead=[DeadOwner(owner="o")])
        case "crashed":
            dead = DeadOwner(owner="o", running=("bad",), error=LOST)
            engine.queue.maintain(now=NOW, policy=POLICY, dead=[dead])
        case _:
            engine.inspector.leave(["o"], now=NOW)
    assert states(engine) == ["DEAD", "RETRY" if end == "lapsed" else "PENDING"]


def test_a_history_that_cannot_be_read_is_lost_and_the_run_goes_on(engine: SqliteEngine, tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "shop.db"))
    db.execute("UPDATE runs SET history = x'7b' WHERE id = 'bad'")
    db.close()
    assert len(engine.queue.claim(["default"], "o", 9, now=NOW)) == 2
    assert states(engine) == ["RECEIVED", "RECEIVED"]
    engine.queue.maintain(now=NOW, policy=POLICY, dead=[DeadOwner(owner="o")])
    assert states(engine) == ["PENDING", "PENDING"]


@pytest.mark.parametrize(
    "member",
    [
        '{"owner": "o", "kind": "nurse", "name": "w", "running": [{"slot": "new"}]}',
        '{"owner": "o", "kind": "nurse", "name": "w"}',
    ],
)
def test_a_member_of_a_kind_that_is_not_known_is_listed_and_stops_no_chore(
    engine: SqliteEngine, tmp_path: Path, member: str
) -> None:
    assert len(engine.queue.claim(["default"], "o", 9, now=NOW)) == 2
    db = apsw.Connection(str(tmp_path / "shop.db"))
    db.execute("UPDATE owners SET member = CAST(? AS BLOB)", (member,))
    db.close()
    [record] = engine.inspector.workers(now=NOW)
    assert (record.member.owner, record.member.name, record.alive, record.held) == ("o", "w", True, 2)
    assert engine.queue.maintain(now=NOW + 60_000, policy=POLICY).lapsed == ("o",)
    assert states(engine) == ["RETRY", "RETRY"]
