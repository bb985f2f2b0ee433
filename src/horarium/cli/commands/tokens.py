"""``horarium tokens``: what lets programs and people into the dashboard and its API."""

from __future__ import annotations

import getpass
import sys

import click

from horarium.cli.commands.web import web_extra
from horarium.cli.exits import Exit, Stop
from horarium.cli.options import JSON, Command, Group, option, seconds
from horarium.cli.output import Column
from horarium.cli.session import Session
from horarium.clock import Seconds
from horarium.message import new_id

ROLES = ("viewer", "operator", "editor", "admin")
ROLE = option("--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What it allows.")
COLUMNS = (
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("role", "ROLE"),
    Column("made", "MADE", "instant"),
    Column("by", "BY"),
    Column("expires", "EXPIRES", "instant"),
    Column("used", "LAST USED", "instant"),
)


@click.group("tokens", cls=Group)
def command() -> None:
    """What lets programs and people into the dashboard."""


@command.command("add", cls=Command)
@click.argument("name")
@ROLE
@option("--lasts", type=seconds, metavar="DURATION", help="How long it is good, such as 90d. [default: until removed]")
@click.pass_obj
def add(session: Session, name: str, role: str, lasts: Seconds | None) -> None:
    """Make a token and print it, this once: only its digest is kept."""
    with web_extra():
        from horarium.dashboard.access import Tokens
        from horarium.dashboard.person import role_of
    now = session.app.engine.now()
    try:
        secret, token = Tokens(session.app).add(name, role_of(role), by=_who(), now=now, lasts=lasts or None)
    except ValueError as error:
        raise Stop(f"{error}, got {name!r}", Exit.USAGE) from error
    _audit(session, "tokens.add", f"token {token.id}", f"made the token {name} ({role})")
    session.out.data(secret)
    session.out.say(f"token {token.id} ({role}); it is not shown again")


@command.command("list", cls=Command)
@JSON
@click.pass_obj
def show(session: Session, as_json: bool) -> None:
    """List the tokens, the newest first; what they are is not kept."""
    with web_extra():
        from horarium.dashboard.access import Tokens
    engine = session.engine
    session.show_times_of_app()
    rows = [
        {column.key: getattr(token, column.key) for column in COLUMNS}
        for token in Tokens(session.app).all(now=engine.now())
    ]
    session.out.table(COLUMNS, rows, as_json=as_json, empty="there is no token")


@command.command("remove", cls=Command)
@click.argument("id")
@click.pass_obj
def remove(session: Session, id: str) -> None:
    """Remove a token, by its id or its beginning. Whoever still shows it is refused at once."""
    with web_extra():
        from horarium.dashboard.access import Tokens
    token = Tokens(session.app).remove(id, now=session.engine.now())
    if token is None:
        raise Stop(f"expected the id of one token, got {id!r}", Exit.NOT_FOUND, hints=("horarium tokens list",))
    _audit(session, "tokens.remove", f"token {token.id}", f"removed the token {token.name}")
    session.out.say(f"token {token.id} ({token.name}) is removed")


@command.command("link", cls=Command)
@option("--role", type=click.Choice(ROLES), default="admin", show_default=True, help="What it allows.")
@click.pass_obj
def link(session: Session, role: str) -> None:
    """Print the path of a link that logs one browser in, once and within an hour."""
    with web_extra():
        from horarium.dashboard.access import LoginLinks
        from horarium.dashboard.person import role_of
    secret = LoginLinks(session.app).make(role_of(role), now=session.app.engine.now())
    _audit(session, "tokens.link", "a link", f"made a link that logs in once ({role})")
    session.out.data(f"/login?link={secret}")
    session.out.say("it comes after the dashboard's own address")


@command.command("password", cls=Command)
@click.pass_obj
def password(session: Session) -> None:
    """Ask for a password, and print what may be kept of it in the setting dashboard_users.

    Without a terminal it is the first line of the input.
    """
    with web_extra():
        from horarium.dashboard.access import hashed
    if sys.stdin.isatty():
        given = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Stop("expected a password, got an empty line", Exit.USAGE)
    session.out.data(hashed(given))


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "somebody"


def _audit(session: Session, action: str, about: str, text: str) -> None:
    from horarium.dashboard.audit import Entry, write

    engine = session.app.engine
    now = engine.now()
    entry = Entry(at=now, who=_who(), via="cli", request=new_id(now), action=action, about=about, text=text)
    write(engine, entry)
