"""Flower's routes by each role: made from the list of routes, so that what is added later is asked too.

Flower knows one right, to do everything. Here a viewer looks, an operator also sends and cancels, and only an admin
stops or changes workers.
"""

from __future__ import annotations

from typing import Any

import pytest
from gate import asking, known_as
from msgspec.structs import replace

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard import Role
from horarium.dashboard.audit import read_day
from horarium.dashboard.flower import known, serving
from horarium.dashboard.flower.asked import Asked, Did

ROUTES = list(known())
CHANGES = [path for method, path, _ in ROUTES if method == "POST"]
OPERATORS = {f"/api/task/{what}" for what in "apply async-apply send-task revoke abort timeout rate-limit".split()}
PROOF = {"horarium-csrf": "the proof"}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let stand-ins do what the routes do; the paths of those that were reached are gathered."""
    reached: list[str] = []

    def stub(path: str, *, is_change: bool) -> Any:
        def reach(asked: Asked) -> Any:
            reached.append(path)
            return Did(body={"task-id": "x"}, text="done", about="x") if is_change else {}

        return reach

    routes = tuple(replace(each, function=stub(each.path, is_change=each.is_change)) for each in serving._ROUTES)
    monkeypatch.setattr(serving, "_ROUTES", routes)
    monkeypatch.setattr(serving, "_with_result", _at_once)
    monkeypatch.setattr(serving, "exposition", lambda app: reached.append("/metrics") or b"")
    return reached


async def _at_once(asked: Asked, answer: Any) -> Any:
    return answer


@pytest.mark.parametrize("role", [role for role in Role if role > Role.NOBODY], ids=lambda role: role.word)
def test_each_route_is_for_its_role_and_those_above_it(
    shop: Horarium, clock: ManualClock, called: list[str], role: Role
) -> None:
    """Whoever may not is refused before anything is done; whoever may reaches it, and a change is written down."""
    client = asking(shop, known_as(role))
    found, expected = {}, {}
    for method, path, least in ROUTES:
        clock.advance(10)
        called.clear()
        before = len(records(shop))
        answer = client.request(method, path.replace("{part:path}", "x"), headers=PROOF)
        found[path] = answer.status_code, called == [path], len(records(shop)) - before
        may = role >= least
        is_stubbed = least > Role.NOBODY
        status = 302 if path in serving.MOVED else 200
        expected[path] = (status if may else 403, may and is_stubbed, int(may and method == "POST"))
    assert found == expected


def test_viewers_change_nothing_operators_act_on_tasks_and_admins_on_workers() -> None:
    least = {path.removesuffix("/{part:path}"): role for method, path, role in ROUTES if method == "POST"}
    assert least == dict.fromkeys(OPERATORS, Role.OPERATOR) | {
        path: Role.ADMIN for path in least if path.startswith("/api/worker/")
    }
    assert {role for method, _, role in ROUTES if method == "GET"} == {Role.NOBODY, Role.VIEWER}


def test_no_change_is_made_in_a_browsers_session_without_its_proof_or_from_elsewhere(
    shop: Horarium, clock: ManualClock, called: list[str]
) -> None:
    client = asking(shop, known_as(Role.ADMIN))
    wrong: list[dict[str, str]] = [{}, {"horarium-csrf": "a guess"}, {**PROOF, "Sec-Fetch-Site": "cross-site"}]
    for path in CHANGES:
        clock.advance(10)
        url = path.replace("{part:path}", "x")
        assert [client.post(url, headers=headers).status_code for headers in wrong] == [403, 403, 403], path
        assert client.get(url, headers=PROOF).status_code == 405, path
    assert called == [] and records(shop) == []


def records(shop: Horarium) -> list[Any]:
    return read_day(shop.engine, shop.engine.now(), now=shop.engine.now())[0]
