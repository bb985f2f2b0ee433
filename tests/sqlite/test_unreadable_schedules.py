"""A schedule's record that cannot be read stops that schedule, and no other."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest
from msgspec.structs import replace

from horarium.engines.records import Page
from horarium.engines.sqlite import SqliteEngine
from horarium.schedules.record import Schedule

NOW = 1_767_225_600_000


def schedule(name: str) -> Schedule:
    return Schedule(
        id=name, name=name, task="t", spec={"kind": "every"}, anchor=NOW, created=NOW, changed=NOW, next_fire=NOW
    )


def record(**fields: object) -> bytes:
    """Return a record as it is stored, with something in it that nobody could have saved."""
    return msgspec.json.encode({**msgspec.to_builtins(schedule("bad")), **fields})


@pytest.mark.parametrize(
    "record",
    [
        *(b"{", b"[]", b'{"id": 1}', b"\xff\x00"),
        *(record(jitter=1e300), record(spread=-1.0), record(max_active=0), record(catchup_limit=-5)),
        *(record(anchor=10**18), record(paused_until=10**18), record(end=10**30), record(added=[-(10**18)])),
    ],
)
def test_an_unreadable_record_is_shown_with_its_error_and_never_due(tmp_path: Path, record: bytes) -> None:
    engine = SqliteEngine(tmp_path / "shop.db")
    engine.schedules.save([schedule("bad"), schedule("good")], now=NOW)
    db = apsw.Connection(str(tmp_path / "shop.db"))
    db.execute("UPDATE schedules SET record = ? WHERE name = 'bad'", (record,))
    db.close()
    for _ in range(2):
        assert [each.name for each in engine.schedules.due(NOW, 1)] in ([], ["good"])
    assert [each.name for each in engine.schedules.due(NOW, 1)] == ["good"]
    [bad, good] = engine.schedules.browse(Page()).schedules
    assert "expected a stored schedule that can be read" in (bad.error or "")
    assert (bad.name, bad.is_active, good.error) == ("bad", False, None)
    [mended] = engine.schedules.save([replace(schedule("bad"), version=bad.version)], now=NOW)
    assert mended.is_active
    engine.close()


@pytest.mark.parametrize("column", ["next_fire", "last_fire", "succeeded", "ended"])
@pytest.mark.parametrize("instant", [-(9 * 10**18), 9 * 10**18])
def test_an_instant_that_cannot_be_shown_is_an_error_of_its_schedule(tmp_path: Path, column: str, instant: int) -> None:
    engine = SqliteEngine(tmp_path / "shop.db")
    engine.schedules.save([schedule("bad"), schedule("good")], now=NOW)
    db = apsw.Connection(str(tmp_path / "shop.db"))
    db.execute(f"UPDATE schedules SET {column} = ? WHERE name = 'bad'", (instant,))
    db.close()
    assert "bad" not in [each.name for each in engine.schedules.due(NOW, 2)]
    [bad, good] = engine.schedules.browse(Page()).schedules
    assert "expected a stored schedule that can be read" in (bad.error or "")
    assert (getattr(bad, column), good.error) == (None, None)
    engine.close()


def test_a_record_cannot_pass_for_another_schedule(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "shop.db")
    engine.schedules.save([schedule("bad"), schedule("good")], now=NOW)
    db = apsw.Connection(str(tmp_path / "shop.db"))
    db.execute("UPDATE schedules SET record = ? WHERE name = 'bad'", (record(name="good", id="good"),))
    db.close()
    assert [(each.name, each.id) for each in engine.schedules.due(NOW, 2)] == [("bad", "bad"), ("good", "good")]
    engine.close()
