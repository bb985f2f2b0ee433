"""The first page: is all well, and what needs attention?"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from horarium.alerts import firing
from horarium.dashboard.ask import Ask, Shown, part
from horarium.dashboard.room import Room
from horarium.dashboard.rooms.charts import drawn, runs_url, spark
from horarium.dashboard.rooms.schedules.place import address
from horarium.observe.attention import FAILED_WITHIN, Attention, Matter, attention
from horarium.observe.finding import plural
from horarium.observe.glance import Glance, glance
from horarium.observe.moments import age, span
from horarium.observe.text import visible
from horarium.observe.upcoming import LISTED, Fire, NextHour, next_hour
from horarium.outcome import ENDED

room = Room("overview")
TOLD = 2  # problems that the sentence names
CHARTS = ["outcomes", "run-times", "waiting"]
STRIP_HEIGHT = 36
# Where one would look, by how the cause begins.
PLACES = (
    (("queue",), "/queues"),
    (("task", "rate"), "/tasks"),
    (("schedule", "no-scheduler"), "/schedules"),
    (("worker", "no-worker", "lease", "child", "clock"), "/workers"),
    (("dead",), "/runs?q=state%3Adead"),
)


class Tile(Struct, frozen=True, kw_only=True):
    """One number, over what time it is meant, and where one learns more."""

    word: str
    value: str
    hint: str
    points: list[str]
    history: str  # the small chart in words
    url: str
    tone: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """What there is to do before anything runs, and whether it is done."""

    text: str
    code: str
    is_done: bool


@room.page("/")
def overview(ask: Ask) -> Shown:
    """Judge the installation as the doctor does, with what the counted series tell."""
    found = attention(ask.app, now=ask.now, command=ask.command, zone=ask.zone)
    numbers = glance(ask.engine.series, found.facts.queues, now=ask.now, past=ask.past)
    hour = next_hour(ask.engine, now=ask.now)
    return Shown(
        template="overview/page.html",
        title="Overview",
        context={
            "attention": found,
            "alerts": firing(ask.engine, now=ask.now),
            "way": way,
            "address": address,
            "alarming": found.alarming[:TOLD],
            "unnamed": max(0, len(found.alarming) - TOLD),
            "health": _health(found),
            "failures": [(group, _failures_url(ask, group.task, group.error)) for group in found.failures],
            "failed_url": runs_url(ask, state="failed"),
            "tiles": _tiles(ask, numbers, found),
            "steps": _steps(found, numbers),
            "hour": hour,
            "bars": _bars(hour),
            "listed": _listed(hour),
            "strip_height": STRIP_HEIGHT,
            "drawn": drawn(ask, CHARTS),
        },
    )


def way(matter: Matter) -> str:
    """Return the path of the page where one would look: of the one schedule, queue or task, if it is about one."""
    place = next((place for starts, place in PLACES if matter.cause.startswith(starts)), "/settings")
    if not matter.about:
        return place
    return address(matter.about) if place == "/schedules" else f"{place}/{part(matter.about)}"


def _health(found: Attention) -> str:
    """Return how things are, in one sentence that comes before the problems by name."""
    problems = sum(1 + matter.more for matter in found.alarming)
    if problems:
        return plural(problems, "problem")
    facts = found.facts
    alive = f"{plural(len(facts.workers), 'worker')} alive, {plural(facts.schedules_stored, 'schedule')}"
    if found.failed:
        number = f"{found.failed}{'+' if found.is_cut else ''}"
        return f"{number} of the runs sent within the last hour failed; else all is well: {alive}"
    return f"All is well: {alive}, {plural(len(facts.queues), 'queue')} in use"


def _tiles(ask: Ask, numbers: Glance, found: Attention) -> list[Tile]:
    failed = "–" if numbers.failed is None else f"{numbers.failed:.1%}"
    oldest = numbers.oldest
    return [
        Tile(
            word="Throughput",
            value=f"{numbers.per_minute:,.0f} /min",
            hint="ended, last minute",
            points=spark(numbers.rates),
            history=_in_words(numbers.rates, lambda value: f"{value:,.0f} a minute"),
            url=ask.url("/charts/outcomes"),
        ),
        Tile(
            word="Failed",
            value=failed,
            hint=f"{numbers.failures:,} in the last hour",
            points=spark(numbers.shares),
            history=_in_words(numbers.shares, lambda value: f"{value:.1%}"),
            url=runs_url(ask, state="failed"),
            tone="bad" if (numbers.failed or 0) >= 0.05 else "",
        ),
        Tile(
            word="95 % ran within",
            value="–" if numbers.p95 is None else span(numbers.p95),
            hint="last hour",
            points=spark(numbers.run_times),
            history=_in_words(numbers.run_times, span),
            url=ask.url("/charts/run-times"),
        ),
        Tile(
            word="Oldest waiting",
            value="–" if oldest is None else age(oldest),
            hint=f"in {visible(numbers.oldest_queue, 40)}" if oldest is not None else "nothing is due and waits",
            points=spark(numbers.waits),
            history=_in_words(numbers.waits, span),
            url=ask.url("/queues"),
            tone="warn" if any(matter.cause == "queue-behind" for matter in found.matters) else "",
        ),
    ]


def _in_words(values: list[float | None], shown: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    return f"last 24 hours: {shown(min(known))} to {shown(max(known))}" if known else "last 24 hours: nothing known"


def _steps(found: Attention, numbers: Glance) -> list[Step]:
    """Return what there is to do first; nothing once something has run."""
    facts, states = found.facts, found.facts.states
    if facts.trouble is not None or not numbers.is_blank or any(states.get(state) for state in ENDED):
        return []
    task = next((name for name in sorted(facts.tasks) if not name.startswith("celery.")), "TASK")
    return [
        Step(text="Open a store", code=facts.store, is_done=True),
        Step(
            text="Start a worker, with a scheduler in it",
            code=f"{facts.command} worker -B",
            is_done=bool(facts.workers),
        ),
        Step(text="Send a task", code=f"{facts.command} call {task}", is_done=any(states.values())),
        Step(text="See it end", code="it shows here, and in Runs", is_done=False),
    ]


def _failures_url(ask: Ask, task: str, error: str) -> str:
    since = ask.now - round(FAILED_WITHIN * 1000)
    return runs_url(
        ask, since=since - since % 60_000, state="failed", task=task, error=error if error != "no error" else ""
    )


def _bars(hour: NextHour) -> list[dict[str, object]]:
    """Return the strip: a bar for each minute that has firings, as high as they are many."""
    most = max((minute.number for minute in hour.minutes), default=1)
    return [
        {
            "minute": (minute.at - hour.since) // 60_000,
            "height": max(3, round(STRIP_HEIGHT * minute.number / most)),
            "fire": minute,
        }
        for minute in hour.minutes
    ]


def _listed(hour: NextHour) -> list[Fire]:
    """Return the next few minutes to be named, the most crowded one among them."""
    listed = list(hour.minutes[:LISTED])
    if hour.peak is not None and hour.peak not in listed:
        listed[-1] = hour.peak
    return listed
