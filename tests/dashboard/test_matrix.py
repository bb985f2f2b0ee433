"""Each route of the whole site by each role: made from the list of routes, so that what is added later is asked too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from gate import Stubs, asking, known_as
from starlette.routing import BaseRoute, Mount
from starlette.routing import Route as StarletteRoute

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard import Role, web
from horarium.dashboard.ask import local_path
from horarium.dashboard.audit import read_day
from horarium.dashboard.room import Route
from horarium.dashboard.rooms import ALL

ROUTES = [route for room in ALL for route in room.routes]
CHANGES = [route for route in ROUTES if route.is_change]
# What somebody unknown is given: how to log in, how to be drawn, and whether the server is well.
FOR_ALL = {
    "/login",
    "/logout",
    "/static/{digest}/{name}",
    "/{rest:path}",
    "/healthcheck",
    "/api/v1/livez",
    "/api/v1/readyz",
    "/api/{rest:path}",
    "/flower/{rest:path}",
}


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "some", re.sub(r"\{\w+:path\}", "some/other/name", route.path))


@pytest.mark.parametrize("role", Role, ids=lambda role: role.word)
def test_each_route_is_for_its_role_and_those_above_it(shop: Horarium, clock: ManualClock, role: Role) -> None:
    """Whoever may not is refused before the function runs; whoever may reaches it."""
    stubs = Stubs(ALL)
    client = asking(shop, known_as(role), rooms=stubs.rooms)
    found, expected = {}, {}
    for route in ROUTES:
        clock.advance(10)
        stubs.called.clear()
        form = {"horarium-csrf": "the proof"}
        answer = client.post(path_of(route), data=form) if route.is_change else client.get(path_of(route))
        found[route.name] = answer.status_code, stubs.called == [route.name]
        expected[route.name] = (303, True) if role >= route.role else (403, False)
    assert found == expected


def test_each_change_writes_one_record_and_a_trial_none(shop: Horarium, clock: ManualClock) -> None:
    client = asking(shop, known_as(Role.ADMIN), rooms=Stubs(ALL).rooms)
    for route in CHANGES:
        clock.advance(10)
        before = read_day(shop.engine, shop.engine.now(), now=shop.engine.now())[0]
        client.post(path_of(route), data={"horarium-csrf": "the proof", "reason": "a test"})
        written = read_day(shop.engine, shop.engine.now(), now=shop.engine.now())[0]
        written = written[: len(written) - len(before)]
        said = [(entry.action, entry.who, entry.via, entry.reason) for entry in written]
        assert said == ([] if route.is_trial else [(route.name, "ana", "callable", "a test")]), route.name


def test_no_change_is_made_without_the_proof_or_from_elsewhere_or_by_get(shop: Horarium, clock: ManualClock) -> None:
    stubs = Stubs(ALL)
    client = asking(shop, known_as(Role.ADMIN), rooms=stubs.rooms)
    right = {"horarium-csrf": "the proof"}
    tries: list[tuple[int, dict[str, Any]]] = [
        (403, {"data": {}}),
        (403, {"data": {"horarium-csrf": "a guess"}}),
        (403, {"data": right, "headers": {"Sec-Fetch-Site": "cross-site"}}),
        (403, {"data": right, "headers": {"Sec-Fetch-Site": "same-site"}}),
        (403, {"data": right, "headers": {"Sec-Fetch-Site": "none"}}),
        (403, {"content": b"horarium-csrf=the+proof", "headers": {"Content-Type": "text/plain"}}),
        (415, {"content": b"{}", "headers": {"Content-Type": "text/plain", **right}}),
    ]
    for route in CHANGES:
        clock.advance(60)
        path = path_of(route)
        answers = [client.post(path, **asked).status_code for _, asked in tries]
        assert answers == [status for status, _ in tries], route.name
        client.get(path)
        assert route.name not in stubs.called
    del client.headers["Sec-Fetch-Site"]  # a browser that does not know it
    for origin, status in [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://127.0.0.1:8600", 303),
    ]:
        assert client.post("/settings/me", data=right, headers={"Origin": origin}).status_code == status


def every_route(routes: list[BaseRoute], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for route in routes:
        if isinstance(route, Mount):
            yield from every_route(list(route.routes), prefix + route.path)
        elif isinstance(route, StarletteRoute):
            yield prefix + route.path, set(route.methods or ())
        elif (router := getattr(route, "original_router", None)) is not None:  # FastAPI's, included
            yield from every_route(router.routes, prefix)
        else:  # of a kind with routes in it that this test does not know
            raise AssertionError(f"{prefix}: {route!r} cannot be asked")


def test_somebody_unknown_is_shown_nothing_anywhere(shop: Horarium) -> None:
    """Every route, of whatever application inside: the answer is a login, or 401; and nothing of the shop is in it."""
    id = shop.send_task("shop.charge", (4711,)).id
    client = asking(shop)
    asked = 0
    for path, methods in every_route(web(shop).routes):
        if path in FOR_ALL:
            continue
        for method in methods - {"HEAD", "OPTIONS"}:
            url = re.sub(r"\{[^}]*\}", id, path)
            answer = client.request(method, url, data={"horarium-csrf": ""} if method == "POST" else None)
            is_led = answer.status_code == 303 and answer.headers["location"].startswith("/login?then=")
            # An old address (of Flower's) leads to a page of ours, which leads to the login.
            is_moved = answer.status_code == 302 and local_path(to := answer.headers["location"]) == to != "/"
            assert is_led or is_moved or answer.status_code == 401, f"{method} {url}: {answer.status_code}"
            assert "4711" not in answer.text
            asked += 1
    assert asked >= len(ROUTES) - 3
    assert "shop.charge" not in client.get("/nowhere").text


def test_a_route_without_a_rule_cannot_be_added() -> None:
    with pytest.raises(TypeError):
        Route(path="/x", name="x", function=lambda ask: None)  # type: ignore[call-arg,return-value,arg-type]
