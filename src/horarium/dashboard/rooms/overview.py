"""The first page: is all well, and what needs attention?"""

from __future__ import annotations

from horarium.dashboard.ask import Ask, Shown
from horarium.dashboard.room import Room

room = Room("overview")


@room.page("/")
def overview(ask: Ask) -> Shown:
    counts = ask.engine.inspector.counts()
    return Shown(template="overview.html", title="Overview", context={"counts": counts})
