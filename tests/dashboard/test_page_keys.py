"""What only a real browser can show: keys, times that are come to by keys, what a click fills in, a wrong clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from front_desk import NARROW, WIDE, Visitor, visitor
from playwright.sync_api import Browser, Page, Route, expect
from served_shop import full_shop, served

from horarium import Horarium
from horarium.app import shared
from horarium.dashboard.person import Open

# Let the live block be swapped as its stream does it, by what the server would send now.
ANEW = """async () => {
  const text = await (await fetch(location.href, { headers: { "HX-Target": "live" } })).text();
  const live = document.getElementById("live");
  await htmx.swap({ text, target: live, sourceElement: live, swap: "innerMorph" });
}"""


@pytest.fixture(scope="module")
def ana(browser: Browser) -> Iterator[Visitor]:
    """A person in Tokyo, on a shop with something of every kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "shared_tasks", [])
        with Horarium("shop", store="memory://", timezone="Europe/Berlin", set_as_current=False) as app:
            full_shop(app)
            with served(app, access=Open()) as url, visitor(browser, url, zone="Asia/Tokyo") as found:
                found.open("/")
                yield found


def rows(page: Page) -> list[bool]:
    """Return which rows of the list are selected."""
    boxes = page.locator("[data-rows] tbody input[type=checkbox]")
    return [boxes.nth(place).is_checked() for place in range(5)]


def test_keys_find_go_choose_open_and_ask(ana: Visitor) -> None:
    page = ana.open("/runs?q=state:failed")
    press = page.keyboard.press
    press("/")
    expect(page.locator("#search")).to_be_focused()
    press("g")  # it is typed, not gone
    press("r")
    expect(page.locator("#search")).to_have_value(re.compile("gr"))
    page.locator("#search").blur()
    press("?")
    expect(page.locator("#keysheet")).to_be_visible()
    press("j")  # nothing behind the sheet acts
    press("Escape")
    expect(page.locator("#keysheet")).to_be_hidden()
    assert page.locator("tr.here").count() == 0
    for key in ("j", "j", "j", "k"):
        press(key)
    expect(page.locator("[data-rows] tbody tr").nth(1)).to_have_class("here")
    press("x")
    press("j")
    press("j")
    press("Shift+X")
    assert rows(page) == [False, True, True, True, False]
    expect(page.locator("#selected")).to_have_text("3 selected:")
    press("e")  # nothing is done before somebody says so on the next page
    expect(page.locator("main h1")).to_contain_text("Run again: what it would do")
    expect(page.locator("main")).to_contain_text("3 match")
    page.go_back()
    press("j")
    press("Enter")
    expect(page.locator("#error")).to_contain_text("no answer")
    press("g")
    press("s")
    page.wait_for_url("**/schedules")
    press("z")
    page.wait_for_url("**/settings")


def test_c_asks_before_it_cancels(ana: Visitor) -> None:
    page = ana.open("/runs?q=state:waiting+task:shop.add+queue:mail")
    page.keyboard.press("j")
    page.evaluate(ANEW)  # what is live comes, and the row that was chosen stays chosen
    page.keyboard.press("x")
    page.keyboard.press("c")
    expect(page.locator("main h1")).to_contain_text("Cancel: what it would do")
    expect(page.locator("main")).to_contain_text("1 match")
    expect(page.locator("main")).to_contain_text("Nothing was changed")


def test_a_time_tells_more_to_keys_and_to_a_finger(ana: Visitor) -> None:
    page = ana.open("/schedules")
    moment, tip = page.locator("#live time").first, page.locator("#tip")
    moment.focus()
    for part in (" UTC", "EST in America/New_York", "in "):
        expect(tip).to_contain_text(part)
    page.evaluate(ANEW)
    expect(moment).to_have_attribute("aria-describedby", "tip")
    expect(tip).to_contain_text(" UTC")
    ana.check_access()
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.set_viewport_size(NARROW)
    page.locator("#live time").nth(1).click()
    expect(tip).to_be_visible()
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"]
    page.locator("#zone").click()  # the way to another zone is there on a telephone, too
    expect(page.locator("#zone-chosen")).to_be_visible()
    page.set_viewport_size(WIDE)


def test_a_quiet_slot_and_a_jitter_are_taken_by_a_click(ana: Visitor) -> None:
    page = ana.open("/schedules/nightly/edit")
    expect(page.locator("#preview")).to_contain_text("3 others fire")
    expect(page.locator("#lately")).to_contain_text("Last 30 runs: 26 succeeded, 4 failed")
    ana.screenshot("schedule-clash")
    page.locator("#slots button", has_text="by up to 5m").click()
    expect(page.locator("#f-jitter")).to_be_visible()
    expect(page.locator("#f-jitter")).to_have_value("5m")
    expect(page.locator("#slots")).not_to_contain_text("by up to")
    page.locator("#slots button", has_text="use").first.click()
    expect(page.locator("#f-crontab")).to_have_value("24 2 * * *")
    expect(page.locator("#preview .sentence")).to_contain_text("At 02:24")
    expect(page.locator("#preview")).not_to_contain_text("others fire")


@pytest.mark.parametrize(
    ("away", "said"), [(-90_000, "1 min ahead of"), (90_000, "1 min behind"), (1500, ""), (-1500, "")]
)
def test_a_browser_whose_clock_is_wrong_is_told(ana: Visitor, away: int, said: str) -> None:
    def late(route: Route) -> None:
        answer = route.fetch()
        text = re.sub(r'data-now="(\d+)"', lambda found: f'data-now="{int(found[1]) + away}"', answer.text())
        route.fulfill(response=answer, body=text)

    ana.page.route("**/settings", late)
    page = ana.open("/settings")
    page.wait_for_selector("#tip", state="attached")  # the script has come to its end
    skew = page.locator("#skew")
    if said:
        expect(skew).to_contain_text(f"This browser's clock is {said} the dashboard's")
    else:
        expect(skew).to_be_hidden()
    ana.page.unroute("**/settings")


def test_what_is_copied_says_so(ana: Visitor) -> None:
    ana.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = ana.open("/charts/unheard-of")
    button = page.locator("#diagnostics .copy")
    button.click()
    expect(button).to_have_text("copied")
    assert "GET /charts/unheard-of: 404" in page.evaluate("navigator.clipboard.readText()")
    assert not ana.faults, ana.faults
