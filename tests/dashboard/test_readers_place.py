"""A page that is being read while it is live, in a real browser: nothing that the reader has opened, marked, focused,
selected or under the pointer is taken from them.

One place for all of it, as in test_operators_night.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from front_desk import Place, Visitor, visitor
from playwright.sync_api import Browser, Locator, Page, Route, expect

from horarium import Horarium, chain
from horarium.alerts import shelf
from horarium.alerts.book import Book, Incident

CODE = """
from horarium import Horarium
app = Horarium("shop", store="sqlite:///shop.db")
app.conf.alerts = {"channels": {"ops": {"type": "webhook", "url": "http://127.0.0.1/"}}}

@app.task
def add(a, b):
    return a + b
"""
SLOW = 20_000  # milliseconds, for what a page looks at each 5 s
SELECT = "element => getSelection().selectAllChildren(element)"
HIDE = """isHidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
HEAR = """() => {
  window.heardAt = [];
  const region = document.getElementById("heard");
  const note = () => window.heardAt.push([performance.now(), region.textContent]);
  new MutationObserver(note).observe(region, { childList: true });
}"""


def test_what_is_read_stays_where_it_is(browser: Browser, tmp_path: Path) -> None:
    with (
        Place(tmp_path, CODE) as place,
        Horarium("test", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False) as app,
        visitor(browser, place.serve()) as ana,
    ):
        app.engine.check()
        _lose_nothing(app, ana)
        _show_what_is_new_when_asked(app, ana)
        _ask_nothing_while_hidden(app, ana)
        _speak_now_and_then(app, ana)
        _move_nothing_by_what_comes_later(app, ana)
        _say_of_when_it_is(ana)


def _lose_nothing(app: Horarium, ana: Visitor) -> None:
    fire(app, mail="one waits", sms="one waits", recovered=1)
    page = live(ana, "/alerts")
    page.locator("#recent summary").click()
    for _ in range(2):
        page.keyboard.press("j")
    here, hovered = row(page, "sms"), row(page, "mail").get_by_role("link", name="Silence…")
    expect(here).to_have_class("here")
    focused = page.get_by_role("button", name="Send a test")
    focused.focus()
    hovered.hover()
    before = hovered.bounding_box()

    fire(app, older="it fires since before", mail="two wait", sms="two wait", recovered=2)
    expect(page.locator("#recent summary")).to_contain_text("2")
    expect(here).to_contain_text("two wait")
    expect(here).to_have_class("here")
    assert hovered.bounding_box() == before
    expect(focused).to_be_focused()
    expect(page.locator("#recovered")).to_be_visible()
    expect(row(page, "older")).to_have_count(0)
    expect(page.locator("#news-firing")).to_have_text("1 new · show")

    fire(app, sms="three wait", recovered=3)  # what the pointer is on has recovered, and does not slip away
    expect(page.locator("#recent summary")).to_contain_text("3")
    expect(page.locator("#firing tr.gone")).to_contain_text("mail")
    expect(here).to_contain_text("three wait")

    page.locator("#search").focus()
    page.locator("#search").hover()
    words = here.locator("td").last
    words.evaluate(SELECT)
    fire(app, sms="four wait", recovered=4)
    expect(page.locator("#recent summary")).to_contain_text("4")
    assert "three wait" in page.evaluate("getSelection().toString()")


def _show_what_is_new_when_asked(app: Horarium, ana: Visitor) -> None:
    """Of a list that has the newest first."""
    send_workflow(app)
    page = live(ana, "/workflows")
    first = page.locator("#workflows tr").first
    id = first.get_attribute("id")
    first.get_by_role("link").hover()
    send_workflow(app)
    page.get_by_role("button", name="1 new · show").wait_for()
    assert page.locator("#workflows tr").first.get_attribute("id") == id
    page.get_by_role("button", name="1 new · show").click()
    expect(page.locator("#workflows tr")).to_have_count(2)
    assert page.locator("#workflows tr").last.get_attribute("id") == id
    page.locator("#search").hover()
    send_workflow(app)  # there is nothing that it could move
    expect(page.locator("#workflows tr")).to_have_count(3)


def _ask_nothing_while_hidden(app: Horarium, ana: Visitor) -> None:
    page = live(ana, "/workflows")
    asked: list[str] = []
    page.evaluate(HIDE, True)
    page.on("request", lambda request: asked.append(request.url))
    send_workflow(app)
    other = page.context.new_page()
    other.goto(page.url)  # what is shown to others by now
    expect(other.locator("#workflows tr")).to_have_count(4)
    other.close()
    assert page.locator("#workflows tr").count() == 3
    assert asked == []
    page.evaluate(HIDE, False)
    expect(page.locator("#workflows tr")).to_have_count(4)

    behind = page.context.new_page()  # opened in the background
    behind.add_init_script("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    behind.on("request", lambda request: asked.append(request.url))
    asked.clear()
    behind.goto(page.url, wait_until="networkidle")
    assert not [url for url in asked if "/live?" in url]
    with behind.expect_request("**/live?*"):
        behind.evaluate(HIDE, False)
    behind.close()


def _speak_now_and_then(app: Horarium, ana: Visitor) -> None:
    """Whoever hears the page is told what has changed, and not without an end."""
    fire(app, mail="one waits")
    page = ana.open("/alerts")
    page.clock.install()
    page = live(ana, "/alerts")
    page.evaluate(HEAR)
    fire(app, mail="one waits", sms="one waits")
    expect(page.locator("#heard")).to_have_text("2 alerts")
    fire(app, mail="one waits", sms="one waits", fax="one waits")
    expect(row(page, "fax")).to_be_visible()
    page.clock.fast_forward(10_000)
    expect(page.locator("#heard")).to_have_text("3 alerts")
    (first, _), (second, _) = page.evaluate("heardAt")
    assert second - first >= 10_000


def _move_nothing_by_what_comes_later(app: Horarium, ana: Visitor) -> None:
    """Why a run waits is asked for when its page is there."""
    id = app.send_task("shop.add", (1, 2)).id
    asked: list[Route] = []
    ana.page.route("**/why", lambda route: asked.append(route))
    with ana.page.expect_request("**/why"):
        page = live(ana, f"/runs/{id}")
    before = page.locator("#live").bounding_box()
    asked[0].continue_()
    expect(page.locator("#why")).to_contain_text("Why is it waiting?")
    assert page.locator("#live").bounding_box() == before
    page.unroute_all()


def _say_of_when_it_is(ana: Visitor) -> None:
    """Where neither a stream nor an answer comes, what is there stays, and moves for no complaint."""
    page = ana.page
    page.route("**/live?*", lambda route: route.abort())
    ana.open("/workflows")
    expect(page.locator("#pulse")).to_contain_text("every 5 s", timeout=SLOW)
    before = page.locator("#live").bounding_box()
    page.route("**/workflows", lambda route: route.abort())
    as_of = re.compile(r"As of \d\d:\d\d:\d\d UTC: the dashboard does not answer .*; trying again")
    expect(page.locator("#stale")).to_have_text(as_of, timeout=SLOW)
    assert page.locator("#live").bounding_box() == before
    ana.faults[:] = [fault for fault in ana.faults if "Failed to fetch" not in fault]  # what was cut off above


def live(ana: Visitor, path: str) -> Page:
    page = ana.open(path)
    page.wait_for_selector("#pulse[data-state=live]")
    return page


def row(page: Page, subject: str) -> Locator:
    return page.locator(f"#incident-queue_unread-{subject}")


def fire(app: Horarium, *, recovered: int = 0, **texts: str) -> None:
    """Let these alerts fire, by their subjects: those that are named later since later; and so many have recovered."""
    now = app.engine.now()

    def incident(place: int, subject: str, text: str, **fields: Any) -> Incident:
        since = 0 if subject == "older" else 1000 * place + 1000
        known: dict[str, Any] = {"rule": "queue_unread", "phase": "firing", "seen": now, "path": "/queues", **fields}
        return Incident(subject=subject, text=text, since=since, **known)

    firing = tuple(incident(place, subject, text) for place, (subject, text) in enumerate(texts.items()))
    past = tuple(incident(place, f"past-{place}", "over", ended=now) for place in range(recovered))
    shelf.write(app.engine, now=now, book=Book(incidents=firing, recent=past))


def send_workflow(app: Horarium) -> None:
    add = app.signature("shop.add")
    chain(add.clone((1, 2)), add.clone((3,)), app=app).delay()
