"""How its reader wants the dashboard to be: kept by the browser, not by us."""

from __future__ import annotations

from zoneinfo import available_timezones

from horarium.clock import Seconds
from horarium.dashboard.ask import Ask, Cookie, Done, Shown, Unanswerable
from horarium.dashboard.cookies import DENSITY, THEME, ZONE
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.settings.shelf import TABS, room
from horarium.observe.moments import zone_or_utc

A_YEAR: Seconds = 365 * 86_400.0
THEMES = {"": "as the system", "light": "light", "dark": "dark"}
DENSITIES = {"": "comfortable", "tight": "tight"}


@room.page("/settings", live=False)
def me(ask: Ask) -> Shown:
    context = {"tabs": TABS, "zones": sorted(available_timezones()), "themes": THEMES, "densities": DENSITIES}
    return Shown(template="settings/me.html", title="Settings", context=context)


@room.act("/settings/me", role=Role.VIEWER, trial=True)
def choose(ask: Ask) -> Done:
    """Let the browser remember; nothing is changed in the store, and nothing is audited."""
    zone, theme, density = ask.given("zone").strip(), ask.given("theme"), ask.given("density")
    if zone and zone_or_utc(zone) != zone:
        raise Unanswerable("wrong", f"There is no time zone {zone[:80]!r}", hint="Such as Europe/Berlin, or UTC.")
    if theme not in THEMES or density not in DENSITIES:
        raise Unanswerable("wrong", "There is no such theme or density", hint="Choose one of those that are shown.")
    cookies = (_kept(ZONE, zone), _kept(THEME, theme), _kept(DENSITY, density))
    return Done(text="This browser will remember that.", to="/settings", cookies=cookies)


def _kept(name: str, value: str) -> Cookie:
    return Cookie(name=name, value=value, lasts=A_YEAR if value else 0.0, is_hidden=False)
