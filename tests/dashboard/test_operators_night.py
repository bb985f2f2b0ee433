"""A night as an operator has it, in a real browser on a real worker: in by the printed link, what failed, what never
ran, and ten thousand at once.

One place for all of it, since starting processes is what costs. What each page says in which case is asked of its
functions, in the other files; here it is asked whether a person gets through.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
from front_desk import NARROW, WIDE, Place, Visitor, eventually, visitor
from msgspec import Raw
from msgspec.structs import replace
from playwright.sync_api import Browser, expect
from shop_floor import ended_run

from horarium import Horarium
from horarium.schedules.cron import cron
from horarium.tally import BOUNDS, Tally, bin_of

CODE = """
from horarium import Horarium
app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")

@app.task
def charge(order):
    with open("switch") as switch:
        if switch.read() == "off":
            raise ConnectionError(f"gateway refused order {order}")
    return order

@app.task
def clean(days):
    return days

@app.task
def add(a, b):
    return a + b
"""
LINK = re.compile(r"^log in: (http://\S+)", re.MULTILINE)
MANY = 10_000
HOUR = 3_600_000
DAY = 24 * HOUR
WORDY = msgspec.json.encode(["a-long-word-" * 30] * 6)  # arguments that would take all the room there is
NAMES = "td[data-label=Task] > a, td[data-label=Queue]"
LINES = """names => [...document.querySelectorAll(names)].map(each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  return new Set([...range.getClientRects()].map(line => Math.round(line.top))).size;
})"""


def test_an_operator_gets_through_the_night(tmp_path: Path, browser: Browser) -> None:
    """Rows 115, 116, 127 and 133."""
    (tmp_path / "switch").write_text("off")
    with (
        Place(tmp_path, CODE) as place,
        Horarium("test", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False) as app,
    ):
        _last_night(app)
        place.work("-n", "w1@vm")
        url = place.serve("--link")
        with visitor(browser, url, zone="Asia/Tokyo") as ana:
            _log_in(place, ana)
            _see_what_comes(app, ana)
            _find_why_it_did_not_run(ana)
            _find_why_it_failed(ana)
            (tmp_path / "switch").write_text("on")
            _run_it_again(ana)
            _write_a_schedule(ana)
            _pause_and_edit_it(ana)
            place.end("worker")  # whose work on what follows is no page's
            _run_ten_thousand_again(app, ana)
            _make_a_token_and_leave(ana)


def _last_night(app: Horarium) -> None:
    """Store two schedules that were due six hours ago, when no scheduler was there; one of them is caught up. Others
    fire long after this test, and an hour of numbers has been counted."""
    app.task(name="shop.charge")(lambda order: None)  # so that they may be named here
    app.task(name="shop.clean")(lambda days: None)
    now = app.engine.now()
    due = (now - 6 * HOUR) // 60_000 * 60_000
    minute, hour = due // 60_000 % 60, due // HOUR % 24
    for name, task, args, catchup in (
        ("pay-sweep", "shop.charge", [1115], "latest"),
        ("clean-up", "shop.clean", [30], "none"),
    ):
        at = cron(f"{minute} {hour} * * *")
        made = app.schedules.create(name, task, at, args, timezone="UTC", catchup=catchup, catchup_window=2 * 86_400)
        before = due - DAY + HOUR
        app.engine.schedules.save(
            [replace(made, created=before, changed=before, anchor=before, next_fire=due)], now=now
        )
    for number, name in enumerate(("invoices", "reminders", "sync-stock", "reindex")):
        minute = (now // 60_000 + 15 + 10 * number) % 60
        app.schedules.create(name, "shop.clean", cron(f"{minute} * * * *"), [number], timezone="Europe/Berlin")
    hour = [_counted(now - 10_000 * back, back, 1) for back in range(1, 360)]
    day = [_counted(now - 300_000 * back, back, 30) for back in range(12, 288)]
    app.engine.series.add([*hour, *day], now=now)


def _counted(at: int, number: int, times: int) -> Tally:
    wave = 40 + round(18 * math.sin(number / 23) + 9 * math.sin(number / 5))
    failed = 3 if 200 < number < 240 else int(number % 11 == 0)
    ran = [0] * (len(BOUNDS) + 1)
    for place in range(wave):
        ran[bin_of(0.03 * 1.05**place)] += times
    counts = {"succeeded": wave * times, "failed": failed * times}
    return Tally(at=at, task="shop.charge", queue="default", counts=counts, ran=tuple(ran), waited=tuple(ran))


def _log_in(place: Place, ana: Visitor) -> None:
    link = eventually(lambda: LINK.search(place.log("web")), "a link")[1]
    page = ana.open("/schedules")
    assert "/login?then=" in page.url
    ana.screenshot("login")
    ana.check_access()
    page.goto(link)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".notice.good")).to_be_visible()


def _see_what_comes(app: Horarium, ana: Visitor) -> None:
    """What happens shows on an open page without a reload; a list that is read is not moved by it."""
    page = ana.open("/runs")
    page.wait_for_selector("#pulse[data-state=live]")
    id = app.send_task("shop.add", (1, 2)).id
    page.locator("#news", has_text="1 new above").get_by_role("link").click()
    expect(page.locator(f"#run-{id} .state.good")).to_be_visible()
    expect(page.locator(f"#run-{id}")).to_contain_text("JST")
    page.wait_for_selector("#pulse[data-state=live]")
    for key in ("j", "x", "p"):
        page.keyboard.press(key)
    page.wait_for_selector("#pulse[data-state=paused]")
    later = app.send_task("shop.add", (3, 4)).id
    assert app.AsyncResult(later).get(timeout=20) == 7
    page.keyboard.press("p")  # what came meanwhile is asked for at once
    expect(page.locator("#news")).to_contain_text("1 new above")
    expect(page.locator(f"#run-{id} input[type=checkbox]")).to_be_checked()


def _find_why_it_did_not_run(ana: Visitor) -> None:
    """The click path of docs/how-to/find-out-why-a-job-failed.md for a schedule that was missed."""
    page = ana.open("/")
    page.wait_for_selector("#chart-outcomes canvas")
    expect(page.locator("#chart-outcomes")).to_contain_text("JST 1 worker started")
    ana.screenshot("overview")
    page.locator("#attention a", has_text="clean-up").click()
    expect(page.locator("#verdict")).to_contain_text("late")
    expect(page.locator("#due + table tbody tr").first).to_contain_text("missed: no scheduler was there")
    ana.check_access()
    assert not ana.is_wider_than_screen()
    ana.screenshot("schedule-missed")


def _find_why_it_failed(ana: Visitor) -> None:
    """The same for one whose run failed."""
    page = ana.page
    page.locator("nav.rail a", has_text="Overview").click()
    page.locator("#attention a", has_text="pay-sweep").click()
    expect(page.locator("#verdict")).to_contain_text("failing")
    page.locator("#due + table a", has_text="failed").first.click()
    expect(page.locator("#error")).to_contain_text("gateway refused order 1115")
    expect(page.locator("#attempts pre")).to_contain_text("shop.py")
    expect(page.locator("#block-arguments, #block-args").first).to_contain_text("1115")
    ana.check_access()
    assert not ana.is_wider_than_screen()
    ana.screenshot("run-failed")


def _run_it_again(ana: Visitor) -> None:
    page = ana.page
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Run again", exact=True).click()
    expect(page.locator("#live .state").first).to_contain_text("succeeded")


def _write_a_schedule(ana: Visitor) -> None:
    page = ana.open("/schedules/new")
    page.fill("#f-name", "a/b")
    page.fill("#f-task", "shop.add")
    page.fill("#f-args", "[1]")
    page.fill("#f-cron", "61 2 * * *")
    expect(page.locator("#wrong-cron")).to_contain_text("minute")
    page.fill("#f-cron", "45 2 * * *")
    expect(page.locator("#preview")).to_contain_text("02:45:00 CE")
    expect(page.locator("#wrong-args")).to_contain_text("b")
    expect(page.locator("#wrong-cron")).to_be_hidden()
    expect(page.locator("#preview")).to_contain_text("JST")
    page.fill("#f-args", "[1, 2]")
    expect(page.locator("#wrong-args")).to_be_hidden()
    ana.check_access()
    assert not ana.is_wider_than_screen()
    ana.screenshot("schedule-editor")
    page.fill("#f-name", "")
    page.evaluate("document.getElementById('f-name').form.noValidate = true")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#wrong-name")).to_contain_text("expected a name")
    page.locator("nav.rail a", has_text="Overview").click()
    page.go_back()  # to a page that a POST had shown
    expect(page.locator("#f-name")).to_be_visible()
    assert page.url.endswith("/schedules/new")
    page.fill("#f-name", "a/b")
    page.fill("#f-task", "shop.add")
    page.fill("#f-args", "[1, 2]")
    page.fill("#f-cron", "45 2 * * *")
    expect(page.locator("#preview")).to_contain_text("02:45:00 CE")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#told")).to_contain_text("a/b is made")
    assert page.url.endswith("/schedules/a%2Fb")


def _pause_and_edit_it(ana: Visitor) -> None:
    page = ana.page
    page.get_by_text("Pause…").click()
    page.get_by_label("Why").fill("gateway is down")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#verdict")).to_contain_text("gateway is down")
    page.get_by_role("link", name="Edit").click()
    page.fill("#f-cron", "15 3 * * 1")
    expect(page.locator("#preview")).to_contain_text("03:15:00 CE")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#live")).to_contain_text("15 3 * * 1")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#told")).to_contain_text("a/b goes on")
    ana.screenshot("schedule")
    for name, path in [("list", ""), ("calendar", "/calendar"), ("timeline", "/timeline")]:
        ana.open(f"/schedules{path}")
        ana.check_access()
        assert not ana.is_wider_than_screen()
        ana.screenshot(f"schedules-{name}")


def _run_ten_thousand_again(app: Horarium, ana: Visitor) -> None:
    now = app.engine.now()
    failed = [
        ended_run(f"many-{number}", now - HOUR - number * 100, "FAILURE", task="shop.clean", args=Raw(args))
        for number, args in enumerate([WORDY, *(b"[%d]" % number for number in range(1, MANY))])
    ]
    app.engine.results.record(failed, keep=7 * 86_400.0, now=now)
    page = ana.open("/runs")
    page.fill("#question", "task:shop.clean state:fai")
    page.get_by_role("option", name="failed").click()
    page.locator("#question").press("Enter")
    expect(page.locator("table.rows tbody tr").first).to_contain_text("GatewayError")
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        lines = page.evaluate(LINES, NAMES)
        assert lines and set(lines) == {1}, f"names are squeezed at {size['width']} px: {lines}"
    ana.check_access()
    assert not ana.is_wider_than_screen()
    page.locator("table.rows input[type=checkbox]").first.check()
    expect(page.locator("#selected")).to_have_text("1 selected:")
    ana.screenshot("runs")
    page.get_by_role("link", name="Grouped by error").click()
    expect(page.locator("main")).to_contain_text("no answer")
    ana.screenshot("runs-grouped")
    page.go_back()
    page.locator("#bulk button[value=retry-all]").click()
    expect(page.locator("main")).to_contain_text("10,000 match: 10,000 can be run again")
    ana.screenshot("bulk-preview")
    page.fill("#word", "retry")
    page.get_by_role("button", name="Run again: 10,000").click()
    expect(page.locator("#order")).to_contain_text("Done: 10,000 of 10,000", timeout=60_000)
    expect(page.locator("#order")).to_contain_text("10,000 done, 0 not")
    ana.check_access()
    ana.screenshot("bulk")
    page.go_back()
    expect(page.locator("main")).to_contain_text("can be run again")
    assert app.engine.inspector.counts().queues["default"].ready == MANY
    page = ana.open("/tasks/shop.charge")
    expect(page.locator("#lately")).to_contain_text("ConnectionError")
    assert not ana.is_wider_than_screen()
    ana.screenshot("task")


def _make_a_token_and_leave(ana: Visitor) -> None:
    page = ana.open("/settings/access")
    page.fill("#token-name", "<b>deploy</b>")
    page.get_by_role("button", name="Make a token").click()
    secret = page.inner_text("code.secret")
    assert secret.startswith("hor_")
    ana.screenshot("settings-access")
    ana.check_access()
    assert not ana.is_wider_than_screen()
    page.locator("nav.rail a", has_text="Overview").click()
    page.go_back()  # not to the token, which is shown once, nor to another one
    expect(page.locator("table")).to_contain_text("<b>deploy</b>")
    assert secret not in page.content()
    page = ana.open("/settings/audit")
    for what in ("settings.add_token", "schedules.pause", "runs.start"):
        expect(page.locator("table")).to_contain_text(what)
    assert secret not in page.content()
    ana.check_access()
    ana.screenshot("settings-audit")
    page = ana.open("/settings")
    page.select_option("#density-chosen", "tight")
    page.fill("#zone-chosen", "America/New_York")
    page.get_by_role("button", name="Remember").click()
    expect(page.locator("html[data-density=tight]")).to_be_visible()
    assert page.inner_text("#zone") == "America/New_York"
    ana.screenshot("settings-me")
    ana.check_access()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#token")).to_be_visible()
    assert "/login?then=" in ana.open("/runs").url
