"""Where somebody may want to go who types a part of a name: what Ctrl-K asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from horarium.dashboard.ask import Ask, Shown, part
from horarium.dashboard.room import Room
from horarium.dashboard.rooms.schedules.looking import Wanted, look
from horarium.dashboard.rooms.schedules.place import address
from horarium.observe.queues import queue_rows
from horarium.observe.workers import worker_rows

room = Room("finding")
OF_A_KIND = 6  # that are shown
TEXT_CHARS = 200
PAGES = {
    "Overview": "/",
    "Runs": "/runs",
    "Failed runs": "/runs?q=state%3Afailed",
    "Runs that go on": "/runs?q=state%3Arunning",
    "New run": "/runs/new",
    "Tasks": "/tasks",
    "Schedules": "/schedules",
    "New schedule": "/schedules/new",
    "Calendar of schedules": "/schedules/calendar",
    "Timeline of schedules": "/schedules/timeline",
    "Queues": "/queues",
    "Workers": "/workers",
    "Workflows": "/workflows",
    "Alerts": "/alerts",
    "Monitor": "/monitor",
    "Settings": "/settings",
}


class Goal(Struct, frozen=True, kw_only=True):
    """A page that can be gone to; ``path`` is within the dashboard."""

    kind: str
    name: str
    path: str


@room.page("/find", live=False)
def find(ask: Ask) -> Shown:
    """Show at most OF_A_KIND goals of each kind, those whose names begin with the text first; a run by its whole id."""
    text = " ".join(ask.query.get("q", "").split())[:TEXT_CHARS]
    return Shown(template="find.html", title="Go to", context={"text": text, "goals": list(_goals(ask, text))})


def _goals(ask: Ask, text: str) -> Iterator[Goal]:
    for name in _fitting(PAGES, text):
        yield Goal(kind="page", name=name, path=PAGES[name])
    if not text:
        return
    if any(ask.engine.results.read([text])):
        yield Goal(kind="run", name=text, path=f"/runs/{part(text)}")
    for name in _fitting((schedule.name for schedule in look(ask, Wanted(text=text), None).schedules), text):
        yield Goal(kind="schedule", name=name, path=address(name))
    for name in _fitting(ask.app.tasks.own, text):
        yield Goal(kind="task", name=name, path=f"/tasks/{part(name)}")
    for name in _fitting((row.name for row in queue_rows(ask.engine, now=ask.now)), text):
        yield Goal(kind="queue", name=name, path=f"/queues/{part(name)}")
    workers = {row.name: row.address for row in worker_rows(ask.engine, now=ask.now)}
    for name in _fitting(workers, text):
        yield Goal(kind="worker", name=name, path=f"/workers/{part(workers[name])}")


def _fitting(names: Iterable[str], text: str) -> list[str]:
    """Return the names that hold the text, in whatever case: those that begin with it first, else in their order."""
    wanted = text.casefold()
    found = [name for name in names if wanted in name.casefold()]
    return sorted(found, key=lambda name: not name.casefold().startswith(wanted))[: OF_A_KIND if text else None]
