"""The documentation site: whole, strict, the same as the pages, and in need of no other server.

Each of pytest's processes that comes here builds it once, which takes some four seconds.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page

from chromium import started_browser

ROOT = Path(__file__).parents[2]
# Attributes of elements other than links that make a browser ask for something.
ASKING = {"src", "srcset", "href", "data", "action", "poster"}
FOREIGN = re.compile(r"(?:https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", re.IGNORECASE)
# What a page is made of, so that Markdown which means one thing in the repository and another one here is found.
COUNTED = {"li", "ul", "ol", "table", "tr", "td", "pre", "h1", "h2", "h3", "h4", "img", "blockquote", "strong", "em"}
PATIENCE = 30_000.0  # milliseconds
TYPING = "document.activeElement?.shadowRoot?.activeElement?.tagName === 'INPUT'"


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs" / "build_site.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build_site = builder()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site.build(tmp_path_factory.mktemp("documentation"))


def test_the_nav_names_every_page_once_and_nothing_else() -> None:
    assert build_site.holes(build_site.read_nav()) == []


def test_a_hole_in_the_nav_is_named() -> None:
    first, *others = build_site.pages_of(build_site.read_nav())
    assert build_site.holes([*others, "docs/none.md", {"Again": others[:1]}]) == [
        f"{first} is not in it",
        "docs/none.md is not there",
        f"{others[0]} is named twice",
    ]


def test_a_link_that_leads_nowhere_is_no_site(tmp_path: Path) -> None:
    """The builder is told to be strict, and is: about pages and about anchors."""
    config = (ROOT / build_site.CONFIG).read_text(encoding="utf-8").partition("\nnav:")[0]
    (tmp_path / build_site.CONFIG).write_text(config, encoding="utf-8")
    pages = tmp_path / "build" / "pages"
    pages.mkdir(parents=True)
    for text, is_site in (("[here](#page)", True), ("[gone](gone.md)", False), ("[gone](#gone)", False)):
        (pages / "README.md").write_text(f"# Page\n\n{text}\n", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode == 0) is is_site, done.stdout + done.stderr


def test_a_page_of_the_site_has_all_that_its_source_has(site: Path) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    differing = {}
    for page in build_site.pages_of(build_site.read_nav()):
        wanted = counts(parser.render((ROOT / page).read_text(encoding="utf-8")))
        got = counts(article_of(html_of(site, page)))
        if wanted != got:
            differing[page] = (wanted - got, got - wanted)
    assert differing == {}


def test_no_page_asks_another_server(site: Path) -> None:
    """Links to elsewhere may be followed by whoever wants to; nothing is fetched from there."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 100
    asked = {page.name: found for page in pages if (found := list(foreign(page.read_text(encoding="utf-8"))))}
    assert asked == {}
    styles = list(site.rglob("*.css"))
    assert styles != []
    assert [style.name for style in styles if IN_STYLE.search(style.read_text(encoding="utf-8"))] == []


def test_the_search_index_holds_what_the_pages_say(site: Path) -> None:
    items = json.loads((site / "search.json").read_text(encoding="utf-8"))["items"]
    found = {item["location"].partition("#")[0] for item in items}
    wanted = [html_of(site, page).relative_to(site).as_posix() for page in build_site.pages_of(build_site.read_nav())]
    assert [page for page in wanted if page not in found] == []
    for word in ("backfill", "acks_late", "RunNotFound", "tzdata", "horarium_queue_oldest_seconds", "zygote"):
        assert any(word in item["text"] or word in item["title"] for item in items), word


def test_llms_txt_names_every_page_and_the_sources_lie_beside_it(site: Path) -> None:
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# Horarium\n\n> Background and periodic tasks")
    named = re.findall(r"\]\(([^)]+)\)", text)
    assert named == list(build_site.pages_of(build_site.read_nav()))
    assert [page for page in named if not (site / page).is_file()] == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_file_system_the_site_can_be_searched_in_both_themes(
    site: Path, browser: Browser, scheme: str
) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    assert brightness(page) > 200 if scheme == "light" else brightness(page) < 60
    page.get_by_role("button", name="Search").first.click(timeout=PATIENCE)
    page.wait_for_function(TYPING, timeout=PATIENCE)
    page.keyboard.type("backfill")
    page.locator("a", has_text="horarium schedules backfill").first.wait_for(timeout=PATIENCE)
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    page.close()


def brightness(page: Page) -> float:
    """Return how bright the ground of the page is, from 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return (red + green + blue) / 3


def html_of(site: Path, page: str) -> Path:
    path = site / page
    return path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html")


def article_of(path: Path) -> str:
    """Return what a page of the site says, without what is round it."""
    return path.read_text(encoding="utf-8").partition("<article")[2].partition("</article>")[0]


def counts(html: str) -> Counter[str]:
    """Return how often each of the counted elements stands in a piece of HTML."""
    found = Elements()
    found.feed(html)
    return Counter(tag for tag, _ in found.seen if tag in COUNTED)


def foreign(html: str) -> Iterator[str]:
    """Yield what a browser would ask of other servers to show a page."""
    found = Elements()
    found.feed(html)
    for tag, attributes in found.seen:
        if tag != "a":
            yield from (value for name, value in attributes.items() if name in ASKING and FOREIGN.match(value))


class Elements(HTMLParser):
    """All elements of a piece of HTML, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))
