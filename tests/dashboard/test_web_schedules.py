"""The pages of schedules: the list, one of them, the calendar, and what people do about them."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from urllib.parse import quote

import msgspec
import pytest
from click.testing import CliRunner
from front_desk import Asker
from starlette.testclient import TestClient
from timed_shop import DAY, audited, beat, timed_shop, told

from horarium import Horarium
from horarium.cli.main import root
from horarium.clock import ManualClock, to_instant
from horarium.dashboard.ask import Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules import busy, listing, looking, one
from horarium.dashboard.rooms.schedules.drafting import FIELDS
from horarium.dashboard.rooms.schedules.place import address, room
from horarium.scheduler.beat import Scheduler
from horarium.schedules.cron import cron
from horarium.schedules.interval import every

NIGHT = "30 2 * * *"


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Horarium]:
    with timed_shop(clock) as app:
        yield app


def text_of(page: str) -> str:
    """Return what a page says, without its elements and its frame."""
    main = page.partition('<main id="main"')[2].partition("</main>")[0] or page
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", f"<{main}")).split())


# The list.


def test_the_list_tells_when_in_words_and_which_zone_and_who_paused_it(shop: Horarium, client: TestClient) -> None:
    shop.schedules.create("report", "shop.charge", cron("0 9 * * 1"), [1], timezone="America/New_York")
    shop.schedules.create("close", "shop.charge", cron("0 3 1 * *"), [1])
    shop.schedules.pause("close", by="ana", note="audit")
    said = text_of(client.get("/schedules").text)
    assert "cron 0 9 * * 1 · America/New_York At 09:00, only on Monday" in said
    assert "Mon 05 Jan 15:00:00 CET Mon 05 Jan 2026 09:00:00 EST" in said  # there it is still last year
    assert "❚❚ paused paused by ana (audit)" in said
    assert "nightly code shop.charge" in said  # not stored yet, and shown all the same
    assert "No scheduler is running" in said


def test_what_ran_shows_as_bars_with_the_part_that_succeeded(
    shop: Horarium, client: TestClient, clock: ManualClock
) -> None:
    shop.schedules.create("quick", "shop.charge", every(60), [1])
    shop.schedules.create("bad", "shop.charge", every(60), [-1])
    for _ in range(3):
        beat(shop, clock, 60)
    page = client.get("/schedules?q=bad").text
    assert 'class="bar-failed"' in page
    assert "3 runs: 3 failed; the newest: failed" in page
    assert "0%" in text_of(page)
    assert "3 failures in a row" in text_of(page)
    assert "100%" in text_of(client.get("/schedules?q=quick").text)


def test_a_page_holds_fifty_and_the_next_ones_follow_by_name(shop: Horarium, client: TestClient) -> None:
    for number in range(120):
        shop.schedules.create(f"tenant-{number:03}", "shop.charge", cron("0 6 * * *"), [number])
    seen: list[str] = []
    path = "/schedules"
    while path:
        page = client.get(path).text
        rows = re.findall(r">(tenant-\d+)</a>", page)
        assert len(rows) <= 50
        seen += rows
        path = next(iter(re.findall(r'<a href="([^"]+)">Next', page)), "").replace("&amp;", "&")
    assert seen == [f"tenant-{number:03}" for number in range(120)]


def test_a_search_is_bounded_and_goes_on_where_it_stopped(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SEARCHED", 100)
    for number in range(130):
        shop.schedules.create(f"tenant-{number:03}", "shop.charge", cron("0 6 * * *"), [number])
    first = listing.listing(asker.ask(query={"q": "NT-129"}))
    assert (first.context["rows"], first.context["searched"]) == ([], 100)
    after = re.findall("after=([^&]+)", first.context["further"])[0]
    second = listing.listing(asker.ask(query={"q": "NT-129", "after": after}))
    assert [row.schedule.name for row in second.context["rows"]] == ["tenant-129"]
    assert second.context["further"] == ""


def test_what_needs_attention_can_be_asked_for(shop: Horarium, client: TestClient, clock: ManualClock) -> None:
    shop.schedules.create("well", "shop.charge", every(60), [1])
    shop.schedules.create("bad", "shop.charge", every(60), [-1])
    beat(shop, clock, 60)
    for state, names in [("attention", ["bad"]), ("ok", ["well"]), ("paused", []), ("nonsense", ["bad", "well"])]:
        page = client.get(f"/schedules?state={state}&owner=person").text
        assert re.findall(r">(well|bad)</a>", page) == names, state
    assert "None of" in client.get("/schedules?state=paused").text


def test_several_are_changed_at_once_each_for_itself(shop: Horarium, client: TestClient) -> None:
    for name in ("a", "b"):
        shop.schedules.create(name, "shop.charge", cron(NIGHT), [1])
    form = {"verb": "pause", "name": ["a", "gone", "b"], "reason": "holidays"}
    said = text_of(told(client, client.post("/schedules/bulk", data=form)))
    assert "2 schedules paused; 1 not: gone: expected the name of a stored schedule, got 'gone'" in said
    assert [shop.schedules.get(name).pause_note for name in ("a", "b")] == ["holidays", "holidays"]
    [entry] = audited(shop)
    assert (entry.action, entry.was_done, entry.reason) == ("schedules.bulk", False, "holidays")
    assert [each["name"] for each in entry.after if not each["trouble"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("form", "status"),
    [({"verb": "erase", "name": "a"}, 400), ({"verb": "run"}, 400), ({"verb": "run", "name": ["a"] * 3}, 303)],
)
def test_a_bulk_that_makes_no_sense_changes_nothing(
    shop: Horarium, client: TestClient, form: dict[str, object], status: int
) -> None:
    shop.schedules.create("a", "shop.charge", cron(NIGHT), [1])
    assert client.post("/schedules/bulk", data=form).status_code == status
    assert len(shop.schedules.history("a").runs) == (1 if status == 303 else 0)


def test_more_than_a_hundred_at_once_are_refused(client: TestClient) -> None:
    answer = client.post("/schedules/bulk", data={"verb": "run", "name": [f"s{number}" for number in range(101)]})
    assert answer.status_code == 413


# One schedule.


def test_every_name_has_an_address_of_its_own(shop: Horarium, client: TestClient) -> None:
    names = [
        "plain",
        "a/b",
        "new",
        "calendar",
        "timeline",
        "bulk",
        "x/edit",
        "50%",
        "~2F",
        "a?b#c",
        "..",
        "ünï cödé",
        "a\\b",
    ]
    for name in names:
        shop.schedules.create(name, "shop.charge", cron(NIGHT), [1])
    assert len({address(name) for name in names}) == len(names)
    for name in names:
        for verb in ("", "edit", "backfill"):
            page = client.get(address(name, verb))
            assert page.status_code == 200, (name, verb)
            assert html.escape(name, quote=False) in page.text
    assert client.get("/schedules/unknown").status_code == 404


def test_what_people_wrote_is_shown_and_never_obeyed(shop: Horarium, client: TestClient) -> None:
    evil = "<script>alert(1)</script>"
    shop.schedules.create(evil, "shop.charge", cron(NIGHT), [1], description=evil, by=evil, note=evil)
    for path in ("/schedules", address(evil), address(evil, "edit"), "/schedules/calendar", "/schedules/timeline"):
        assert evil not in client.get(path).text, path


def test_a_night_at_which_clocks_change_is_the_same_on_the_page_and_on_the_command_line_row_129(
    shop: Horarium, client: TestClient, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Europe/Berlin, 2027-03-28: local time, UTC and remark of each firing, as a scheduler finds them."""
    clock.advance((to_instant(datetime(2027, 3, 26, 12, tzinfo=UTC)) - clock.now()) / 1000)
    shop.schedules.create("night", "shop.charge", cron(NIGHT), [1], timezone="Europe/Berlin")
    module = ModuleType("shop_of_a_night")
    module.app = shop  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop_of_a_night", module)
    run = CliRunner().invoke(root, ["-A", "shop_of_a_night", "schedules", "next", "night", "-n", "10", "--json"])
    lines = msgspec.json.decode(run.stdout)
    assert "2027  03:00:00 CEST" in lines[1]["local"] and "does not exist" in lines[1]["remark"]

    page = client.get("/schedules/night").text
    form = {"name": "another", "task": "shop.charge", "kind": "cron", "cron": NIGHT, "timezone": "Europe/Berlin"}
    preview = client.post("/schedules/preview", data={**form, "args": "[1]"}).text
    for line in lines:
        utc = line["utc"].replace("T", " ")[:19] + " UTC"
        row = f'<span title="{utc}">{line["local"]}</span>'
        remark = f'<br><span class="remark">⚠ {line["remark"]}</span>' if line["remark"] else "</td>"
        assert row + remark in page
        assert row + remark in preview
    assert "Sun 31 Oct 2027  02:30:00 CEST" in preview  # the clocks go back: told though it is far
    beat(shop, clock)
    fired = []
    for _ in range(3):
        beat(shop, clock, DAY)
        fired.append(datetime.fromtimestamp((shop.schedules.get("night").last_fire or 0) / 1000, UTC))
    assert [f"{each:%Y-%m-%dT%H:%M}" for each in fired] == [line["utc"][:16] for line in lines[:3]]


def test_last_nights_job_that_did_not_run_says_why(shop: Horarium, client: TestClient, clock: ManualClock) -> None:
    """From the list by its red health to a sentence."""
    shop.schedules.create("etl", "shop.charge", cron(NIGHT), [1], catchup="none", by="ana")
    beat(shop, clock, 1.5 * 3600)
    clock.advance(1.5 * DAY)  # and nobody was there
    listed = client.get("/schedules?state=attention").text
    [path] = re.findall(r'<a href="(/schedules/etl)">', listed)
    assert "late" in text_of(listed)
    said = text_of(client.get(path).text)
    assert "due at 2026-01-02 02:30:00 CET, has not fired" in said
    assert "02:30:00 CET ⚠ missed not fired yet: no scheduler has dealt with it; is one running?" in said
    beat(shop, clock)
    assert "missed: no scheduler was there when it was due" in text_of(client.get(path).text)


def test_it_is_run_paused_resumed_and_skipped_from_its_page(shop: Horarium, client: TestClient) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1], timezone="UTC")
    assert "s was sent; its run is" in told(client, client.post("/schedules/s/run"))
    assert shop.schedules.history("s").runs[0].kind == "manual"

    paused = client.post("/schedules/s/pause", data={"reason": "audit", "until": "2h"})
    assert "s is paused until Thu 01 Jan 2026  02:00:00 UTC" in told(client, paused)
    assert "paused by somebody until" in client.get("/schedules/s").text
    assert "goes on; it fires next at Thu 01 Jan 2026  02:30:00 UTC" in told(client, client.post("/schedules/s/resume"))

    at = to_instant(datetime(2026, 1, 1, 2, 30, tzinfo=UTC))
    page = told(client, client.post("/schedules/s/skip", data={"at": str(at)}))
    assert "s will not fire at Thu 01 Jan 2026  02:30:00 UTC" in page
    assert "Let it happen" in page
    assert "s will fire at" in told(client, client.post("/schedules/s/unskip", data={"at": str(at)}))
    done = {entry.action.partition(".")[2] for entry in audited(shop)}
    assert done == {"unskip", "skip", "resume", "pause", "run_now"}


@pytest.mark.parametrize(
    ("verb", "form", "said"),
    [
        ("pause", {"until": "soon"}, "such as 2h or 2027-03-28T02:30"),
        ("pause", {"until": "2020-01-01T00:00"}, "later than now"),
        ("skip", {"at": "12"}, "expected one of its firings to come"),
        ("skip", {"at": "-1"}, "to be a number"),
        ("skip", {"at": "9" * 15}, "up to the year 9998"),
        ("unskip", {"at": "12"}, "is skipped"),
        ("restore", {"edit": "7", "version": "1"}, "kept edits"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    shop: Horarium, client: TestClient, verb: str, form: dict[str, str], said: str
) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    before = shop.schedules.get("s")
    answer = client.post(f"/schedules/s/{verb}", data=form)
    assert answer.status_code == 400
    assert said in text_of(answer.text)
    assert shop.schedules.get("s") == before


def test_an_edit_is_told_and_taken_back(shop: Horarium, client: TestClient) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1], by="ana")
    shop.schedules.update("s", schedule=cron("0 5 * * *"), args=[2], by="ben", note="after the backup")
    said = text_of(client.get("/schedules/s").text)
    assert "ben edited after the backup spec cron 30 2 * * * → cron 0 5 * * * args [1] → [2]" in said
    stale = client.post("/schedules/s/restore", data={"edit": "1", "version": "1"})
    assert stale.status_code == 409
    version = str(shop.schedules.get("s").version)
    page = told(client, client.post("/schedules/s/restore", data={"edit": "1", "version": version}))
    assert "s is what it was" in page
    after = shop.schedules.get("s")
    assert (after.spec["line"], bytes(after.args)) == (NIGHT, b"[1]")
    [entry] = audited(shop)
    assert (entry.before["spec"]["line"], entry.after["spec"]["line"]) == ("0 5 * * *", NIGHT)


def test_a_backfill_is_looked_at_before_it_is_made(shop: Horarium, client: TestClient, clock: ManualClock) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1], catchup="none")
    clock.advance(5 * DAY)
    beat(shop, clock)
    form = {"from": "3d", "to": "", "which": "missing", "order": "oldest", "max_active": "2", "reason": "the outage"}
    looked = told(client, client.post("/schedules/s/backfill/look", data=form))
    assert "3 instants to fire" in text_of(looked)
    assert "Sat 03 Jan 2026 02:30:00 CET" in text_of(looked)
    assert shop.schedules.backfills("s") == []
    assert audited(shop) == []
    page = told(client, client.post("/schedules/s/backfill", data=form))
    assert "3 instants of s are being fired again" in page
    [made] = shop.schedules.backfills("s")
    assert (made.max_active, made.description, len(made.backfill.instants if made.backfill else ())) == (
        2,
        "the outage",
        3,
    )
    assert audited(shop)[0].after["count"] == 3
    assert "s/backfill-1" in client.get("/schedules/s").text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"from": "yesterday"}, "such as 2h or 1d"),
        ({"max_active": "0"}, "from 1 to 1000"),
        ({"which": "some"}, "of those that can be chosen"),
        ({"to": "2030-01-01T00:00"}, "a range that is past"),
        ({"from": "1h"}, "Nothing in this range"),
    ],
)
def test_a_backfill_that_makes_no_sense_says_so_in_its_form(
    shop: Horarium, client: TestClient, clock: ManualClock, change: dict[str, str], said: str
) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    clock.advance(DAY)
    form = {"from": "1d", "to": "", "which": "all", "order": "oldest", "max_active": "1"} | change
    looked = client.post("/schedules/s/backfill/look", data=form)
    assert said in text_of(client.get(looked.headers["location"]).text)
    assert client.post("/schedules/s/backfill", data=form).status_code == 422


def test_a_deleted_schedule_is_gone_and_codes_is_not_deleted(shop: Horarium, client: TestClient) -> None:
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    assert "s is deleted" in told(client, client.post("/schedules/s/delete"))
    assert client.get("/schedules/s").status_code == 404
    refused = client.post("/schedules/nightly/delete")
    assert refused.status_code == 403
    assert "remove it there" in refused.text


def test_every_change_needs_more_than_looking() -> None:
    changes = {route.name: route.role for route in room.routes if route.is_change}
    operators = {"run_now", "run_with", "pause", "resume", "skip", "unskip", "bulk"}
    assert {name.partition(".")[2] for name, role in changes.items() if role is Role.OPERATOR} == operators
    assert all(role >= Role.OPERATOR for role in changes.values())


HOSTILE = ["", "\x00", "9" * 400, "1e999", "NaN", "\ud800", "𝟙", "a" * 30_000]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value)[:20])
def test_whatever_is_sent_is_answered_in_words(shop: Horarium, client: TestClient, value: str) -> None:
    """No route fails of what somebody sends, be it in its path, its query or its form."""
    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    sent = value.encode("utf-8", "replace").decode()
    fields = dict.fromkeys((*FIELDS, "verb", "reason", "until", "at", "edit", "version", "of", "from", "to"), sent)
    fields |= dict.fromkeys(("which", "max_active", "order", "after", "q", "state", "owner", "hours"), sent)
    for route in room.routes:
        for name in ("s", quote(sent, safe="")[:2000] or "~"):
            path = route.path.replace("{name}", name)
            if route.is_change:
                kinds = [sent, "solar", "cron", "at", "calendar", "every"] if "preview" in path else [sent]
                answers = [client.post(path, data=fields | {"kind": kind}) for kind in kinds]
            else:
                answers = [client.get(path, params={name: text[:300] for name, text in fields.items() if text})]
            assert [each.status_code for each in answers if each.status_code >= 500] == [], (path, value[:20])


def test_who_may_only_look_sees_the_buttons_and_which_right_they_need(shop: Horarium, asker: Asker) -> None:
    from horarium.dashboard.rendering import render

    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    ask = asker.ask(role=Role.VIEWER, parts={"name": "s"}, path="/schedules/s")
    shown = one.schedule(ask)
    page = render(shown.template, ask, {"title": shown.title, "told": None, "live_view": None, **shown.context})
    assert page.count('disabled title="needs the right of an operator"') >= 2
    assert "needs the right of an editor" in page


# The hours to come.


def test_the_calendar_counts_each_hour_of_the_viewers_zone(shop: Horarium, asker: Asker, clock: ManualClock) -> None:
    clock.advance((to_instant(datetime(2027, 3, 27, 12, tzinfo=UTC)) - clock.now()) / 1000)
    for number in range(3):
        shop.schedules.create(f"s{number}", "shop.charge", cron(NIGHT), [1])
    shop.schedules.create("hourly", "shop.charge", cron("15 * * * *"), [1], timezone="UTC")
    shop.schedules.create("often", "shop.charge", every(5), [1])
    shop.conf.beat_schedule = {}
    context = busy.calendar(asker.ask(zone="Europe/Berlin")).context
    sunday = context["days"][1]
    assert sunday.name == "Sun 28 Mar"
    assert [cell.count for cell in sunday.cells[:5]] == [1, 1, None, 4, 1]  # 02:30 is at 03:00; there is no 02
    assert (sunday.cells[3].peak, sunday.cells[3].shade) == (3, 5)
    assert context["heat"].frequent == 1
    assert context["peaks"][0].count == 3
    assert context["quiet_hours"]
    assert sum(day.total for day in context["days"]) == sum(context["heat"].hours)


def test_the_repeated_hour_is_one_cell_with_all_that_fires_in_it(
    shop: Horarium, asker: Asker, clock: ManualClock
) -> None:
    clock.advance((to_instant(datetime(2027, 10, 30, 12, tzinfo=UTC)) - clock.now()) / 1000)
    shop.schedules.create("hourly", "shop.charge", cron("15 * * * *"), [1], timezone="UTC")
    shop.conf.beat_schedule = {}
    days = busy.calendar(asker.ask(zone="Europe/Berlin")).context["days"]
    assert [cell.count for cell in days[1].cells[:4]] == [1, 1, 2, 1]
    assert days[1].total == 25


def test_what_only_the_code_defines_is_foretold_and_that_nobody_fires_it_is_said(
    shop: Horarium, client: TestClient, clock: ManualClock
) -> None:
    said = text_of(client.get("/schedules/calendar").text)
    assert "7 firings of 1 schedule in the next 7 days" in said
    assert "No scheduler is running, so nothing fires by itself" in said
    assert "1 of the schedules is only in the code so far" in said
    line = text_of(client.get("/schedules/timeline?hours=24").text)
    assert "nightly" in line and "No scheduler is running" in line
    Scheduler(shop).sync(clock.now())
    assert "only in the code" not in client.get("/schedules/calendar").text
    assert "7 firings of 1 schedule in" in text_of(client.get("/schedules/calendar").text)
    assert client.get("/schedules/timeline?hours=24").text.count('data-label="Schedule"') == 1


def test_quiet_minutes_are_none_that_have_begun(shop: Horarium, asker: Asker, clock: ManualClock) -> None:
    shop.conf.beat_schedule = {}
    clock.advance((to_instant(datetime(2027, 3, 1, 12, 1, 30, tzinfo=UTC)) - clock.now()) / 1000)
    for number in range(3):
        shop.schedules.create(f"s{number}", "shop.charge", cron("5 12 * * *"), [1], timezone="UTC")
    context = busy.calendar(asker.ask(zone="UTC")).context
    assert context["peaks"][0].at == to_instant(datetime(2027, 3, 1, 12, 5, tzinfo=UTC))
    assert context["quiet_minutes"] and min(context["quiet_minutes"]) > asker.ask().now


def test_the_calendar_says_when_it_has_not_read_all(
    shop: Horarium, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "READ", 2)
    shop.conf.beat_schedule = {}
    for number in range(3):
        shop.schedules.create(f"s{number}", "shop.charge", cron(NIGHT), [1])
    assert "the first 2 by name are added up here" in text_of(client.get("/schedules/calendar").text)
    shop.schedules.delete("s2")
    assert "are added up here" not in client.get("/schedules/calendar").text


def test_the_timeline_shows_the_soonest_first_and_nothing_that_stands_still(
    shop: Horarium, client: TestClient, asker: Asker
) -> None:
    shop.conf.beat_schedule = {}
    for name, spec in [("night", cron(NIGHT)), ("often", every(30)), ("quarter", every(900)), ("off", every(60))]:
        shop.schedules.create(name, "shop.charge", spec, [1], timezone="UTC")
    shop.schedules.pause("off")
    lines = busy.timeline(asker.ask(query={"hours": "6"})).context["lines"]
    assert [line.schedule.name for line in lines] == ["often", "quarter", "night"]
    assert [(len(line.ticks), line.is_dense) for line in lines] == [(200, True), (23, False), (1, False)]
    assert lines[2].ticks[0].x == 250.0  # 02:30 of six hours, on 600
    assert (
        "02:30 UTC" in client.get("/schedules/timeline").text or "03:30 CET" in client.get("/schedules/timeline").text
    )


def test_empty_pages_tell_the_next_step(shop: Horarium, client: TestClient) -> None:
    shop.conf.beat_schedule = {}
    assert "horarium -A shop schedules create" in client.get("/schedules").text
    assert "Nothing fires in the next 7 days" in client.get("/schedules/calendar").text
    assert "Nothing fires in this time" in client.get("/schedules/timeline").text


def test_a_backfill_of_a_backfill_is_refused(shop: Horarium, asker: Asker, clock: ManualClock) -> None:
    from horarium.dashboard.rooms.schedules.backfilling import backfill_form

    shop.schedules.create("s", "shop.charge", cron(NIGHT), [1])
    clock.advance(DAY)
    made = shop.schedules.backfill("s", shop.engine.now() - DAY * 1000, which="all").schedule
    assert made is not None
    with pytest.raises(Unanswerable, match="backfill itself"):
        backfill_form(asker.ask(parts={"name": made.name}))
