"""What stands before every route: hosts, sizes, origins, odd requests, headers, and how much one browser may ask."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import uvicorn
from api_desk import refused
from front_desk import in_a_loop
from gate import asking, known_as
from sse_starlette import ServerSentEvent
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard import Open, Person, Role, streams, web
from horarium.dashboard.access.secret import is_proof
from horarium.dashboard.ask import Ask, Done, Download, Shown
from horarium.dashboard.forwarding import Forwarded, Proxies
from horarium.dashboard.guard import MOST_BYTES, WRITES_AT_ONCE, Guard
from horarium.dashboard.room import Room
from horarium.dashboard.streams import MOST, Streams

HEADERS = ("content-security-policy", "x-content-type-options", "referrer-policy", "x-request-id", "cache-control")


def test_a_name_that_leads_here_by_somebody_elses_will_is_refused(shop: Horarium) -> None:
    client = asking(shop, Open(), hosts=("localhost", "127.0.0.1", "::1", "Jobs.Example"))
    names = ("127.0.0.1:8600", "localhost", "LOCALHOST:1", "[::1]:8600", "jobs.example")
    assert [client.get("/", headers={"Host": name}).status_code for name in names] == [200] * 5
    others = ("evil.example", "127.0.0.1.evil.example", "evil@127.0.0.1", "[::1", "", "localhost.", "0")
    assert [client.get("/", headers={"Host": name}).status_code for name in others] == [421] * 7


def test_a_body_beyond_the_most_is_refused_with_and_without_a_length(shop: Horarium) -> None:
    client = asking(shop, Open())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/settings/me", content=b"a" * (MOST_BYTES + 1), headers=form).status_code == 413
    assert client.post("/settings/me", content=iter([b"a" * 400_000] * 3), headers=form).status_code == 413
    assert client.post("/settings/me", content=iter([b"zone=UTC"]), headers=form).status_code == 303
    for length in ("-1", "1e3", "9" * 400, "\u00b2"):
        odd = {**form, "Content-Length": length.encode("latin-1")}
        assert client.post("/settings/me", content=b"zone=UTC", headers=odd).status_code == 413


def test_every_answer_has_the_headers_whatever_it_is(shop: Horarium, caplog: pytest.LogCaptureFixture) -> None:
    room = Room("bad")

    @room.page("/{name}/bad", role=Role.NOBODY)
    def bad(ask: Ask) -> Shown:
        raise RuntimeError("a secret detail")

    client = asking(shop, Open(), rooms=[room], hosts=("127.0.0.1",))
    evil = {"Host": "evil.example"}
    answers = [
        client.get("/nowhere"),
        client.get("/a/bad"),
        client.get("/static/x/y"),
        client.post("/nowhere"),
        client.delete("/a/bad"),
        client.get("/", headers=evil),
        client.post("/", headers={"Sec-Fetch-Site": "cross-site"}),
        client.post("/", content=b"a" * (MOST_BYTES + 1)),
        client.options("/a/bad", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}),
    ]
    for answer in answers:
        assert [name for name in HEADERS if name not in answer.headers] == [], answer.url
        assert "access-control-allow-origin" not in answer.headers
        assert "a secret detail" not in answer.text
    assert [answer.status_code for answer in answers] == [404, 500, 404, 405, 405, 421, 403, 413, 405]


def test_what_fails_in_an_application_inside_is_an_answer_too(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("a secret detail")

    answer = TestClient(Guard(broken), base_url="http://127.0.0.1").get("/")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text


def test_one_address_makes_so_many_changes_at_once_and_then_as_time_goes_by(shop: Horarium, clock: ManualClock) -> None:
    async def fine(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    client = TestClient(
        Guard(fine, clock=clock), base_url="http://127.0.0.1", headers={"Sec-Fetch-Site": "same-origin"}
    )
    answers = [client.post("/").status_code for _ in range(WRITES_AT_ONCE + 1)]
    assert answers == [200] * WRITES_AT_ONCE + [429]
    assert client.get("/").status_code == 200
    clock.advance(0.06)
    assert [client.post("/").status_code for _ in range(2)] == [200, 429]


async def empty() -> AsyncIterator[ServerSentEvent]:
    for _ in range(3):
        yield ServerSentEvent(data="")


def test_a_browser_has_so_many_live_pages_and_one_that_closes_makes_room() -> None:
    async def look() -> None:
        streams = Streams()
        opened = [streams.counted("ana", empty()) for _ in range(MOST)]
        for each in opened:
            await anext(each)
        assert (streams.is_full("ana"), streams.is_full("bob")) == (True, False)
        await opened[0].aclose()
        assert not streams.is_full("ana")
        for each in opened[1:]:
            await each.aclose()

    in_a_loop(look())


def test_a_live_page_beyond_the_most_is_refused(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Streams, "is_full", lambda streams, who: who == "testclient")
    assert asking(shop, Open()).get("/live?view=/runs").status_code == 429


def test_whoever_logs_in_often_leaves_connections_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_OF_ALL", 7)

    async def look() -> None:
        all_of_them = Streams()
        opened = [all_of_them.counted(f"session {each}", empty()) for each in range(7)]
        for each in opened:
            await anext(each)
        assert all_of_them.is_full("another")
        await opened[0].aclose()
        assert not all_of_them.is_full("another")
        for each in opened[1:]:
            await each.aclose()

    in_a_loop(look())


def test_each_looker_gets_their_own_proof_and_after_a_logout_nothing() -> None:
    """Many share one rendering."""
    ours = Streams()

    async def events() -> AsyncIterator[ServerSentEvent]:
        for _ in range(3):
            yield ServerSentEvent(data=f"<input value={ours.mark}>")
        yield ServerSentEvent(data="the store cannot be reached", event="stale")

    async def look(name: str, welcome: list[bool]) -> list[str]:
        person, answers = Person(name=name, role=Role.VIEWER, via="session", csrf=f"{name}'s"), iter(welcome)
        return [str(event.data) async for event in ours.sealed(person, lambda: next(answers), events())]

    [anas] = in_a_loop(look("ana", [True, False]))
    assert is_proof(anas.removeprefix("<input value=").removesuffix(">"), "ana's")
    *bobs, last = in_a_loop(look("bob", [True] * 3))
    assert last == "the store cannot be reached" and len(set(bobs)) == 3  # each under a mask of its own
    assert all(is_proof(each.removeprefix("<input value=").removesuffix(">"), "bob's") for each in bobs)


def test_headers_of_answers_cannot_be_split_by_what_a_page_says(shop: Horarium) -> None:
    room = Room("odd")

    @room.page("/file", role=Role.NOBODY)
    def file(ask: Ask) -> Download:
        return Download(name='a"\r\nX-Evil: 1\u2028é.csv', body=b"a")

    @room.act("/act", role=Role.NOBODY, trial=True)
    def act(ask: Ask) -> Done:
        return Done(text="done\r\nX-Evil: 1 ✓", to="/a\u2028b?é=ü")

    @room.act("/away", role=Role.NOBODY, trial=True)
    def away(ask: Ask) -> Done:
        return Done(text="done", to="//evil.example/\r\nX-Evil: 1")

    client = asking(shop, Open(), rooms=[room])
    answers = [client.get("/file"), client.post("/act"), client.post("/away")]
    answers += [client.post(path, headers={"HX-Request": "true"}) for path in ("/act", "/away")]
    assert [answer.status_code for answer in answers] == [200, 303, 303, 204, 204]
    assert not any("x-evil" in answer.headers for answer in answers)
    assert (answers[2].headers["location"], answers[4].headers["hx-redirect"]) == ("/", "/")


ODD_PATHS = """
// /%00 /%ff%fe /..%2f..%2fetc%2fpasswd /%2e%2e/%2e%2e/ /runs/%0d%0aX-Evil:1 /runs?after=%ff /runs/%F0%9F%92%A9
/%E2%80%AE /static/x/..%2f..%2fsite.py /static/%252e%252e/site.py /static//etc/passwd /static/x/%00horarium.css
/static/x//etc/passwd /live?view=//[ /live?view=http://[::1 /live?view=%00
/login?then=%0d%0a&link=%00 /settings/audit?day=9999-99-99 /?%f0%28
/settings/audit?day=0001-01-01 /settings/audit?from=99999999999999999999 /settings/audit?from=-1
/settings/audit?from=%C2%B2
/settings/audit/export?format=%00 /settings/audit/export?day=x&format=json
""".split()


def test_odd_addresses_cookies_and_bodies_are_answered_and_never_fail(shop: Horarium) -> None:
    client = asking(shop, known_as(Role.ADMIN))
    answers = {path: client.get(path) for path in [*ODD_PATHS, "/runs/" + "a" * 4000]}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code >= 500} == {}
    assert not any(b"root:" in answer.content or b"import " in answer.content for answer in answers.values())
    for cookie in ODD_COOKIES:
        assert client.get("/runs", headers={"Cookie": cookie.encode("latin-1")}).status_code == 200
    for kind in ODD_KINDS:
        for body in ODD_BODIES:
            answer = client.post("/settings/me", content=body, headers={"Content-Type": kind})
            assert answer.status_code in (400, 403), (kind, body)


ODD_COOKIES = (
    "horarium_zone=../../etc/passwd",
    "horarium_zone=\u00ff",
    "horarium_theme=%",
    "a",
    "=",
    "horarium_told=%ff",
)
ODD_KINDS = (
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=x; charset=nope",
    "application/x-www-form-urlencoded; charset=nope",
)
ODD_BODIES = (
    b"",
    b"--x\r\n",
    b"\xff\x00=%zz&&=",
    b"--x\r\nContent-Disposition: form-data; name=\xff\r\n\r\n\xff\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--',
)


@contextmanager
def served(app: Horarium) -> Iterator[int]:
    """Serve the dashboard from a thread of this process, as `horarium web` does; yield its port."""
    site: Any = Forwarded(web(app, access=Open()), Proxies([]))
    config = uvicorn.Config(site, log_config=None, proxy_headers=False, lifespan="off")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as place:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, name="web")
        thread.start()
        try:
            yield place.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(20)


def test_odd_requests_on_the_wire_are_refused_and_the_next_one_is_answered(
    shop: Horarium, caplog: pytest.LogCaptureFixture
) -> None:
    odd = [
        b"GET http://evil.example/runs HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /runs HTTP/1.1\r\n\r\n",
        b"GET /runs\rX: y HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /%ff\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET runs HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /logout HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /logout HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /runs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /runs HTTP/1.1\r\nHost: a\r\nCookie: a=\x00\r\n\r\n",
        b"GET /runs HTTP/9.9\r\nHost: a\r\n\r\n",
    ]
    with caplog.at_level(logging.ERROR), served(shop) as port:
        for request in odd:
            with socket.create_connection(("127.0.0.1", port), 10) as wire:
                wire.sendall(request)
                wire.shutdown(socket.SHUT_WR)
                answer = wire.recv(4096)
            assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")), request
        with socket.create_connection(("127.0.0.1", port), 10) as wire:
            wire.sendall(b"GET /runs HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert wire.recv(4096).startswith(b"HTTP/1.1 200")
    assert [record.getMessage() for record in caplog.records] == []


def test_what_the_door_refuses_has_the_shape_of_the_apis_refusals(shop: Horarium) -> None:
    client = asking(shop, known_as(Role.ADMIN), hosts=["jobs.example"])
    client.headers["Host"] = "jobs.example"
    refused(client.get("/api/v1/runs", headers={"Host": "evil.example"}), 421, "wrong_host")
    refused(client.get("/api/v1/runs/a%0Ab"), 400, "invalid_path")
    refused(client.get("/runs/a%0A"), 400, "invalid_path")
    refused(client.post("/api/v1/runs", headers={"Sec-Fetch-Site": "cross-site"}), 403, "foreign")
    refused(client.post("/api/v1/runs", headers={"Content-Length": str(MOST_BYTES + 1)}), 413, "too_large")
    for _ in range(WRITES_AT_ONCE):
        client.post("/api/v1/runs")
    answer = client.post("/api/v1/runs")
    refused(answer, 429, "too_many_changes")
    assert answer.headers["retry-after"] == "1"
