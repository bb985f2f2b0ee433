"""The editor of schedules: what a form says is what is stored, complaints stand at their field, no edit is lost."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from front_desk import Asker
from msgspec.structs import replace
from starlette.testclient import TestClient
from timed_shop import audited, timed_shop, told

from horarium import Horarium
from horarium.clock import ManualClock, to_instant
from horarium.dashboard.rooms.schedules import editing
from horarium.dashboard.rooms.schedules.drafting import read, values_of
from horarium.dashboard.rooms.schedules.editing import changed_keys
from horarium.dashboard.rooms.schedules.slots import moved
from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates
from horarium.schedules.interval import every
from horarium.schedules.recurrence import union, without
from horarium.schedules.solar import solar
from horarium.schedules.specs import Spec, from_record
from kept_runs import ended, record

FORM = {
    "name": "report",
    "task": "shop.charge",
    "kind": "cron",
    "cron": "0 6 * * 1",
    "args": "[7]",
    "kwargs": "{}",
    "timezone": "America/New_York",
}


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Horarium]:
    with timed_shop(clock) as app:
        yield app


def wrong_in(page: str) -> dict[str, str]:
    """Return what a page complains of, by field."""
    shown = re.findall(r'<p class="wrong" id="wrong-([a-z_]+)">([^<]+)</p>', page)
    return {field: html.unescape(text) for field, text in shown}


def form_of(page: str) -> dict[str, str]:
    """Return the form of a page as a browser would send it."""
    form = page.partition('<form id="editor"')[2].partition("</form>")[0]
    sent: dict[str, str] = {}
    for element in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'(\w+)="([^"]*)"', element))
        is_off = given.get("type") in ("radio", "checkbox") and " checked" not in element
        if "name" in given and not is_off:
            sent[given["name"]] = html.unescape(given.get("value", ""))
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', form):
        sent[name] = html.unescape(text)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        every_one = re.findall(r'<option(?: value="([^"]*)")?( selected)?>([^<]*)', options)
        value, _, text = next((each for each in every_one if each[1]), every_one[0])
        sent[name] = value or text
    return sent


def test_what_the_form_says_is_what_is_stored(shop: Horarium, client: TestClient) -> None:
    form = FORM | {
        "start": "2026-02-01T00:00",
        "overlap": "skip",
        "max_active": "2",
        "jitter": "30s",
        "grace": "1h",
        "queue": "slow",
        "priority": "9",
        "expires": "5m",
        "options": '{"ignore_result": true}',
        "except_dates": "2026-12-24, 2026-12-31",
        "pause_after": "5",
        "description": "the weekly report",
        "dst_gap": "skip",
        "catchup_window": "2h",
        "reason": "asked for by sales",
    }
    assert "report is made" in told(client, client.post("/schedules/new", data=form))
    made = shop.schedules.get("report")
    assert from_record(made.spec) == without(cron("0 6 * * 1"), dates("2026-12-24", "2026-12-31"))
    assert made.options == {"queue": "slow", "priority": 9, "expires": 300.0, "ignore_result": True}
    assert (made.overlap, made.max_active, made.jitter, made.grace, made.pause_after) == ("skip", 2, 30.0, 3600.0, 5)
    assert (made.timezone, made.dst_gap, made.catchup_window, made.owner) == (
        "America/New_York",
        "skip",
        7200.0,
        "person",
    )
    assert made.start == 1_769_922_000_000  # 2026-02-01 00:00 EST
    assert (made.edits[0].by, made.edits[0].note) == ("somebody", "asked for by sales")
    [entry] = audited(shop)
    assert (entry.about, entry.after["options"]["priority"], entry.after["args"]) == ("report", 9, "[7]")


@pytest.mark.parametrize(
    ("fields", "spec"),
    [
        ({"kind": "crontab", "crontab": "30 2 * * *"}, crontab(minute=30, hour=2)),
        ({"kind": "every", "every": "90m"}, every(5400)),
        ({"kind": "calendar", "calendar": "days at 09:00"}, calendar(1, "days", at="09:00")),
        ({"kind": "at", "at": "2026-07-01T06:00"}, clocked(1_782_900_000_000)),
        (
            {"kind": "solar", "solar_event": "sunset", "solar_lat": "52.5", "solar_lon": "13.4"},
            solar("sunset", 52.5, 13.4),
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_each_kind_has_a_line(shop: Horarium, client: TestClient, fields: dict[str, str], spec: Spec) -> None:
    assert client.post("/schedules/new", data=FORM | fields).status_code == 303
    assert from_record(shop.schedules.get("report").spec) == spec


def test_saved_paused_it_has_never_fired(shop: Horarium, client: TestClient) -> None:
    assert "report is made, and paused" in told(client, client.post("/schedules/new", data=FORM | {"save": "paused"}))
    made = shop.schedules.get("report")
    assert (made.paused_by, made.version, made.is_active) == ("somebody", 1, False)
    form = form_of(client.get("/schedules/report/edit").text) | {"description": "x"}
    shop.schedules.resume("report")
    again = form | {"version": str(shop.schedules.get("report").version), "save": "paused"}
    assert client.post("/schedules/report/edit", data=again).status_code == 303
    assert (shop.schedules.get("report").paused_by, shop.schedules.get("report").description) == ("somebody", "x")


DEEP = "[" * 20_000 + "]" * 20_000
NESTED = '{"a":' * 300 + "1" + "}" * 300


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("name", "", "expected a name"),
        ("name", "two\nlines", "text of one line"),
        ("name", "x" * 300, "at most 255 characters"),
        ("name", "nightly", "which is taken"),
        ("task", "", "expected the name of a task"),
        ("task", "shop.chrage", "did you mean 'shop.charge'"),
        ("cron", "", "expected a line"),
        ("cron", "61 * * * *", "minute"),
        ("cron", "*/1 0-100000000 * * *", "hour"),
        ("cron", "0 0 30 2 *", "which it never has"),
        ("cron", "1," * 5000, "at most 200 characters"),
        ("cron", "0 0 * * *\x00", "expected"),
        ("timezone", "Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("args", "[7", "a JSON list"),
        ("args", '{"order": 7}', "a JSON list"),
        ("args", "[]", "order"),
        ("args", DEEP, "a JSON list"),
        ("kwargs", "[]", "a JSON object"),
        ("kwargs", NESTED, "expected"),
        ("options", '{"queu": "x"}', "did you mean 'queue'"),
        ("options", '{"eta": "2026-01-01"}', "left out"),
        ("priority", "ten", "a whole number"),
        ("expires", "soon", "such as 5m"),
        ("start", "tomorrow", "2027-03-28T02:30"),
        ("max_runs", "0", "a number from 1"),
        ("jitter", "-5", "from 0 to a hundred years"),
        ("overlap", "never", "allow or skip"),
        ("kind", "lunar", "expected one of"),
        ("except_dates", "2026-02-30", "date"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_stored(
    shop: Horarium, client: TestClient, field: str, text: str, said: str
) -> None:
    answer = client.post("/schedules/new", data=FORM | {field: text})
    assert answer.status_code in (409, 422)
    assert said in wrong_in(answer.text).get(field, ""), wrong_in(answer.text)
    assert list(shop.schedules.find()) == []
    assert form_of(answer.text)["task"] == (text if field == "task" else "shop.charge")  # what was written stays
    preview = client.post("/schedules/preview", data=FORM | {field: text})
    assert preview.status_code == 200
    assert f'data-field="{field}"' in preview.text or field == "name"


def test_a_preview_stores_nothing_and_tells_who_else_fires_then(shop: Horarium, client: TestClient) -> None:
    for number in range(7):
        shop.schedules.create(f"s{number}", "shop.charge", cron("0 6 * * *"), [1], timezone="America/New_York")
    said = html.unescape(re.sub(r"<[^>]+>", " ", client.post("/schedules/preview", data=FORM).text))
    assert "At 06:00, only on Monday" in said
    assert "Mon 05 Jan 2026  06:00:00 EST" in said
    assert "Mon 05 Jan 12:00:00 CET" in said  # the viewer's zone
    assert "7 others fire in the minute of Mon 05 Jan 2026  06:00:00 EST (s0, s1, s2, s3, s4, …)" in said
    assert "Quiet nearby: " in said
    assert len(list(shop.schedules.find())) == 7
    assert audited(shop) == []


SPECS: list[Spec] = [
    cron("@daily"),
    crontab(minute="*/7", hour="2,14", day_of_week="mon"),
    every(0.25),
    calendar(2, "weeks", at=["09:00", "17:30"], on=["mon", "thu"], start="2026-01-05"),
    solar("sunset", 52.5, 13.4),
    union(every(600), cron("0 6 * * *")),
    without(cron("0 6 * * *"), dates("2026-12-24..2027-01-02")),
    without(cron("* * * * *"), cron("* 6 * * *")),
]


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_form_that_nobody_touches_changes_nothing(shop: Horarium, client: TestClient, spec: Spec) -> None:
    keys: dict[str, Any] = {
        "catchup": "all",
        "catchup_limit": 7,
        "catchup_spacing": 3,
        "jitter": 1234.567,
        "max_runs": 9,
    }
    keys |= {"options": {"queue": "slow", "expires": 1800.25, "headers": {"a": 1}}, "one_off": False}
    before = shop.schedules.create("s", "shop.charge", spec, [10**20], {"gently": True}, **keys)
    draft = read(
        {name: (value,) for name, value in values_of(before).items()}, zone="UTC", now=before.created, stored=before
    )
    assert (draft.wrong, changed_keys(draft, values_of(before))) == ({}, {})
    form = form_of(client.get("/schedules/s/edit").text)
    assert "s is as it was" in told(client, client.post("/schedules/s/edit", data=form))
    assert shop.schedules.get("s") == before
    changed = client.post("/schedules/s/edit", data=form | {"description": "new"})
    assert changed.status_code == 303
    after = shop.schedules.get("s")
    assert after.edits[-1].changes == {"description": ("", "new")}


def test_an_edit_upon_somebody_elses_is_not_lost_and_shows_both(shop: Horarium, client: TestClient) -> None:
    shop.schedules.create("s", "shop.charge", cron("0 6 * * *"), [1], by="ana")
    form = form_of(client.get("/schedules/s/edit").text) | {"cron": "0 7 * * *", "reason": "earlier"}
    shop.schedules.update("s", schedule=cron("0 8 * * *"), description="theirs", by="ben", note="later")
    answer = client.post("/schedules/s/edit", data=form)
    assert answer.status_code == 409
    said = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())
    assert "It was edited by ben at" in said and "(later)" in said
    assert "cron 0 8 * * * 0 7 * * *" in said
    assert "description theirs –" in said
    assert from_record(shop.schedules.get("s").spec) == cron("0 8 * * *")
    again = form_of(answer.text)
    assert (again["cron"], again["version"]) == ("0 7 * * *", "2")
    assert client.post("/schedules/s/edit", data=again).status_code == 303
    assert from_record(shop.schedules.get("s").spec) == cron("0 7 * * *")


def test_a_secret_is_not_shown_and_stays_unless_it_is_written_anew(shop: Horarium, client: TestClient) -> None:
    shop.task(name="shop.pay")(lambda order, password="": None)
    shop.schedules.create("s", "shop.pay", cron("0 6 * * *"), [1], {"password": "hunter2"})
    pages = [client.get(path).text for path in ("/schedules", "/schedules/s", "/schedules/s/edit")]
    assert [page for page in pages if "hunter2" in page] == []
    form = form_of(pages[2])
    assert client.post("/schedules/s/edit", data=form | {"description": "x"}).status_code == 303
    assert bytes(shop.schedules.get("s").kwargs) == b'{"password":"hunter2"}'
    assert "hunter2" not in repr(audited(shop))
    form = form_of(client.get("/schedules/s/edit").text)
    in_part = {"kwargs": form["kwargs"].replace("{", '{"order": 2, ', 1), "args": "[]"}
    half = client.post("/schedules/s/edit", data=form | in_part)
    assert "masked" in wrong_in(half.text)["kwargs"]
    anew = form | {"kwargs": '{"password": "other"}'}
    assert client.post("/schedules/s/edit", data=anew).status_code == 303
    assert bytes(shop.schedules.get("s").kwargs) == b'{"password":"other"}'


def test_codes_definition_is_overridden_only_knowingly(shop: Horarium, client: TestClient) -> None:
    shop.schedules.pause("nightly")  # stored
    form = form_of(client.get("/schedules/nightly/edit").text) | {"crontab": "0 5 * * *"}
    refused = client.post("/schedules/nightly/edit", data=form)
    assert refused.status_code == 422
    assert "defined by the code of app 'shop'" in wrong_in(refused.text)["take_over"]
    assert client.post("/schedules/nightly/edit", data=form | {"take_over": "yes"}).status_code == 303
    after = shop.schedules.get("nightly")
    assert (after.owner, after.edits[-1].what) == ("person", "taken over")


def test_a_row_of_djangos_tables_is_only_steered_here(shop: Horarium, client: TestClient) -> None:
    made = shop.schedules.create("s", "shop.charge", cron("0 6 * * *"), [1])
    shop.engine.schedules.save([replace(made, owner="table", app="shop")], now=shop.engine.now())
    page = client.get("/schedules/s").text
    assert "Django's admin, under Periodic tasks" in page
    assert "/schedules/s/edit" not in page
    assert client.get("/schedules/s/edit").status_code == 403
    assert client.post("/schedules/s/edit", data=FORM).status_code == 403
    assert client.post("/schedules/s/pause", data={"reason": "audit"}).status_code == 303


def test_collisions_are_looked_for_among_so_many(shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "OTHERS", 2)
    for number in range(3):
        shop.schedules.create(f"s{number}", "shop.charge", cron("0 6 * * 1"), [1], timezone="America/New_York")
    forecast = editing.preview(asker.ask(form=dict(FORM))).context["forecast"]
    assert (forecast.clash, forecast.is_sample) == (2, True)


def test_quiet_minutes_nearby_are_to_come(shop: Horarium, asker: Asker, clock: ManualClock) -> None:
    """At 06:58:30 in New York, before a firing at 07:00: only minutes from 06:59 on are any use."""
    clock.advance((to_instant(datetime(2027, 3, 1, 11, 58, 30, tzinfo=UTC)) - clock.now()) / 1000)
    for name, minute in (("s", 0), ("t", 5)):
        shop.schedules.create(name, "shop.charge", cron(f"{minute} 7 * * *"), [1], timezone="America/New_York")
    form = {**FORM, "kind": "cron", "cron": "0 7 * * *", "timezone": "America/New_York"}
    forecast = editing.preview(asker.ask(form=form)).context["forecast"]
    assert forecast.clash == 1
    assert len(forecast.quiet) == 3
    assert not any(f" 06:{minute:02}:" in each.text for each in forecast.quiet for minute in range(59))
    assert not any(" 07:05:" in each.text for each in forecast.quiet)  # somebody else's


def test_a_quiet_slot_says_what_the_fields_would_say_and_has_no_more_company(shop: Horarium, asker: Asker) -> None:
    for number in range(3):
        shop.schedules.create(f"other {number}", "shop.charge", cron("0 6 * * 1"), [1], timezone="America/New_York")
    forecast = editing.preview(asker.ask(form=dict(FORM))).context["forecast"]
    assert (forecast.clash, forecast.jitter) == (3, "5m")
    assert [msgspec.json.decode(slot.fields)["cron"] for slot in forecast.quiet] == [
        "54 5 * * 1",
        "59 5 * * 1",
        "4 6 * * 1",
    ]
    for slot in forecast.quiet:
        taken = editing.preview(asker.ask(form=FORM | msgspec.json.decode(slot.fields))).context["forecast"]
        assert (taken.clash, taken.firings[0].there) == (0, slot.text)
    assert editing.preview(asker.ask(form=FORM | {"jitter": "5m"})).context["forecast"].jitter == ""


@pytest.mark.parametrize(
    ("kind", "line", "minutes", "said"),
    [
        ("cron", "30 2 * * *", 7, "37 2 * * *"),
        ("crontab", "58 2 * * 1-5", 7, "5 3 * * 1-5"),
        ("cron", "30 * * * *", 7, "37 * * * *"),
        ("cron", "58 */2 * * *", 7, ""),  # the next hour is not among its hours
        ("cron", "58 23 * * 1", 7, ""),  # it would be another day
        ("cron", "2 0 * * 1", -7, ""),
        ("cron", "*/5 * * * *", 7, ""),
        ("cron", "@daily", 7, ""),
        ("calendar", "2 weeks at 09:58 on mon", 7, "2 weeks at 10:05 on mon"),
        ("calendar", "days at 09:00,17:30", 7, ""),
        ("every", "5m", 7, ""),
    ],
)
def test_a_line_is_moved_only_if_it_still_means_the_same_days(kind: str, line: str, minutes: int, said: str) -> None:
    assert moved(kind, line, minutes) == said


def test_the_preview_tells_how_the_last_runs_went(shop: Horarium, asker: Asker) -> None:
    stored = shop.schedules.create("report", "shop.charge", cron("0 6 * * 1"), [7])
    form = FORM | {"of": "report", "version": str(stored.version)}
    assert editing.preview(asker.ask(form=form)).context["forecast"].lately == ""
    states = ["FAILURE"] * 3 + ["SUCCESS"] * 37
    record(shop, *(ended(shop, f"r{n}", state, ago=n * 1000, schedule="report") for n, state in enumerate(states)))
    lately = editing.preview(asker.ask(form=form)).context["forecast"].lately
    assert lately == "Last 30 runs: 27 succeeded, 3 failed; the newest: failed; p95 500 ms"


@pytest.mark.parametrize(
    ("referer", "stands_at"),
    [
        ("http://127.0.0.1/schedules/new?name=%22x", 'data-stands-at="/schedules/new?name=%22x"'),
        ("http://127.0.0.1//evil.example/x", 'data-stands-at="/"'),
        ("http://evil.example/schedules/new", ""),
        ("", ""),
    ],
)
def test_a_form_that_comes_back_stands_at_the_page_that_it_was_on(
    client: TestClient, referer: str, stands_at: str
) -> None:
    page = client.post("/schedules/new", data={}, headers={"Referer": referer} if referer else {})
    assert page.status_code == 422
    assert (stands_at in page.text) if stands_at else ("data-stands-at" not in page.text)
    assert "data-stands-at" not in client.get("/schedules/new", headers={"Referer": referer}).text
