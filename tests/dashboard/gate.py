"""A dashboard with its door shut, and those who stand before it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard import Person, Role, web
from horarium.dashboard.access import Tokens
from horarium.dashboard.ask import Ask, Done
from horarium.dashboard.room import Room

OURS = {"Sec-Fetch-Site": "same-origin"}


def asking(app: Horarium, access: Any = None, *, https: bool = False, **options: Any) -> TestClient:
    """Return a browser that has not logged in."""
    scheme = "https" if https else "http"
    application = web(app, access=access, **options)
    return TestClient(application, base_url=f"{scheme}://127.0.0.1:8600", headers=OURS, follow_redirects=False)


def token_for(app: Horarium, role: Role = Role.ADMIN, *, name: str = "", **options: Any) -> str:
    return Tokens(app).add(name or f"a {role.word}", role, by="test", now=app.engine.now(), **options)[0]


def logged_in(app: Horarium, role: Role = Role.ADMIN, **options: Any) -> TestClient:
    """Return a browser with a session."""
    client = asking(app, **options)
    assert client.post("/login", data={"token": token_for(app, role)}).status_code == 303
    return client


def proof_of(client: TestClient, path: str = "/settings") -> dict[str, str]:
    """Return the field that a change from a page of this browser's brings along."""
    text = client.get(path).text
    return {"horarium-csrf": text.split('name="horarium-csrf" value="')[1].split('"')[0]}


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header by which a password is shown."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(secret: str) -> dict[str, str]:
    """Return the header by which a token is shown."""
    return {"Authorization": f"Bearer {secret}"}


def sending(cookies: Mapping[str, str]) -> dict[str, str]:
    """Return the header by which a browser without cookies of its own sends these."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def known_as(role: Role, **fields: Any) -> Callable[[HTTPConnection], Person]:
    """Return an application's own answer to who asks."""
    return lambda connection: Person(name="ana", role=role, via="callable", csrf="the proof", **fields)


class Stubs:
    """The rooms of the site with stand-ins for their functions: each call is written down, each change is done."""

    def __init__(self, rooms: Iterable[Room]) -> None:
        self.called: list[str] = []
        self.rooms = [self._stubbed(room) for room in rooms]

    def _stubbed(self, room: Room) -> Room:
        made = Room(room.name)
        made.routes = [replace(route, function=self._stub(route.name)) for route in room.routes]
        return made

    def _stub(self, name: str) -> Callable[[Ask], Done]:
        def stub(ask: Ask) -> Done:
            self.called.append(name)
            return Done(text="done", to="/")

        return stub
