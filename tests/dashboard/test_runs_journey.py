"""Runs as a person meets them: with a real worker and a real browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from front_desk import ROOT, Place, Visitor, visitor
from playwright.sync_api import Browser, expect

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
def add(a, b):
    return a + b
"""


def test_an_operator_finds_why_a_job_failed_and_runs_all_of_them_again(tmp_path: Path, browser: Browser) -> None:
    """Rows 115 and 116."""
    (tmp_path / "switch").write_text("off")
    with Place(tmp_path, CODE) as place:
        place.work()
        _send(place)
        with visitor(browser, place.serve(), zone="Europe/Berlin") as ana:
            _find_it(ana)
            (tmp_path / "switch").write_text("on")
            _run_them_again(ana)


def _send(place: Place) -> None:
    code = "import shop; [shop.charge.delay(order) for order in (1115, 1116, 1117)]; shop.add.delay(1, 2); shop.add.delay('q' * 300, '')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], cwd=place.folder, env=environment, check=True, timeout=60)


def _find_it(ana: Visitor) -> None:
    page = ana.open("/runs")
    expect(page.locator("tr", has_text="failed")).to_have_count(3)
    lines = page.locator("td[data-label=Task] a").evaluate_all("each => each.map(a => a.getClientRects().length)")
    assert set(lines) == {1}, "a long argument squeezes the names of tasks"
    ana.check_access()
    page.fill("#question", "state:fai")
    page.get_by_role("option", name="failed").click()
    page.locator("#question").press("Enter")
    expect(page.locator("table.rows tbody tr")).to_have_count(3)
    page.locator("table.rows tbody a").first.click()
    expect(page.locator("#error")).to_contain_text("gateway refused order 1117")
    expect(page.locator("#attempts pre")).to_contain_text("shop.py")
    ana.check_access()
    ana.screenshot("run-failed")
    page.get_by_role("link", name="Similar failures").click()
    expect(page.locator("table.rows tbody tr")).to_have_count(3)
    assert not ana.is_wider_than_screen()


def _run_them_again(ana: Visitor) -> None:
    page = ana.page
    page.locator("table.rows input[type=checkbox]").first.check()
    expect(page.locator("#selected")).to_have_text("1 selected:")
    ana.screenshot("runs")
    page.locator("#bulk button[value=retry-all]").click()
    expect(page.locator("main")).to_contain_text("3 match: 3 can be run again")
    page.get_by_role("button", name="Run again: 3").click()
    expect(page.locator("#order")).to_contain_text("Done: 3 of 3")
    page.get_by_role("link", name="sent again as").first.click()
    expect(page.locator("#live .state").first).to_contain_text("succeeded")
    page.goto(f"{ana.url}/tasks/shop.charge")
    expect(page.locator("#lately")).to_contain_text("ConnectionError")
    assert not ana.is_wider_than_screen()
