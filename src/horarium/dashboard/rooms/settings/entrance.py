"""Who may come in: tokens, and what each role may do."""

from __future__ import annotations

from horarium.clock import Seconds
from horarium.dashboard.access.tokens import Token, Tokens
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable
from horarium.dashboard.person import ROLES, Role, role_of
from horarium.dashboard.rooms.settings.shelf import TABS, room

LASTS: dict[str, tuple[str, Seconds | None]] = {
    "30": ("30 days", 30 * 86_400.0),
    "90": ("90 days", 90 * 86_400.0),
    "365": ("a year", 365 * 86_400.0),
    "": ("until it is removed", None),
}
MAY = {
    Role.VIEWER: "look at everything but what is hidden",
    Role.OPERATOR: "also run again, cancel, run schedules now, pause and resume",
    Role.EDITOR: "also make, change and remove schedules",
    Role.ADMIN: "also purge queues, stop workers, make tokens, read the audit log",
}
MOST = 100


@room.page("/settings/access", live=False)
def access(ask: Ask) -> Shown:
    return _page(ask)


@room.act("/settings/tokens", role=Role.ADMIN)
def add_token(ask: Ask) -> Shown:
    """Make a token and show it, this once."""
    try:
        role = role_of(ask.given("role"))
        _, lasts = LASTS[ask.given("lasts")]
        secret, token = Tokens(ask.app).add(
            ask.given("name").strip(), role, by=ask.person.name, now=ask.now, lasts=lasts
        )
    except (ValueError, KeyError) as error:
        hint = str(error) if isinstance(error, ValueError) else "Choose one of the times that are shown."
        raise Unanswerable("wrong", "No token was made", hint=hint) from error
    text = f"made the token {token.name} ({role.word})"
    done = Done(text=text, to="/settings/access", about=f"token {token.id}", after=_plain(token))
    page = _page(ask)
    page.context["secret"] = secret
    return Shown(template=page.template, title=page.title, context=page.context, done=done)


@room.act("/settings/tokens/remove", role=Role.ADMIN)
def remove_token(ask: Ask) -> Done:
    token = Tokens(ask.app).remove(ask.given("id"), now=ask.now)
    if token is None:
        raise Unanswerable("gone", "There is no such token", hint="Somebody may have removed it already.")
    text = f"Removed the token {token.name}. Whoever still shows it is refused, and its sessions have ended."
    return Done(text=text, to="/settings/access", about=f"token {token.id}", before=_plain(token))


def _page(ask: Ask) -> Shown:
    tokens = Tokens(ask.app).all(now=ask.now) if ask.person.may(Role.ADMIN) else []
    context = {
        "tabs": TABS,
        "tokens": tokens[:MOST],
        "more": len(tokens) - MOST,
        "may": MAY,
        "roles": ROLES,
        "lasts": LASTS,
        "secret": "",
    }
    return Shown(template="settings/access.html", title="Settings", context=context)


def _plain(token: Token) -> dict[str, object]:
    return {"name": token.name, "role": token.role, "expires": token.expires}
