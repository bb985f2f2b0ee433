"""A shop that is watched in a real browser: what fires alerts, a workflow as it goes, workers, what happens, charts.

One place for all of it, as in test_operators_night.py. What every page must be is asked in test_every_page.py.
"""

from __future__ import annotations

from pathlib import Path

from front_desk import Place, Visitor, eventually, visitor
from playwright.sync_api import Browser, expect
from shop_floor import put_incident

from horarium import Horarium, chord

CODE = """
import time
from horarium import Horarium, crontab
app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")
app.conf.beat_schedule = {
    "leap": {"task": "shop.add", "schedule": crontab(0, 0, day_of_month=29, month_of_year=2), "args": [1, 2]}
}
app.conf.alerts = {"channels": {"ops": {"type": "webhook", "url": "http://127.0.0.1/"}}}

@app.task
def add(a, b):
    return a + b

@app.task
def slow(seconds):
    time.sleep(seconds)

@app.task
def charge(order):
    raise ValueError(f"gateway refused order {order}")

@app.task
def resize(n):
    if n == 3:
        raise ValueError("no <b>such</b> picture")
    return n

@app.task
def total(numbers):
    return sum(numbers)
"""


def test_a_shop_is_watched(browser: Browser, tmp_path: Path) -> None:
    """Rows 114, 117, 119, 120 and 121."""
    with (
        Place(tmp_path, CODE) as place,
        Horarium("test", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False) as app,
        visitor(browser, place.serve(), zone="Europe/Berlin") as ana,
    ):
        _see_what_fires(app, ana)
        _follow_a_workflow(place, app, ana)
        _watch_what_happens(app, ana)
        eventually(lambda: app.engine.series.tallies("10s", since=0, until=1 << 60), "something that is counted")
        _look_into_charts(ana)


def _see_what_fires(app: Horarium, ana: Visitor) -> None:
    """It comes by itself, its channel is tried, it is silenced."""
    app.engine.check()
    page = ana.open("/alerts")
    expect(page.get_by_text("Nobody looks at the rules")).to_be_visible()
    put_incident(app, subject="mail", text="2 messages ready, and no live worker reads it")
    row = page.locator("#incidents tbody tr")
    expect(row).to_contain_text("no live worker reads it")
    expect(row.get_by_text("firing")).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator("#told")).to_contain_text("private address")
    expect(page.locator("#sent")).to_contain_text("given up")
    page.get_by_role("link", name="Silence…").click()
    expect(page.get_by_label("About")).to_have_value("mail")
    page.get_by_label("Why").fill("moving house")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.locator("#silences")).to_contain_text("moving house")
    page.get_by_text("Rules: 7 of 7 are on").click()
    ana.check_access()
    assert not ana.is_wider_than_screen()
    ana.screenshot("alerts")


def _follow_a_workflow(place: Place, app: Horarium, ana: Visitor) -> None:
    resize, total = (app.signature(f"shop.{name}") for name in ("resize", "total"))
    sent = chord([resize.clone((n,)) for n in range(5)], app=app)(total)
    page = ana.open("/workflows")
    page.click("table a")
    page.wait_for_selector("#drawing svg .node >> nth=5")
    assert page.locator("#drawing .node.idle").count() == 6
    place.work("-n", "w1@vm")
    page.wait_for_selector("#drawing .node.bad")
    eventually(lambda: app.AsyncResult(sent.id).ready(), "the end of the body")
    page.wait_for_selector("text=no <b>such</b> picture")
    ana.screenshot("workflow")
    ana.check_access()
    assert not ana.is_wider_than_screen()


def _watch_what_happens(app: Horarium, ana: Visitor) -> None:
    page = ana.open("/monitor")
    page.click("text=Let workers tell")
    page.wait_for_selector("text=Answered by 1 worker")
    page.wait_for_selector("#monitor-empty:visible")
    busy = app.send_task("shop.slow", (600,)).id
    app.send_task("shop.add", (1, 2))
    app.send_task("shop.charge", (7,))
    page.wait_for_selector("#monitor .state.bad >> text=task-failed")
    page.fill("#monitor-only", "succeeded")
    assert page.is_hidden("#monitor .state.bad")

    page = ana.open("/workers/w1%40vm")
    page.wait_for_selector(f"#run-{busy}")
    page.click("text=Show stacks")
    page.wait_for_selector("pre.stacks >> text=in slow")
    ana.screenshot("stacks")
    page = ana.open("/workers/w1%40vm")
    page.click("summary >> text=Slots")
    page.fill("#slots", "3")
    page.click("button:text-is('Set')")
    page.wait_for_selector("#told >> text=grows to 3 slots")
    page.wait_for_selector("meter[max='3']")


def _look_into_charts(ana: Visitor) -> None:
    """A key changes the theme, a click leads to the runs of that moment, a stroke to that time."""
    page = ana.open("/?from=15m")
    page.wait_for_selector("#chart-outcomes canvas")
    over = page.locator("#chart-outcomes .u-over")
    box = over.bounding_box()
    assert box is not None
    page.keyboard.press("t")
    page.wait_for_selector("html[data-theme=dark] #chart-outcomes canvas")
    over.click(position={"x": box["width"] - 3, "y": 5})
    page.wait_for_url("**/runs?q=*since*")
    page = ana.open("/")
    page.wait_for_selector("#chart-outcomes canvas")
    over = page.locator("#chart-outcomes .u-over")
    box = over.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 20, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    page.mouse.up()
    page.wait_for_url("**from=2*&to=2*")
