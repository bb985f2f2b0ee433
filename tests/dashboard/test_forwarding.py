"""From where somebody asks: whoever connects can write any header, and is believed only if they are a listed proxy."""

from __future__ import annotations

import asyncio
import http.client
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from front_desk import Place
from gate import OURS, basic
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard import Role, web
from horarium.dashboard.access import Door, User, hashed
from horarium.dashboard.forwarding import Forwarded, Proxies
from horarium.dashboard.guard import address_of, peer_of
from horarium.errors import ImproperlyConfigured

PROXIES = ("10.0.0.5", "10.0.1.0/24", "::1")


def asked(peer: str, *headers: tuple[str, str], proxies: tuple[str, ...] = PROXIES) -> tuple[str, str, str]:
    """Return who asks, over what, and who has connected."""
    seen: dict[str, Any] = {}

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "scheme": "http", "client": (peer, 5), "headers": raw}
    unused: Any = None
    asyncio.run(Forwarded(inner, Proxies(proxies))(scope, unused, unused))
    return address_of(seen), seen["scheme"], peer_of(seen)


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),  # no proxy
        ("127.0.0.1", ["9.9.9.9"], "127.0.0.1"),  # not listed either
        ("10.0.0.5", [], "10.0.0.5"),  # says nothing
        ("10.0.0.5", ["1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.5", ["1.2.3.4"], "1.2.3.4"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.5", ["9.9.9.9, 1.2.3.4"], "1.2.3.4"),  # the left one is the client's own
        ("10.0.0.5", ["9.9.9.9", "1.2.3.4"], "1.2.3.4"),  # a proxy that adds a line
        ("10.0.0.5", ["9.9.9.9, 1.2.3.4, 10.0.1.7"], "1.2.3.4"),  # two proxies
        ("10.0.0.5", ["9.9.9.9, 1.2.3.4", "10.0.1.7"], "1.2.3.4"),
        ("10.0.0.5", ["10.0.0.5, 1.2.3.4"], "1.2.3.4"),  # a client that names a proxy
        ("10.0.0.5", ["1.2.3.4:5678"], "1.2.3.4"),
        ("10.0.0.5", ["[2001:db8::7]:5678"], "2001:db8::7"),
        ("10.0.0.5", ["1.2.3.4, unknown"], "10.0.0.5"),
        ("10.0.0.5", ["1.2.3.4, <b>\x1b[2J"], "10.0.0.5"),
        ("10.0.0.5", ["9.9.9.9, nonsense, 10.0.1.7"], "10.0.1.7"),
        ("10.0.0.5", [""], "10.0.0.5"),
        ("10.0.0.5", [","], "10.0.0.5"),
    ],
)
def test_the_right_most_address_that_is_no_proxys_is_who_asks(peer: str, said: list[str], address: str) -> None:
    assert asked(peer, *(("X-Forwarded-For", line) for line in said))[::2] == (address, peer)


def test_a_protocol_is_taken_from_a_proxy_only_and_from_its_end() -> None:
    assert asked("10.0.0.5", ("X-Forwarded-Proto", "https"))[1] == "https"
    assert asked("10.0.0.5", ("X-Forwarded-Proto", "https, http"))[1] == "http"
    assert asked("10.0.0.5", ("X-Forwarded-Proto", "javascript"))[1] == "http"
    assert asked("1.2.3.4", ("X-Forwarded-Proto", "https"))[1] == "http"


def test_a_proxy_that_is_no_address_is_refused_when_it_is_named() -> None:
    for wrong in ("proxy.example", "*", "10.0.0.0/99", ""):
        with pytest.raises(ImproperlyConfigured, match="expected the address of a proxy"):
            Proxies([wrong])


@pytest.mark.parametrize("proxies", [(), PROXIES])
def test_nobody_chooses_their_address_for_the_throttle_or_the_audit(shop: Horarium, proxies: tuple[str, ...]) -> None:
    access = Door(shop, users={"ann": User("ann", Role.ADMIN, hashed("open sesame"))})
    site = Forwarded(web(shop, access=access), Proxies(proxies))
    client = TestClient(site, base_url="http://127.0.0.1", headers=OURS, client=("10.0.0.5", 1), follow_redirects=False)

    def spoofing(each: int) -> dict[str, str]:
        return {"X-Forwarded-For": f"9.9.9.{each}" + (", 1.2.3.4" if proxies else "")}

    wrong = {"name": "ann", "password": "guess"}
    answers = [client.post("/login", data=wrong, headers=spoofing(each)).status_code for each in range(7)]
    assert answers == [403] * 5 + [429] * 2
    there = {"X-Forwarded-For": "9.9.9.9, 5.6.7.8"} if proxies else {}
    client = TestClient(site, base_url="http://127.0.0.1", client=("10.0.0.5" if proxies else "5.6.7.8", 1))
    told = client.post("/api/v1/queues/default/pause", json={}, headers=basic("ann", "open sesame") | there)
    assert told.status_code == 200, told.text
    [record] = client.get("/api/v1/audit", headers=basic("ann", "open sesame")).json()["items"]
    assert "5.6.7.8" in str(record) and "9.9.9" not in str(record)


def test_horarium_web_believes_nobody_until_a_proxy_is_named(tmp_path: Path) -> None:
    with Place(tmp_path, "from horarium import Horarium\napp = Horarium('shop', store='sqlite:///shop.db')\n") as place:
        url = place.serve("--auth", "token", "--no-link")
        with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)) as connection:
            for _ in range(2):
                connection.request("GET", "/runs", headers={"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https"})
                connection.getresponse().read()
        log = place.log("web")
        assert "9.9.9.9" not in log and log.count("name it if it is one: --proxy-peer 127.0.0.1") == 1
