"""A day on which programs have changed much is read in parts: no answer grows with it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from api_desk import refused
from front_desk import Asker, shown
from msgspec import Raw
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import to_datetime
from horarium.dashboard import audit
from horarium.dashboard.rooms.settings import audit_log
from horarium.engines.memory.notes import MemoryNotes
from horarium.engines.records import Note


@pytest.fixture
def read(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each look has read; 250 are there, of which 150 are read at once at the most."""
    numbers: list[int] = []
    reading = MemoryNotes.read

    def counted(notes: MemoryNotes, prefix: str, *, now: int, last: int | None = None) -> list[Note]:
        found = reading(notes, prefix, now=now, last=last)
        if prefix.startswith(audit.PREFIX):
            numbers.append(len(found))
        return found

    monkeypatch.setattr(MemoryNotes, "read", counted)
    monkeypatch.setattr(audit, "MOST_OF_A_DAY", 150)
    monkeypatch.setattr(audit_log, "MOST_OF_A_DAY", 150)
    midnight = shop.engine.now() // 86_400_000 * 86_400_000
    for number in range(250):
        audit.write(shop.engine, audit.Entry(at=midnight + number, who="bot", via="token", action=f"change {number}"))
    return numbers


def test_a_page_reads_what_it_shows_and_one_more(asker: Asker, read: list[int]) -> None:
    context = shown(audit_log.audit(asker.ask()))
    assert ([entry.action for entry in context["entries"]][:2], read) == (["change 249", "change 248"], [101])
    assert (context["counted"], context["older"]) == ("more than 100", 100)
    context = shown(audit_log.audit(asker.ask(query={"from": "100"})))
    assert (len(context["entries"]), context["older"], read[1:]) == (50, None, [151])


def test_exports_say_that_they_have_the_newest_alone(shop: Horarium, asker: Asker, read: list[int]) -> None:
    day = f"{to_datetime(shop.engine.now()):%Y-%m-%d}"
    assert audit_log.export(asker.ask(query={"format": "json"})).name == f"audit-{day}-newest-150.json"
    assert read == [151]


def test_the_api_tells_all_of_a_day_page_by_page(client: TestClient, read: list[int]) -> None:
    """However many there are, and whatever is written meanwhile; no page reads more than those that lead to it."""
    pages, cursor = [], ""
    while len(pages) < 9:
        answer = client.get(f"/api/v1/audit?limit=40{cursor}").json()
        pages.append([int(entry["action"].removeprefix("change ")) for entry in answer["items"]])
        assert (answer["approx_total"], answer["total_is_capped"]) == (None, False)
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert [number for page in pages for number in page] == list(range(250))[::-1]
    assert [len(page) for page in pages] == [40] * 6 + [10] and read == [41, 81, 121, 161, 201, 241, 250]
    assert len(client.get(f"/api/v1/audit?limit=40&cursor={answer['prev']}").json()["items"]) == 40
    refused(client.get(f"/api/v1/audit?limit=41{cursor}"), 422, "invalid_cursor")


def test_a_page_of_the_audit_stays_where_it_is_while_more_is_written(
    shop: Horarium, client: TestClient, read: list[int]
) -> None:
    first = client.get("/api/v1/audit?limit=40").json()
    for number in range(250, 500):
        audit.write(shop.engine, audit.Entry(at=shop.engine.now(), who="bot", via="token", action=f"change {number}"))
    second = client.get(f"/api/v1/audit?limit=40&cursor={first['next']}").json()
    assert [entry["action"] for entry in second["items"]] == [f"change {number}" for number in range(209, 169, -1)]


def test_a_quiet_day_is_there_whole(shop: Horarium, asker: Asker) -> None:
    noon = int(datetime(2020, 1, 1, 12, tzinfo=UTC).timestamp() * 1000)
    entry = audit.Entry(at=noon, who="ana", via="session", action="queues.pause")
    shop.engine.notes.post([Note(key="audit/2020-01-01/1", text=Raw(msgspec.json.encode(entry)))], now=noon)
    context = shown(audit_log.audit(asker.ask(query={"day": "2020-01-01"})))
    assert (context["counted"], context["older"]) == ("1", None)
    assert audit_log.export(asker.ask(query={"day": "2020-01-01"})).name == "audit-2020-01-01.csv"
