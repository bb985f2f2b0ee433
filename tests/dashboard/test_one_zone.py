"""Whatever a page says of a moment it says in the reader's zone, sentences included."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from front_desk import Asker, shown

from horarium import Horarium
from horarium.app.switches import Switches
from horarium.clock import abbreviation, to_datetime
from horarium.dashboard.rooms import overview
from horarium.dashboard.rooms.runs import one as run_page
from horarium.dashboard.rooms.schedules import listing
from horarium.dashboard.rooms.schedules import one as schedule_page

ZONE = "Asia/Kolkata"


@pytest.fixture
def said(shop: Horarium) -> str:
    """How the moment to which a schedule is paused is said."""
    until = shop.engine.now() + 3_600_000
    shop.schedules.create("tidy", "shop.charge", 60, args=[1])
    shop.schedules.pause("tidy", until=until, by="ana")
    there = to_datetime(until).astimezone(ZoneInfo(ZONE))
    return f"{there:%Y-%m-%d %H:%M:%S} {abbreviation(there)}"


def test_a_schedules_verdict(asker: Asker, said: str) -> None:
    assert said.endswith(" IST")
    [row] = [row for row in shown(listing.listing(asker.ask(zone=ZONE)))["rows"] if row.schedule.name == "tidy"]
    assert said in row.health.text
    page = shown(schedule_page.schedule(asker.ask(zone=ZONE, parts={"name": "tidy"})))
    assert said in page["health"].text and "IST" in page["status"]


def test_what_the_overview_names(asker: Asker, said: str) -> None:
    matters = shown(overview.overview(asker.ask(zone=ZONE)))["attention"].matters
    assert any(said in matter.text for matter in matters)


def test_why_a_run_waits(shop: Horarium, asker: Asker) -> None:
    Switches(shop.connection).pause_task("shop.charge", reason="", by="ana")
    run = shop.tasks["shop.charge"].delay(1)
    finding = shown(run_page.why(asker.ask(zone=ZONE, parts={"id": run.id})))["finding"]
    assert "since" in finding.text and " IST" in finding.text and "UTC" not in finding.text
