"""Who is let into the dashboard, from the command line: where it may listen, tokens, links, and what was changed."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from shop_words import Shop

from horarium.dashboard import Door, Open, serving
from horarium.dashboard.access import LoginLinks, Tokens
from horarium.dashboard.access.passwords import fits
from horarium.dashboard.guard import Guard


class Served:
    """Stands in for the server itself: what it was to serve, and where."""

    def __init__(self) -> None:
        self.access: Any = None
        self.hosts: frozenset[str] = frozenset()
        self.options: dict[str, Any] = {}

    def __call__(self, application: Any, place: socket.socket, **options: Any) -> int:
        place.close()
        [guard] = [each for each in application.user_middleware if each.cls is Guard]
        self.hosts = frozenset(guard.kwargs["hosts"])
        self.options = options
        live = next(route for route in application.routes if route.name == "live")
        self.access = live.endpoint.__self__.access
        return 0


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    stub = Served()
    monkeypatch.setattr(serving, "serve", stub)
    return stub


def test_it_listens_on_this_machine_and_answers_to_its_names(shop: Shop, served: Served) -> None:
    result = shop("web", "--port", "0")
    assert result.exit_code == 0, result.stderr
    assert isinstance(served.access, Door)
    assert served.hosts == {"localhost", "127.0.0.1", "::1"}
    first, second = result.stderr.splitlines()
    assert first.startswith("dashboard: http://127.0.0.1:")
    secret = second.split("login?link=")[1].split()[0]
    assert LoginLinks(shop.app).use(secret, now=shop.engine.now()) is not None


@pytest.mark.parametrize("options", [(), ("--auth", "none")])
def test_others_reach_it_only_when_somebody_has_said_how_they_log_in(
    shop: Shop, served: Served, options: tuple[str, ...]
) -> None:
    refused = shop("web", "--host", "0.0.0.0", "--port", "0", *options)
    assert refused.exit_code == 4
    assert "--auth token" in refused.stderr and "--insecure-no-auth" in refused.stderr
    assert served.access is None


def test_with_a_way_to_log_in_it_listens_anywhere(shop: Shop, served: Served) -> None:
    public = ("web", "--host", "0.0.0.0", "--port", "0")
    assert shop(*public, "--auth", "token", "--host-name", "jobs.example").exit_code == 0
    assert isinstance(served.access, Door) and served.hosts == {"jobs.example"}
    assert shop(*public, "--basic-auth", "ann:open:sesame,bob:x").exit_code == 0
    assert served.access.users.check("ann", "open:sesame") is not None
    assert shop(*public, env={"HORARIUM_WEB_BASIC_AUTH": "eve:secret"}).exit_code == 0
    assert served.access.users.check("eve", "secret") is not None
    proxied = shop(*public, "--auth", "proxy", "--proxy-peer", "10.0.0.5", "--grant", "ann:admin")
    assert proxied.exit_code == 0 and served.options["proxies"] == ("10.0.0.5",)
    assert shop(*public, "--insecure-no-auth").exit_code == 0
    assert isinstance(served.access, Open) and served.access.person(None).via == "anybody"  # type: ignore[arg-type]
    assert shop("web", "--port", "0", "--auth", "none").exit_code == 0
    assert served.access.person(None).via == "open"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--auth", "basic"), 64, "dashboard_users"),
        (("--auth", "proxy"), 1, "--proxy-peer"),
        (("--auth", "proxy", "--proxy-peer", "proxy.example"), 1, "address of a proxy"),
        (("--auth", "proxy", "--proxy-peer", "10.0.0.1", "--grant", "ann:root"), 64, "expected a role"),
        (("--auth", "token,none"), 64, "or none"),
        (("--auth", "oidc"), 64, "token, basic, proxy, django"),
        (("--basic-auth", "hunter2"), 1, "name:password"),
        (("--prefix", "//evil.example"), 1, "--prefix"),
    ],
)
def test_what_makes_no_sense_is_refused_and_says_what_would(
    shop: Shop, served: Served, options: tuple[str, ...], code: int, words: str
) -> None:
    result = shop("web", "--port", "0", *options)
    assert (result.exit_code, served.access) == (code, None)
    assert words in result.stderr and "hunter2" not in result.stderr


def test_a_port_that_somebody_has_is_told(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = shop("web", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "choose another --port" in result.stderr


def test_a_link_is_printed_when_nobody_is_logged_in_or_somebody_asks(shop: Shop, served: Served) -> None:
    assert "log in:" in shop("web", "--port", "0").stderr
    assert "log in:" not in shop("web", "--port", "0", "--no-link").stderr
    Door(shop.app).sessions.open("ana", "viewer", "link:", now=shop.engine.now())
    assert "log in:" not in shop("web", "--port", "0").stderr
    assert "log in:" in shop("web", "--port", "0", "--link").stderr


def test_tokens_are_made_listed_and_removed_and_each_is_in_the_audit_log(shop: Shop) -> None:
    made = shop("tokens", "add", "ci", "--role", "operator", "--lasts", "1d")
    secret = made.stdout.strip()
    assert secret.startswith("hor_") and secret not in made.stderr
    [row] = shop.json("tokens", "list")
    assert (row["name"], row["role"], row["used"]) == ("ci", "operator", None)
    assert secret not in shop("tokens", "list").stdout
    assert Tokens(shop.app).read(secret, now=shop.engine.now()) is not None
    assert shop("tokens", "remove", row["id"]).exit_code == 0
    assert Tokens(shop.app).read(secret, now=shop.engine.now()) is None
    assert shop("tokens", "remove", row["id"]).exit_code == 3
    assert shop("tokens", "remove", "").exit_code == 3
    assert shop("tokens", "add", "\n").exit_code == 64
    link = shop("tokens", "link", "--role", "viewer").stdout.strip()
    assert LoginLinks(shop.app).use(link.removeprefix("/login?link="), now=shop.engine.now()) is not None
    actions = [(row["action"], row["via"]) for row in shop.json("audit")]
    assert sorted(actions) == [("tokens.add", "cli"), ("tokens.link", "cli"), ("tokens.remove", "cli")]
    assert secret not in shop("audit").stdout
    assert shop("audit", "--day", "2020-01-01").stdout == ""


def test_a_password_becomes_what_may_be_kept_of_it(shop: Shop) -> None:
    kept = shop("tokens", "password", input="open sesame\n").stdout.strip()
    assert fits("open sesame", kept)
    assert shop("tokens", "password", input="\n").exit_code == 64


def test_a_dashboard_on_a_store_that_nobody_has_made_is_empty_and_serves(
    shop: Shop, served: Served, tmp_path: Path
) -> None:
    result = shop("--store", f"sqlite:///{tmp_path}/new.db", "web", "--port", "0")
    assert result.exit_code == 0, result.stderr
