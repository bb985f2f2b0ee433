"""The door: who is let in by what, what a login and a logout do, and that nothing secret is kept or said."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from gate import OURS, asking, basic, bearer, logged_in, proof_of, sending, token_for
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard import Door, Open, Person, ProxyHeader, Role, read_users, web
from horarium.dashboard.access import LoginLinks, Tokens, User, hashed
from horarium.dashboard.access.passwords import fits, read_pair
from horarium.errors import ImproperlyConfigured


@pytest.fixture
def ann() -> dict[str, User]:
    return {"ann": User("ann", Role.OPERATOR, hashed("open sesame"))}


def test_without_a_word_about_access_nobody_is_let_in(shop: Horarium) -> None:
    client = asking(shop)
    answer = client.get("/runs?q=a&b=c")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?then=%2Fruns%3Fq%3Da%26b%3Dc")
    assert client.get("/runs", headers={"HX-Request": "true"}).status_code == 401
    assert client.get("/live?view=/runs").status_code == 401
    assert client.get("/", headers=sending({"horarium_session-8600": "guess"})).status_code == 303


def test_a_token_is_shown_in_a_header_and_has_its_role(shop: Horarium) -> None:
    client = asking(shop)
    viewer = bearer(token_for(shop, Role.VIEWER))
    assert client.get("/runs", headers=viewer).status_code == 200
    assert client.get("/settings/audit", headers=viewer).status_code == 403
    assert client.get("/settings/audit", headers=bearer(token_for(shop, Role.ADMIN))).status_code == 200
    for wrong in ("Bearer hor_guess", "Bearer", "Bearer \u00e9", "Digest x", "hor_x"):
        assert client.get("/runs", headers={"Authorization": wrong.encode("latin-1")}).status_code == 303
    assert client.get(f"/runs?token={viewer['Authorization'].split()[1]}").status_code == 303  # never in addresses


def test_a_token_that_is_removed_or_expired_ends_its_sessions_too(shop: Horarium) -> None:
    tokens, now = Tokens(shop), shop.engine.now()
    secret, token = tokens.add("ci", Role.VIEWER, by="test", now=now, lasts=60.0)
    client = asking(shop)
    client.post("/login", data={"token": secret})
    assert client.get("/runs").status_code == 200
    assert tokens.read(secret, now=now + 59_000) is not None
    assert tokens.read(secret, now=now + 60_000) is None
    assert tokens.remove(token.id, now=now) is not None
    assert client.get("/runs").status_code == 303
    assert client.get("/runs", headers=bearer(secret)).status_code == 303
    tokens.read(secret, now=now)  # a request that was under way brings nothing back
    assert tokens.all(now=now) == []


def test_the_store_holds_no_token_session_or_link_as_it_is(shop: Horarium) -> None:
    secret = token_for(shop)
    client = asking(shop)
    client.post("/login", data={"token": secret})
    link = LoginLinks(shop).make(now=shop.engine.now())
    held = "".join(f"{note.key} {bytes(note.text)!r}" for note in shop.engine.notes.read("", now=shop.engine.now()))
    for each in (secret, link, *client.cookies.values()):
        assert each not in held
    [token] = Tokens(shop).all(now=shop.engine.now())
    assert token.used is not None
    assert secret not in repr(token)


def test_a_login_makes_a_new_session_with_a_cookie_that_scripts_and_other_sites_do_not_get(shop: Horarium) -> None:
    client = asking(shop)
    secret = token_for(shop)
    client.cookies.set("horarium_session-8600", "planted")
    answer = client.post("/login", data={"token": secret, "then": "/runs"})
    cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("horarium_session"))
    assert cookie.startswith("horarium_session-8600=") and "planted" not in cookie
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    first = cookie.split("=")[1].split(";")[0]
    client.cookies.clear()
    client.cookies.set("horarium_session-8600", first)
    assert client.get("/runs").status_code == 200
    client.post("/login", data={"token": secret, **proof_of(client)})
    client.cookies.clear()
    assert (
        client.get("/runs", headers=sending({"horarium_session-8600": first})).status_code == 303
    )  # it ended with the login


def test_over_https_the_cookie_is_bound_to_the_host(shop: Horarium) -> None:
    answer = asking(shop, https=True).post("/login", data={"token": token_for(shop)})
    cookie = next(each for each in answer.headers.get_list("set-cookie") if "session" in each)
    assert cookie.startswith("__Host-horarium_session=")
    assert "Secure" in cookie and "Path=/;" in cookie and "Domain" not in cookie


@pytest.mark.parametrize("prefix", ["", "/horarium"])
def test_who_is_logged_in_is_known_to_the_api_and_its_page_too(shop: Horarium, prefix: str) -> None:
    address = f"http://127.0.0.1:8600{prefix}"
    client = TestClient(Starlette(routes=[Mount(prefix, web(shop))]), base_url=address, headers=OURS)
    client.post("/login", data={"token": token_for(shop)})
    assert client.get("/api/v1/runs").status_code == 200
    assert "What the dashboard shows" in client.get("/api/v1/docs").text
    assert client.post("/api/v1/runs", json={"task": "shop.add"}).json()["code"] == "csrf"


def test_a_logout_ends_the_session_in_the_store(shop: Horarium) -> None:
    client = logged_in(shop)
    kept = dict(client.cookies)
    answer = client.post("/logout", data=proof_of(client))
    assert answer.headers["location"] == "/login"
    assert client.get("/runs").status_code == 303
    assert client.get("/runs", headers=sending(kept)).status_code == 303


def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_a_week(shop: Horarium) -> None:
    sessions = Door(shop).sessions
    now = shop.engine.now()
    day = 86_400_000
    secret, _ = sessions.open("ana", "viewer", "link:", now=now)
    assert sessions.read(secret, now=now + day + 1) is None
    for hours in range(0, 24 * 7, 12):
        assert sessions.read(secret, now=now + hours * 3_600_000) is not None
    assert sessions.read(secret, now=now + 7 * day) is None
    other, _ = sessions.open("ana", "viewer", "link:", now=now)
    sessions.read(other, now=now + day - 1000, is_use=False)  # a page that asks by itself
    assert sessions.read(other, now=now + day) is None


def test_a_link_shows_a_button_and_lets_one_browser_in_once(shop: Horarium) -> None:
    link = LoginLinks(shop).make(now=shop.engine.now())
    client, other = asking(shop), asking(shop)
    for _ in range(2):  # what looks ahead at addresses does not use it up
        assert f'value="{link}"' in client.get(f"/login?link={link}").text
    assert client.post("/login", data={"link": link}).status_code == 303
    assert client.get("/settings/audit").status_code == 200
    refused = other.post("/login", data={"link": link})
    assert refused.status_code == 403 and "has been used" in refused.text
    old = LoginLinks(shop).make(now=shop.engine.now() - 3_600_000)
    assert other.post("/login", data={"link": old}).status_code == 403


def test_a_password_lets_in_by_a_form_and_by_a_header(shop: Horarium, ann: dict[str, User]) -> None:
    client = asking(shop, Door(shop, users=ann))
    assert client.get("/runs", headers=basic("ann", "open sesame")).status_code == 200
    assert client.get("/settings/audit", headers=basic("ann", "open sesame")).status_code == 403
    for wrong in (basic("ann", "guess"), basic("bob", "open sesame"), {"Authorization": "Basic ???"}):
        assert client.get("/live?view=/runs", headers=wrong).headers["www-authenticate"].startswith("Basic ")
    assert client.post("/login", data={"name": "ann", "password": "guess"}).status_code == 403
    assert client.post("/login", data={"name": "ann", "password": "open sesame"}).status_code == 303
    assert "ann" in client.get("/settings").text


def test_a_browser_sends_a_password_by_itself_so_that_changes_need_a_proof_too(
    shop: Horarium, ann: dict[str, User]
) -> None:
    client = asking(shop, Door(shop, users=ann))
    client.headers.update(basic("ann", "open sesame"))
    assert client.post("/settings/me", data={}).status_code == 403
    assert client.post("/settings/me", data=proof_of(client)).status_code == 303
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/settings/me", data=proof_of(client), headers=cross).status_code == 403


def test_a_changed_password_ends_the_sessions_of_the_old_one(shop: Horarium, ann: dict[str, User]) -> None:
    client = asking(shop, Door(shop, users=ann))
    client.post("/login", data={"name": "ann", "password": "open sesame"})
    kept = dict(client.cookies)
    changed = {"ann": User("ann", Role.OPERATOR, hashed("another"))}
    assert asking(shop, Door(shop, users=changed)).get("/runs", headers=sending(kept)).status_code == 303
    assert asking(shop, Door(shop, users=ann)).get("/runs", headers=sending(kept)).status_code == 200


def test_guesses_are_slowed_for_a_name_at_an_address(shop: Horarium, clock: ManualClock, ann: dict[str, User]) -> None:
    client = asking(shop, Door(shop, users=ann))
    right, wrong = {"name": "ann", "password": "open sesame"}, {"name": "ann", "password": "guess"}
    answers = [client.post("/login", data=wrong).status_code for _ in range(6)]
    assert answers == [403] * 5 + [429]
    assert client.post("/login", data=right).status_code == 429
    assert client.get("/runs", headers=basic("ann", "open sesame")).status_code == 303
    clock.advance(2.1)
    assert client.post("/login", data=right).status_code == 303


def proxied(app: Horarium, peer: str, *, believed: str = "", **options: Any) -> int:
    """Return what a request through a proxy at this address is answered."""
    access = Door(app, others=[ProxyHeader(["10.0.0.0/8", "::1"], roles={"ana": Role.ADMIN}, **options)])
    scope_client = (believed or peer, 1)

    class Peered:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.inner({**scope, "client": scope_client, "horarium.peer": (peer, 1)}, receive, send)

    from starlette.testclient import TestClient

    client = TestClient(Peered(web(app, access=access)), base_url="http://127.0.0.1", follow_redirects=False)
    return client.get("/settings/audit", headers={"X-Forwarded-User": "ana"}).status_code


def test_a_proxys_header_is_believed_by_its_own_address_only(shop: Horarium) -> None:
    assert proxied(shop, "10.1.2.3") == 200
    assert proxied(shop, "::ffff:10.1.2.3") == 200
    assert proxied(shop, "::1") == 200
    assert proxied(shop, "11.1.2.3") == 303
    assert proxied(shop, "testclient") == 303
    # Somebody else says by X-Forwarded-For that they are the proxy.
    assert proxied(shop, "127.0.0.1", believed="10.1.2.3") == 303


def connection(*headers: tuple[str, str]) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return HTTPConnection({"type": "http", "path": "/", "headers": raw, "client": ("10.0.0.1", 1)})


def test_a_name_is_taken_to_the_letter_and_only_once() -> None:
    proxy = ProxyHeader(["10.0.0.1"], header="Remote-User", roles={"ana@shop.example": Role.ADMIN})
    roles = {
        name: person.role if (person := proxy.person(connection(("Remote-User", name)))) else None
        for name in ("ana@shop.example", "ana@shop.example.evil.example", "xana@shop.example", "", "a\x01b", "x" * 300)
    }
    assert list(roles.values()) == [Role.ADMIN, Role.VIEWER, Role.VIEWER, None, None, None]
    assert proxy.person(connection(("Remote-User", "ana@shop.example"), ("Remote-User", "bob"))) is None


@pytest.mark.parametrize("peers", [[], ["proxy.example"], ["10.0.0.0/99"]])
def test_a_proxy_is_named_by_its_address(peers: list[str]) -> None:
    with pytest.raises(ImproperlyConfigured, match="address"):
        ProxyHeader(peers)


def test_a_function_says_who_asks_and_what_it_cannot_say_is_refused(shop: Horarium) -> None:
    def known(connection: HTTPConnection) -> Person | None:
        name = connection.cookies.get("shop_session")
        return Person(name=name, role=Role.VIEWER, via="callable") if name else None

    client = asking(shop, known)
    assert client.get("/runs").status_code == 303
    client.cookies.set("shop_session", "ana")
    assert client.get("/runs").status_code == 200
    assert client.post("/settings/me", data={}).status_code == 403  # cookies are sent by themselves: a proof is needed
    assert client.post("/settings/me", data=proof_of(client)).status_code == 303
    assert asking(shop, lambda connection: "ana").get("/runs").status_code == 500

    async def later(connection: HTTPConnection) -> Person | None: ...

    with pytest.raises(ImproperlyConfigured, match="plain function"):
        web(shop, access=later)  # type: ignore[arg-type]


def test_who_shows_something_wrong_is_not_taken_for_somebody_else(shop: Horarium) -> None:
    client = logged_in(shop)
    assert client.get("/runs").status_code == 200
    assert client.get("/runs", headers=bearer("hor_guess")).status_code == 303


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/a\r\nX: y", "javascript:x", ""],
)
def test_a_login_leads_to_a_page_of_ours_only(shop: Horarium, then: str) -> None:
    client = asking(shop)
    assert 'name="then" value="/"' in client.get("/login", params={"then": then}).text
    answer = client.post("/login", data={"token": token_for(shop), "then": then})
    assert answer.headers["location"] == "/"
    assert "x" not in answer.headers


def test_passwords_are_kept_by_scrypt_and_no_complaint_shows_one(caplog: pytest.LogCaptureFixture) -> None:
    kept = hashed("hunter2")
    assert kept.startswith("scrypt$14$") and hashed("hunter2") != kept
    assert fits("hunter2", kept) and not fits("hunter3", kept)
    wrong: list[Any] = ["hunter2", {"ann": "hunter2"}, {"ann": ("admin", "hunter2")}, {"ann": ("root", kept)}]
    for value in wrong:
        with pytest.raises(ImproperlyConfigured) as caught:
            read_users(value)
        assert "hunter2" not in str(caught.value)
    with pytest.raises(ImproperlyConfigured) as told:
        Horarium("x", dashboard_users={"ann": "hunter2"}, set_as_current=False)
    assert "hunter2" not in str(told.value)
    with pytest.raises(ImproperlyConfigured):
        read_pair("hunter2")


def test_users_of_the_settings_are_hidden_wherever_settings_are_shown() -> None:
    kept = hashed("hunter2")
    with Horarium("x", store="memory://", dashboard_users={"ann": ("admin", kept)}, set_as_current=False) as app:
        salt = kept.split("$")[2]
        assert salt not in app.bugreport()
        assert salt not in app.conf.humanize()
        client = asking(app, Open())
        for path in ("/settings/about", "/settings/diagnostics", "/settings/keeping"):
            assert salt not in client.get(path).text


def test_each_refusal_is_in_the_log_and_no_secret_is(shop: Horarium, ann: dict[str, User], caplog: Any) -> None:
    secret = token_for(shop, Role.VIEWER)
    client = asking(shop, Door(shop, users=ann), hosts=("127.0.0.1",))
    with caplog.at_level(logging.INFO, logger="horarium.web"):
        refused = [
            lambda: client.get("/settings/audit", headers=bearer(secret)),
            lambda: client.get("/runs", headers=bearer("hor_guess")),
            lambda: client.get("/runs", headers=basic("ann\r\nforged", "hunter2")),
            lambda: client.post("/login", data={"token": "hor_guess"}),
            lambda: client.post("/login", data={"link": "guess"}),
            lambda: client.post("/login", data={"name": "ann", "password": "hunter2"}),
            lambda: client.post("/login", data={}, headers={"Sec-Fetch-Site": "cross-site"}),
            lambda: client.get("/runs", headers={"Host": "evil.example"}),
            lambda: client.get("/runs"),
        ]
        for ask in refused:
            before = len(caplog.records)
            ask()
            assert any("refused" in record.getMessage() for record in caplog.records[before:])
        client.post("/login", data={"token": secret})
    said = "\n".join(record.getMessage() for record in caplog.records)
    for each in (secret, "hunter2", "hor_guess", *client.cookies.values()):
        assert each not in said
    assert "ann\\x0d" in said and "ann\r" not in said
    assert "logged in from testclient as viewer" in said
