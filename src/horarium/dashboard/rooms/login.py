"""Coming in and going out."""

from __future__ import annotations

from horarium.dashboard.access.door import Door, LoginRefused
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, local_path
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room

room = Room("login")


@room.page("/login", role=Role.NOBODY, live=False)
def login(ask: Ask) -> Shown:
    """Ask who it is. A link is only used up by its button: what looks ahead at links must not spend it."""
    return _form(ask, ask.query.get("then", ""), link=ask.query.get("link", ""))


@room.act("/login", role=Role.NOBODY)
def enter(ask: Ask) -> Done | Shown:
    door, then = _door(ask), local_path(ask.given("then"))
    if ask.connection is None:
        raise Unanswerable("wrong", "Nobody is there to be let in")
    try:
        person, cookie = door.log_in(
            ask.connection,
            token=ask.given("token"),
            link=ask.given("link"),
            name=ask.given("name"),
            password=ask.given("password"),
        )
    except LoginRefused as refused:
        return _form(ask, then, trouble=refused.text, status=429 if refused.wait else 403)
    text = f"You are logged in as {person.name} ({person.role.word})."
    return Done(text=text, to=then, about=person.name, by=person, cookies=(cookie,))


@room.act("/logout", role=Role.NOBODY)
def leave(ask: Ask) -> Done:
    door = _door(ask)
    cookies = (door.log_out(ask.connection),) if ask.connection is not None else ()
    return Done(text="You are logged out.", to="/login", about=ask.person.name, cookies=cookies)


def _form(ask: Ask, then: str, *, link: str = "", trouble: str = "", status: int = 200) -> Shown:
    context = {
        "then": local_path(then),
        "link": link[:200],
        "trouble": trouble,
        "has_users": bool(_door(ask).users),
        "title_of_app": ask.app.main,
    }
    return Shown(template="login/page.html", title="Log in", context=context, status=status)


def _door(ask: Ask) -> Door:
    if not isinstance(ask.access, Door):
        raise Unanswerable(
            "gone", "Nobody logs in here", hint="Who may do what is decided by the application that this is part of."
        )
    return ask.access
