"""Reading many schedules within bounds: a page of those that fit, from a place in the order of names on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import Struct

from horarium.clock import Instant
from horarium.dashboard.ask import Ask
from horarium.engines.records import Page, RunFilter
from horarium.errors import InvalidSchedule
from horarium.observe.bars import in_words
from horarium.observe.moments import span
from horarium.schedules.health import Condition, health
from horarium.schedules.record import Schedule

ROWS = 50
LATELY = 30  # runs that tell how a schedule fares
SEARCHED = 5000  # schedules that one page looks through for those that fit
DECLARED = 200  # of the code's definitions that are looked for in the store
OWNERS = ("person", "code", "table")
STATES = {
    "attention": "needs attention",
    "ok": "fares well",
    "missed": "has missed some",
    "paused": "paused",
    "off": "disabled or ended",
    "new": "has not run yet",
}
_CONDITIONS = {
    "attention": {Condition.LATE, Condition.FAILING, Condition.IN_ERROR},
    "ok": {Condition.OK},
    "paused": {Condition.PAUSED},
    "off": {Condition.DISABLED, Condition.ENDED},
    "new": {Condition.NEVER_RAN},
}


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for: a part of the name, task or description; whose it is; how it fares."""

    text: str = ""
    owner: str = ""
    state: str = ""

    @classmethod
    def of(cls, ask: Ask) -> Wanted:
        """Read a query; what makes no sense in it is as if it were not there."""
        owner, state = ask.query.get("owner", ""), ask.query.get("state", "")
        return cls(
            text=" ".join(ask.query.get("q", "").split())[:200],
            owner=owner if owner in OWNERS else "",
            state=state if state in STATES else "",
        )

    @property
    def is_everything(self) -> bool:
        return not (self.text or self.owner or self.state)

    def fits(self, schedule: Schedule, now: Instant) -> bool:
        """Tell whether a schedule is among what is asked for; the owner is the store's to judge."""
        text = self.text.casefold()
        if text and not any(text in each.casefold() for each in (schedule.name, schedule.task, schedule.description)):
            return False
        if self.state == "missed":
            return schedule.missed > 0
        return not self.state or health(schedule, now).condition in _CONDITIONS[self.state]


class Found(Struct, frozen=True, kw_only=True):
    """A page of schedules. ``searched`` is how many were looked at; ``next`` where to go on, None at the end."""

    schedules: tuple[Schedule, ...]
    searched: int
    next: str | None


def look(ask: Ask, wanted: Wanted, after: str | None) -> Found:
    """Return the next schedules that fit, at most two pages of ROWS, having looked at SEARCHED at the most."""
    found: list[Schedule] = []
    searched, place = 0, after
    fits: Callable[[Schedule], bool] = lambda schedule: wanted.fits(schedule, ask.now)  # noqa: E731  # it is short
    while True:
        page = ask.engine.schedules.browse(Page(limit=ROWS, after=place), owner=wanted.owner or None)
        searched += len(page.schedules)
        fitting = list(filter(fits, page.schedules))
        found += fitting
        place = page.next
        if place is None or searched >= SEARCHED or len(found) > ROWS - 10 or wanted.is_everything:
            return Found(schedules=tuple(found), searched=searched, next=place)


def some(ask: Ask, most: int) -> Iterator[Schedule]:
    """Yield the first so many schedules by name, read page by page."""
    place, left = None, most
    while left > 0:
        page = ask.engine.schedules.browse(Page(limit=min(left, 500), after=place))
        yield from page.schedules
        place, left = page.next, left - len(page.schedules)
        if place is None:
            return


def lately_of(ask: Ask, name: str) -> str:
    """Return how the last LATELY runs of a schedule went, and how long nearly all of them took; empty without any."""
    runs = ask.engine.results.search(RunFilter(schedule=name), Page(limit=LATELY)).runs
    if not runs:
        return ""
    took = sorted(run.took for run in runs if run.took is not None)
    p95 = f"; p95 {span(took[max(0, math.ceil(0.95 * len(took)) - 1)])}" if took else ""
    text = in_words(runs)
    return text[:1].upper() + text[1:] + p95


def has_scheduler(ask: Ask) -> bool:
    """Tell whether anybody is there to store what the code defines and to fire what is due."""
    return any(each.alive and each.member.kind == "scheduler" for each in ask.engine.inspector.workers(now=ask.now))


def declared_only(ask: Ask, most: int = ROWS) -> list[Schedule]:
    """Return what the code defines and nobody has stored yet, of its first DECLARED definitions ``most``."""
    names = list(islice(ask.app.raw_entries(), DECLARED))
    absent = [name for name, each in zip(names, ask.engine.schedules.get(names), strict=True) if each is None]
    declared: list[Schedule] = []
    for name in absent[:most]:
        try:
            declared.append(ask.app.schedules.get(name))
        except InvalidSchedule:  # `horarium check` and the scheduler's log say what is wrong with it
            continue
    return declared
