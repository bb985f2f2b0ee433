"""What templates say of moments and of our own words, and what stands on every page."""

from __future__ import annotations

import re

import pytest
from front_desk import Asker
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.rendering import ENVIRONMENTS, environment, environment_kind, ticked

NIGHT = 1_795_847_400_000  # 2026-11-28 06:30 UTC


def said(asker: Asker, zone: str, there: str) -> str:
    template = environment().from_string("{{ at | moment(there=there) }}")
    return template.render(at=NIGHT, zone=zone, now=NIGHT, there=there, ask=asker.ask())


def test_a_moment_tells_utc_and_the_zone_of_what_it_is_about_if_that_is_another(asker: Asker) -> None:
    text = said(asker, "Europe/Berlin", "America/New_York")
    assert ">07:30:00 CET</time>" in text
    assert "2026-11-28 06:30:00.000 UTC · Sat 28 Nov 2026 01:30:00 EST in America/New_York" in text
    assert 'tabindex="0"' in text
    assert " in " not in said(asker, "Europe/Berlin", "Europe/Berlin")
    assert " in " not in said(asker, "Europe/Berlin", "UTC")  # it is told already


def test_our_own_words_are_marked_and_nothing_in_them_acts() -> None:
    assert ticked("as `a<b`, <i>") == "as <code>a&lt;b</code>, &lt;i&gt;"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("prod", "production"),
        ("Production", "production"),
        ("shop-prod-eu1", "production"),
        ("eu_live", "production"),
        ("pre-prod", "production"),  # rather too careful
        ("preprod", "staging"),
        ("staging2", "staging"),
        ("qa", "testing"),
        ("dev", "development"),
        ("products", "other"),
        ("lab", "other"),
    ],
)
def test_an_environment_has_a_colour_by_its_name(name: str, kind: str) -> None:
    assert environment_kind(name) == kind


def test_each_page_says_in_which_environment_it_is(shop: Horarium, client: TestClient) -> None:
    badge = re.compile(r'<span class="badge env"[^>]*>[^<]*</span>')
    assert badge.findall(client.get("/runs").text) == ['<span class="badge env">shop</span>']
    shop.conf.environment = "prod <eu>"
    [found] = badge.findall(client.get("/runs").text)
    assert 'data-kind="production"' in found
    assert found.endswith(">shop · prod &lt;eu&gt;</span>")


def darkness(colour: str) -> float:
    """Return how much brighter white is than a colour, as WCAG reckons contrast."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def test_every_kind_of_environment_has_a_colour_on_which_white_can_be_read(client: TestClient) -> None:
    address = re.findall(r'href="(/static/\w+/horarium\.css)"', client.get("/runs").text)[0]
    style = client.get(address).text
    for kind in (*ENVIRONMENTS, "other"):
        colours = re.findall(rf'\.env\[data-kind="{kind}"\] {{ background: (#\w+); }}', style)
        assert [darkness(colour) >= 4.5 for colour in colours] == [True], kind


def test_trouble_has_what_helps_whoever_is_asked_and_nothing_of_the_question(client: TestClient) -> None:
    answer = client.get("/charts/unheard-of?from=s3cret")
    assert answer.status_code == 404
    block = answer.text.partition('id="diagnostics"')[2].partition("</section>")[0]
    request = answer.headers["x-request-id"]
    for part in (
        "horarium 0.",
        " UTC\n",
        "GET /charts/unheard-of: 404",
        "There is no such chart",
        f"request {request}",
    ):
        assert part in block, part
    assert "s3cret" not in block
    assert block.count(f"request {request}") == 2  # to be read, and to be copied
