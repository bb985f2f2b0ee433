"""Who has to wait before the next login, and who need not because somebody else guesses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from gate import OURS, asking, basic
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.dashboard import Role, web
from horarium.dashboard.access import Door, User, hashed, passwords
from horarium.dashboard.access.passwords import Users
from horarium.dashboard.access.throttle import BEFORE_A_FIRST_TRY, FREE_OF_NAME, LONGEST_WAIT, MOST_KEPT, Throttle

RIGHT, WRONG = {"name": "ann", "password": "open sesame"}, {"name": "ann", "password": "guess"}


@pytest.fixture
def ann() -> dict[str, User]:
    return {"ann": User("ann", Role.VIEWER, hashed("open sesame"))}


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(clock)


class At:
    """The dashboard, asked from an address."""

    def __init__(self, app: Horarium) -> None:
        self._site = web(app, access=Door(app, users={"ann": User("ann", Role.VIEWER, hashed("open sesame"))}))

    def login(self, address: str, form: dict[str, str]) -> int:
        async def site(scope: Any, receive: Any, send: Any) -> None:
            await self._site({**scope, "client": (address, 1)}, receive, send)

        client = TestClient(site, base_url="http://127.0.0.1", headers=OURS, follow_redirects=False)
        return client.post("/login", data=form).status_code


def test_who_guesses_from_one_address_does_not_lock_the_owner_at_another(shop: Horarium) -> None:
    at = At(shop)
    assert [at.login("10.0.0.66", WRONG) for _ in range(7)] == [403] * 5 + [429] * 2
    assert at.login("10.0.0.66", RIGHT) == 429
    assert at.login("10.0.0.1", RIGHT) == 303


def test_those_who_try_in_the_same_moment_get_no_more_tries_than_others(shop: Horarium) -> None:
    at = At(shop)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: at.login("10.0.0.66", WRONG), range(12)))
    assert sorted(answers) == [403] * 5 + [429] * 7


def test_an_address_that_tries_many_names_waits_longer_and_longer(throttle: Throttle) -> None:
    for each in range(40):
        throttle.failed("10.0.0.1", f"account {each}")
    assert throttle.wait_for("10.0.0.1") == LONGEST_WAIT
    assert throttle.wait_for("10.0.0.2", "account 1") == 0.0


def test_an_address_of_a_household_has_many_names(throttle: Throttle) -> None:
    for each in range(5):
        throttle.failed(f"2001:db8:1:2::{each}", "ann")
    assert throttle.wait_for("2001:db8:1:2:ffff::1", "ann") == 2.0
    assert throttle.wait_for("2001:db8:1:3::1", "ann") == 0.0
    for _ in range(5):
        throttle.failed("::ffff:10.0.0.9", "ann")
    assert throttle.wait_for("10.0.0.9", "ann") == 2.0


def test_many_addresses_that_guess_at_a_name_are_slowed_and_lock_nobody_out(
    throttle: Throttle, clock: ManualClock
) -> None:
    throttle.succeeded("10.1.0.1", "ann")  # at home
    for each in range(FREE_OF_NAME):
        assert throttle.wait_for(f"10.0.0.{each}", "ann") == 0.0
        throttle.failed(f"10.0.0.{each}", "ann")
    assert throttle.wait_for("10.1.0.1", "ann") == 0.0
    assert throttle.wait_for("10.1.0.1", "bob") == 0.0
    for newcomer in ("10.0.1.1", "10.1.0.2"):  # a guesser, and the owner on a journey
        assert throttle.wait_for(newcomer, "ann") == BEFORE_A_FIRST_TRY
    for each in range(100):  # however many others go on in the meantime
        throttle.failed(f"10.0.2.{each}", "ann")
    clock.advance(BEFORE_A_FIRST_TRY)
    assert throttle.wait_for("10.1.0.2", "ann") == 0.0
    tries = 0
    for _ in range(3600):
        if not throttle.wait_for("10.0.1.1", "ann"):
            throttle.failed("10.0.1.1", "ann")
            tries += 1
        clock.advance(1.0)
    assert tries < 16


def test_what_is_counted_is_bounded(throttle: Throttle) -> None:
    for each in range(MOST_KEPT + 10):
        throttle.failed(f"10.{each >> 16}.{each >> 8 & 255}.{each & 255}", f"name {each}")
        throttle.succeeded(f"10.{each >> 16}.{each >> 8 & 255}.{each & 255}", f"name {each}")
    assert len(throttle._addresses._kept) == len(throttle._names._kept) == len(throttle._known) == MOST_KEPT


def test_an_unknown_name_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs of those who are known differ, after years; an unknown name costs what one of them does, each time."""
    monkeypatch.setattr(passwords, "COST", 11)
    cheap = hashed("x")
    monkeypatch.setattr(passwords, "COST", 16)
    dear = hashed("x")
    asked: list[int] = []
    monkeypatch.setattr(passwords, "_scrypt", lambda password, salt, cost: asked.append(cost) or b"")
    users = Users({"ann": User("ann", Role.VIEWER, cheap), "bob": User("bob", Role.VIEWER, dear)})
    costs = set()
    for each in range(40):
        users.check(f"nobody {each}", "guess")
        users.check(f"nobody {each}", "guess")
        one, other = asked[-2:]
        assert one == other
        costs.add(one)
    assert costs == {11, 16}


def test_a_wrong_password_counts_once_whatever_is_asked_for(shop: Horarium, ann: dict[str, User]) -> None:
    """What takes long is asked by two steps, of which each wants to know by whom."""
    client = asking(shop, Door(shop, users=ann))
    for _ in range(4):
        assert client.get("/runs", headers=basic("ann", "guess")).status_code == 303
    assert client.get("/runs", headers=basic("ann", "open sesame")).status_code == 200
