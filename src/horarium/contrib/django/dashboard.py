"""The dashboard beside a Django site: whoever is staff there is known here, by Django's own session.

``mount`` is for an ASGI application; under WSGI, ``manage.py horarium web --auth django`` serves it on a port of its
own, below the same host name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Router
from starlette.types import ASGIApp

from horarium.contrib.django.project import project_app
from horarium.dashboard import Door, Person, Role, web
from horarium.dashboard.access.secret import digest

if TYPE_CHECKING:
    from horarium.app.app import Horarium

# What each role takes, besides what those before it do. Admins are superusers: they make tokens.
RIGHTS = {
    Role.VIEWER: ("horarium.view_run",),
    Role.OPERATOR: ("horarium.retry_run", "horarium.revoke_run", "horarium.pause_queue"),
    Role.EDITOR: tuple(f"django_celery_beat.{verb}_periodictask" for verb in ("add", "change", "delete")),
}


def mount(application: ASGIApp, prefix: str = "/horarium", *, app: Horarium | None = None, **options: Any) -> Router:
    """Return the site with the dashboard below a prefix: ``application = mount(get_asgi_application())``.

    ``app`` is the project's unless given; ``options`` are those of ``web``. Raises: ImproperlyConfigured.
    """
    found = app if app is not None else project_app()
    dashboard = web(found, access=StaffDoor(found), **options)
    return Router(routes=[Mount("/" + prefix.strip("/"), app=dashboard), Mount("/", app=application)])


class Staff:
    """Knows active staff by Django's session: superusers are admins, others have the role that their permissions make
    up (see RIGHTS), and none without ``horarium.view_run``."""

    def person(self, connection: HTTPConnection) -> Person | None:
        key = connection.cookies.get(settings.SESSION_COOKIE_NAME)
        if not key:
            return None
        close_old_connections()
        try:
            request = HttpRequest()
            request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
            user = get_user(request)
            if not (user.is_active and user.is_staff):
                return None
            role = role_for(user)
        finally:
            close_old_connections()
        if role == Role.NOBODY:
            return None
        return Person(name=user.get_username(), role=role, via="django", session=digest(key)[:16])


class StaffDoor(Door):
    """A Door that knows staff, and sends whoever is unknown to the site's own login page."""

    def __init__(self, app: Horarium) -> None:
        super().__init__(app, others=[Staff()])

    def login_url(self, base: str, then: str) -> str | None:
        return f"{_login_page()}?next={quote(base + then, safe='')}"


def role_for(user: Any) -> Role:
    """Return what a user of the site may do here."""
    if user.is_superuser:
        return Role.ADMIN
    found = Role.NOBODY
    for role, rights in RIGHTS.items():
        if not user.has_perms(rights):
            break
        found = role
    return found


def _login_page() -> str:
    """Return the admin's login page; where there is none, the site's."""
    try:
        return str(reverse("admin:login"))
    except NoReverseMatch:
        return str(resolve_url(settings.LOGIN_URL))
