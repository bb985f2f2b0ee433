"""Django's staff in the dashboard: known by their session, with the role that their permissions make up."""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("jinja2")

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.contrib.django.dashboard import Staff, mount
from horarium.dashboard import Person, Role

pytestmark = [pytest.mark.once]
VIEWER = ["view_run"]
OPERATOR = [*VIEWER, "retry_run", "revoke_run", "pause_queue"]
EDITOR = [*OPERATOR, "add_periodictask", "change_periodictask", "delete_periodictask"]


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", set_as_current=False) as app:
        yield app


def known(user: User | None, cookie: str = "") -> Person | None:
    """Return who the dashboard takes a user's browser for."""
    if user is not None:
        browser = Client()
        browser.force_login(user)
        cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    headers = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())] if cookie else []
    return Staff().person(HTTPConnection({"type": "http", "path": "/", "headers": headers}))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rights", "role"),
    [
        ([], None),
        (VIEWER, Role.VIEWER),
        (OPERATOR, Role.OPERATOR),
        (EDITOR, Role.EDITOR),
        (OPERATOR[1:], None),  # whoever may not look may nothing
        (VIEWER + EDITOR[4:], Role.VIEWER),
    ],
)
def test_staff_have_the_role_that_their_permissions_make_up(rights: list[str], role: Role | None) -> None:
    ann = User.objects.create_user("ann", password="x", is_staff=True)
    ann.user_permissions.add(*Permission.objects.filter(codename__in=rights))
    person = known(ann)
    assert (person and person.role) == role
    assert person is None or (person.name, person.via) == ("ann", "django")


@pytest.mark.django_db
def test_superusers_are_admins_and_others_than_active_staff_are_nobody() -> None:
    boss = User.objects.create_superuser("boss", password="x")
    assert known(boss) is not None and known(boss).role == Role.ADMIN  # type: ignore[union-attr]
    assert known(None) is None
    assert known(None, "guess") is None
    customer = User.objects.create_user("eve", password="x", is_superuser=True)
    assert known(customer) is None
    boss.is_active = False
    boss.save()
    browser = Client()
    browser.force_login(boss)
    assert known(None, browser.cookies[settings.SESSION_COOKIE_NAME].value) is None


@pytest.mark.django_db
def test_a_changed_password_ends_what_an_old_session_may() -> None:
    boss = User.objects.create_superuser("boss", password="x")
    browser = Client()
    browser.force_login(boss)
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    assert known(None, cookie) is not None
    boss.set_password("y")
    boss.save()
    assert known(None, cookie) is None


def test_it_is_mounted_beside_the_site_and_sends_strangers_to_the_admins_login(app: Horarium) -> None:
    async def site(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"the site {scope['path']}")(scope, receive, send)

    client = TestClient(mount(site, "/horarium/", app=app), base_url="http://127.0.0.1", follow_redirects=False)
    assert client.get("/orders").text == "the site /orders"
    led = client.get("/horarium/runs?q=a")
    assert (led.status_code, led.headers["location"]) == (303, "/admin/login/?next=%2Fhorarium%2Fruns%3Fq%3Da")
    assert client.get("/horarium/static/x/y").status_code == 404
