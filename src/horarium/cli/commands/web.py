"""``horarium web``: the dashboard, and who may come in."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import Command, Passwords, log_level, names, option
from horarium.cli.session import Session
from horarium.errors import EngineUnavailable, ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.dashboard.access import Door, ProxyHeader, User
    from horarium.dashboard.access.door import Knower
    from horarium.dashboard.person import Access, Role

WAYS = ("token", "basic", "proxy", "django", "none")
NEEDS = "pip install 'horarium[web]'"


def ways(value: object) -> tuple[str, ...]:
    """Read the ways of logging in, with commas between them."""
    found = names(value)
    if not found or set(found) - set(WAYS) or ("none" in found and len(found) > 1):
        raise click.BadParameter(
            f"expected some of {', '.join(WAYS[:-1])} with commas between them, or none, got {value!r}"
        )
    return found


@click.command("web", cls=Command)
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@option("--host", "--address", "host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@option("-p", "--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Listen on this port.")
@option("--prefix", default="", metavar="/PATH", help="Where a proxy serves it, such as /horarium.")
@option("--host-name", "host_names", multiple=True, metavar="NAME", help="Be asked by this name, and by no other.")
@option(
    "--auth",
    type=ways,
    metavar="WAYS",
    help="How people log in: token, basic, proxy, django; or none. [default: token]",
)
@option("--insecure-no-auth", is_flag=True, help="Let everybody in who reaches it, as an admin, on any address.")
@option(
    "--basic-auth",
    type=Passwords(),
    multiple=True,
    metavar="NAME:PASSWORD",
    help="An admin with a password (Flower's); see the docs.",
)
@option(
    "--proxy-peer", "peers", multiple=True, metavar="ADDRESS", help="A proxy, or network of such, that is believed."
)
@option("--proxy-header", default="X-Forwarded-User", show_default=True, help="In which a proxy says who it is.")
@option("--proxy-role", default="viewer", show_default=True, metavar="ROLE", help="Of those whom a proxy has let in.")
@option("--grant", "grants", multiple=True, metavar="NAME:ROLE", help="The role of one of them, by the whole name.")
@option("--link/--no-link", "wants_link", default=None, help="Print a link that logs in once. [default: when needed]")
@option("--read-only", is_flag=True, help="Let nobody change anything, whatever their role.")
@option("--allow-unregistered", is_flag=True, help="Let Flower's send-task send tasks that nobody knows.")
@click.pass_obj
def command(
    session: Session,
    loglevel: str,
    host: str,
    port: int,
    prefix: str,
    host_names: tuple[str, ...],
    auth: tuple[str, ...] | None,
    insecure_no_auth: bool,
    basic_auth: tuple[str, ...],
    peers: tuple[str, ...],
    proxy_header: str,
    proxy_role: str,
    grants: tuple[str, ...],
    wants_link: bool | None,
    read_only: bool,
    allow_unregistered: bool,
) -> int:
    """Serve the dashboard until told to stop (TERM or Ctrl-C).

    It listens on this machine only, and lets in whoever shows a token (`horarium tokens add`) or opens the link that it
    prints. On any other address say how people log in.
    """
    with web_extra():
        from horarium.dashboard import guard, serving
        from horarium.dashboard.access import Door
        from horarium.dashboard.person import Open, Role
        from horarium.dashboard.site import web
    from horarium.observe import logs

    app, prefix = session.app, _prefix(prefix)
    users = _users(app, basic_auth)
    chosen = ("none",) if insecure_no_auth else auth or (("basic",) if users else ())
    with closing(serving.listening(host, port)) as place:
        address, real_port = place.getsockname()[:2]
        is_private = ip_address(address).is_loopback
        if not is_private and not insecure_no_auth:
            _check_ways(host, chosen)
        access: Access
        most = Role.VIEWER if read_only else Role.ADMIN
        if chosen == ("none",):
            access = Open(most, is_exposed=not is_private)
        else:
            others: list[Knower] = [_proxy(peers, proxy_header, proxy_role, grants)] if "proxy" in chosen else []
            access = Door(app, users=_wanted(users, auth, chosen), others=[*others, *_staff(chosen)], most=most)
        hosts = (*host_names, *(guard.LOOPBACK if is_private else ())) if host_names or is_private else ()
        logs.configure(loglevel, app.conf, None, color=session.out.color)
        url = f"http://{_shown(host, host_names)}:{real_port}{prefix}/"
        session.out.say(f"dashboard: {url}")
        if isinstance(access, Door):
            _offer(session, access, url, wants_link)
        site = web(app, access=access, hosts=hosts, sends_unregistered=allow_unregistered)
        return serving.serve(site, place, prefix=prefix, proxies=peers)


USERS = (
    "name them in the setting dashboard_users; `horarium tokens password` makes what is kept of a password",
    "or, as with Flower: HORARIUM_WEB_BASIC_AUTH=name:password in the environment",
)


@contextmanager
def web_extra() -> Iterator[None]:
    """Say what to install where the dashboard's libraries are not. Raises: Stop."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("horarium"):
            raise
        raise Stop(f"expected the dashboard's libraries, got: {error}", Exit.FAILED, hints=(NEEDS,)) from error


def _check_ways(host: str, chosen: Sequence[str]) -> None:
    """Raises: Stop when others can reach the address and nobody has said how they show who they are."""
    if not chosen or "none" in chosen:
        raise Stop(
            f"expected a way to log in before others can reach {host}, got {'--auth none' if chosen else 'none named'}",
            Exit.REFUSED,
            hints=(
                "--auth token: by tokens (`horarium tokens add`) and the link that it prints",
                "--auth basic, --auth proxy: by passwords, or by what a proxy says",
                "--insecure-no-auth: everybody who reaches it is an admin",
            ),
        )


def _users(app: Horarium, pairs: Sequence[str]) -> dict[str, User]:
    from horarium.dashboard.access.passwords import read_pair, read_users

    users = read_users(app.conf.dashboard_users)
    given = [read_pair(each) for text in pairs for each in text.split(",")]
    return users | {user.name: user for user in given}


def _wanted(users: dict[str, User], auth: Sequence[str] | None, chosen: Sequence[str]) -> dict[str, User]:
    """Return those who may log in by a password. Raises: Stop when passwords are wanted and nobody has one."""
    if "basic" in chosen and not users:
        raise Stop("expected users for --auth basic, got none", Exit.USAGE, hints=USERS)
    return users if not auth or "basic" in auth else {}


def _staff(chosen: Sequence[str]) -> list[Knower]:
    if "django" not in chosen:
        return []
    from horarium.contrib.django.dashboard import Staff

    return [Staff()]


def _proxy(peers: Sequence[str], header: str, role: str, grants: Sequence[str]) -> ProxyHeader:
    from horarium.dashboard.access import ProxyHeader

    pairs = [text.rpartition(":") for text in grants]
    return ProxyHeader(peers, header=header, role=_role(role), roles={name: _role(word) for name, _, word in pairs})


def _role(word: str) -> Role:
    from horarium.dashboard.person import role_of

    try:
        return role_of(word)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _offer(session: Session, door: Door, url: str, wanted: bool | None) -> None:
    """Print a link that logs one browser in: when asked for, to somebody at a terminal, or when nobody is logged in."""
    try:
        now = session.app.engine.now()
        if wanted or (wanted is None and (sys.stderr.isatty() or not door.sessions.is_any_open(now=now))):
            session.out.say(f"log in: {url}login?link={door.links.make(now=now)}  (once, within an hour)")
    except EngineUnavailable as error:
        session.out.say(f"no link to log in by: {error}")


def _prefix(text: str) -> str:
    prefix = text.rstrip("/")
    if prefix and (
        not prefix.startswith("/") or "//" in prefix or not prefix.isprintable() or set(prefix) & set("?#\\")
    ):
        raise ImproperlyConfigured(f"expected --prefix to be a path such as /horarium, got {text!r}")
    return prefix


def _shown(host: str, host_names: Sequence[str]) -> str:
    """Return the name by which a person may reach it."""
    name = host_names[0] if host_names else {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name
