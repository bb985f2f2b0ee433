"""The first way in, as a person takes it in a browser: the printed link, the settings, a token, and out again."""

from __future__ import annotations

import re
from pathlib import Path

from front_desk import Place, eventually, visitor
from playwright.sync_api import Browser

CODE = """
from horarium import Horarium
app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")
"""
LINK = re.compile(r"^log in: (http://\S+)", re.MULTILINE)


def test_the_printed_link_lets_a_person_in_who_then_makes_a_token(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path, CODE) as place:
        url = place.serve("--link")
        link = eventually(lambda: LINK.search(place.log("web")), "a link")[1]
        with visitor(browser, url, zone="Asia/Tokyo") as ana:
            page = ana.open("/settings/access")
            assert "/login?then=" in page.url
            ana.screenshot("login")
            ana.check_access()
            page.goto(link)
            page.get_by_role("button", name="Log in").click()
            page.wait_for_selector(".notice.good")
            page = ana.open("/settings/access")
            page.fill("#token-name", "<b>deploy</b>")
            page.get_by_role("button", name="Make a token").click()
            secret = page.inner_text("code.secret")
            assert secret.startswith("hor_")
            ana.screenshot("settings-access")
            ana.check_access()
            assert not ana.is_wider_than_screen()
            page = ana.open("/settings/audit")
            assert "settings.add_token" in page.inner_text("table")
            assert secret not in page.content()
            ana.screenshot("settings-audit")
            page = ana.open("/settings")
            page.select_option("#density-chosen", "tight")
            page.fill("#zone-chosen", "America/New_York")
            page.get_by_role("button", name="Remember").click()
            page.wait_for_selector("html[data-density=tight]")
            assert page.inner_text("#zone") == "America/New_York"
            ana.screenshot("settings-me")
            ana.check_access()
            page.get_by_role("button", name="Log out").click()
            page.wait_for_selector("#token")
            assert "/login?then=" in ana.open("/runs").url
