"""A schedule's record that cannot be read stops that schedule, and no other."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from msgspec.structs import replace

from horarium.engines.protocol import Page
from horarium.engines.sqlite import SqliteEngine
from horarium.schedules.record import Schedule

NOW = 1_767_225_600_000


def schedule(name: str) -> Schedule:
    return Schedule(
        id=name, name=name, task="t", spec={"kind": "every"}, anchor=NOW, created=NOW, changed=NOW, next_fire=NOW
    )


@pytest.mark.parametrize("record", [b"{", b"[]", b'{"id": 1}', b"\xff\x00"])
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
