"""Tasks: how often each runs, how it goes, how long it takes, and what is set for it; stopped and let go again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from horarium.app.definition import Definition
from horarium.app.switches import Switch, Switched, Switches, read_switches
from horarium.clock import Instant, Seconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.room import Room
from horarium.dashboard.rooms.runs.asked import look_for, sight_of
from horarium.dashboard.rooms.runs.grouped import groups_of
from horarium.dashboard.rooms.schedules.place import address
from horarium.engines.records import Page, RunFilter
from horarium.observe.contents import Contents
from horarium.observe.moments import span
from horarium.observe.question import asked, either, every, written
from horarium.outcome import Run, State
from horarium.schedules.record import Schedule
from horarium.tally import BOUNDS, WIDTH_MS, Tally, bucket_of, quantile, summed

room = Room("tasks")

HOURS = 24
BAD = ("failed", "crashed", "rejected")
ENDS = ("succeeded", *BAD, "expired", "revoked", "ignored")
LOOKED_AT = 300  # newest runs of a task, for its slowest
FAILURES = 200
SLOWEST = 5
ERRORS = 5
CALLERS = 20
SCHEDULES_READ = 2000
HEIGHT = 60.0  # of a chart, in its own units
SHOWN_OPTIONS = (
    *("queue", "priority", "max_retries", "default_retry_delay", "retry_backoff", "time_limit", "soft_time_limit"),
    *("expires", "acks_late", "ignore_result", "track_started", "rate_limit", "rate_limit_scope", "concurrency"),
    *("unique_for", "unique_until", "debounce"),
)


class Rate(Struct, frozen=True, kw_only=True):
    """How a task went in the last HOURS. Times are None where nothing ran."""

    name: str
    ended: int = 0
    failed: int = 0
    retried: int = 0
    median: Seconds | None = None
    p95: Seconds | None = None
    waited: Seconds | None = None  # p95
    is_known: bool = True  # by this app
    paused: Switch | None = None


class Bar(Struct, frozen=True, kw_only=True):
    """A column of a chart: where it stands and how high its parts are."""

    at: Instant
    x: float
    good: int
    bad: int
    good_height: float
    bad_height: float


@room.page("/tasks")
def listing(ask: Ask) -> Shown:
    by_task: dict[str, list[Tally]] = {}
    for tally in _tallies(ask, None):
        by_task.setdefault(tally.task, []).append(tally)
    switched = read_switches(ask.engine, now=ask.now)
    own = ask.app.tasks.own
    names = sorted(own.keys() | by_task.keys())
    rates = [rate_of(name, by_task.get(name, ()), name in ask.app.tasks, switched) for name in names]
    return Shown(template="tasks/list.html", title="Tasks", context={"rates": rates, "hours": HOURS})


@room.page("/tasks/{name}")
def one(ask: Ask) -> Shown:
    """Raises: Unanswerable for one that neither the app nor the store knows."""
    name = ask.parts["name"]
    tallies = _tallies(ask, name)
    question = asked("task", name)
    known: Definition | None = ask.app.tasks.get(name)
    if known is None and not tallies and not ask.engine.results.search(RunFilter(tasks=(name,)), Page(limit=1)).runs:
        raise Unanswerable("gone", "Nobody knows this task", hint="No run of it is kept; the app has none so called.")
    schedules, is_all = _schedules(ask, name)
    total = summed(tallies)
    context: dict[str, Any] = {
        "name": name,
        "rate": rate_of(name, tallies, known is not None, read_switches(ask.engine, now=ask.now)),
        "bars": bars_of(tallies, ask.now),
        "histogram": histogram_of(total.ran if total is not None else ()),
        "options": _options(known) if known is not None else [],
        "text": (known.function.__doc__ or "").strip() if known is not None else "",
        "schedules": schedules,
        "is_all": is_all,
        "address": address,
        "runs": ask.url("/runs", q=written(question)),
        "failed": ask.url("/runs", q=written(every(question, asked("state", "failed")))),
        "hours": HOURS,
    }
    return Shown(template="tasks/one.html", title=name, context=context)


@room.page("/tasks/{name}/lately", live=False, is_long=True)
def lately(ask: Ask) -> Shown:
    """What its newest runs tell, as a part of its page that loads on its own: it reads some hundreds of them."""
    question, sight = asked("task", ask.parts["name"]), sight_of(ask)
    newest = look_for(ask.engine.results, question, sight, limit=LOOKED_AT, most=LOOKED_AT).runs
    bad = every(question, either(*(asked("state", str(s).lower()) for s in (State.FAILURE, State.DEAD, State.RETRY))))
    failures = look_for(ask.engine.results, bad, sight, limit=FAILURES, most=FAILURES).runs
    context: dict[str, Any] = {
        "slowest": _slowest(newest, sight.contents),
        "looked_at": len(newest),
        "callers": callers_of(ask, newest),
        "groups": groups_of(ask, failures, question)[:ERRORS],
    }
    return Shown(template="tasks/lately.html", title="", context=context)


@room.act("/tasks/{name}/pause", role=Role.OPERATOR)
def pause(ask: Ask) -> Done:
    name = ask.parts["name"]
    switches = Switches(ask.app.connection)
    before = switches.read().of_task(name)
    switches.pause_task(name, reason=ask.given("reason")[:500], by=ask.person.name)
    text = "Paused: no worker starts it any more. What is sent waits."
    return Done(text=text, to=f"/tasks/{part(name)}", about=f"task {name}", before=_told(before), after="paused")


@room.act("/tasks/{name}/resume", role=Role.OPERATOR)
def resume(ask: Ask) -> Done:
    name = ask.parts["name"]
    switches = Switches(ask.app.connection)
    before = switches.read().of_task(name)
    was_paused = switches.resume_task(name)
    text = "Resumed: workers start it again."
    if not was_paused:
        by_pattern = f": it is paused by the pattern {before.name}; resume that" if before is not None else ""
        text = f"Nothing was done{by_pattern or ': it was not paused'}"
    return Done(
        text=text, to=f"/tasks/{part(name)}", is_good=was_paused, about=f"task {name}", before=_told(before), after=""
    )


def callers_of(ask: Ask, runs: Sequence[Run]) -> list[tuple[str, int]]:
    """Return the tasks that sent these runs and how many each did, those with the most first; of runs that are kept."""
    parents = [run.message.parent for run in runs if run.message.parent]
    kept = {
        run.id: run.message.task for run in ask.engine.results.read(list(dict.fromkeys(parents))) if run is not None
    }
    return Counter(kept[id] for id in parents if id in kept).most_common(CALLERS)


def rate_of(name: str, tallies: Iterable[Tally], is_known: bool, switched: Switched) -> Rate:
    """Return how a task went, from what was counted."""
    paused, total = switched.of_task(name), summed(tallies)
    if total is None:
        return Rate(name=name, is_known=is_known, paused=paused)
    return Rate(
        name=name,
        ended=sum(total.counts.get(word, 0) for word in ENDS),
        failed=sum(total.counts.get(word, 0) for word in BAD),
        retried=total.counts.get("retried", 0),
        median=quantile(total.ran, 0.5, total.ran_sum),
        p95=quantile(total.ran, 0.95, total.ran_sum),
        waited=quantile(total.waited, 0.95, total.waited_sum),
        is_known=is_known,
        paused=paused,
    )


def bars_of(tallies: Iterable[Tally], now: Instant) -> list[Bar]:
    """Return a bar for each of the last HOURS, the oldest first."""
    last = bucket_of(now, "1h")
    by_hour: dict[Instant, list[Tally]] = {last - hour * WIDTH_MS["1h"]: [] for hour in range(HOURS - 1, -1, -1)}
    for tally in tallies:
        if tally.at in by_hour:
            by_hour[tally.at].append(tally)
    counted = []
    for at, those in by_hour.items():
        counts = [tally.counts for tally in those]
        bad = sum(each.get(word, 0) for each in counts for word in BAD)
        counted.append((at, sum(each.get("succeeded", 0) for each in counts), bad))
    most = max([1, *(good + bad for _, good, bad in counted)])
    return [
        Bar(at=at, x=float(10 * place), good=good, bad=bad, good_height=_high(good, most), bad_height=_high(bad, most))
        for place, (at, good, bad) in enumerate(counted)
    ]


def histogram_of(ran: Sequence[int]) -> list[tuple[str, int, int]]:
    """Return the bins from the first to the last that has something: up to how long, how many, and its share of the
    greatest in hundredths."""
    if not any(ran):
        return []
    first = next(place for place, number in enumerate(ran) if number)
    last = max(place for place, number in enumerate(ran) if number)
    most = max(ran)
    words = [f"≤ {span(bound)}" for bound in BOUNDS] + [f"> {span(BOUNDS[-1])}"]
    return [(words[place], ran[place], round(100 * ran[place] / most)) for place in range(first, last + 1)]


def _tallies(ask: Ask, name: str | None) -> list[Tally]:
    until = bucket_of(ask.now, "1h") + WIDTH_MS["1h"]
    since = until - HOURS * WIDTH_MS["1h"]
    return ask.engine.series.tallies("1h", since=since, until=until, tasks=None if name is None else [name])


def _schedules(ask: Ask, name: str) -> tuple[list[Schedule], bool]:
    page = ask.engine.schedules.browse(Page(limit=SCHEDULES_READ))
    return [schedule for schedule in page.schedules if schedule.task == name], page.next is None


def _slowest(runs: Iterable[Run], contents: Contents) -> list[tuple[Run, list[tuple[str, str]]]]:
    those = sorted((run for run in runs if run.took is not None), key=lambda run: run.took or 0.0, reverse=True)
    return [(run, contents.keys(run)) for run in map(contents.seen, those[:SLOWEST])]


def _options(task: Definition) -> list[tuple[str, str]]:
    """Return what is set for a task, where something is."""
    given = [(name, getattr(task, name)) for name in SHOWN_OPTIONS]
    shown = [(name, str(value)) for name, value in given if value not in (None, False)]
    errors = ", ".join(kind.__name__ for kind in task.autoretry_for)
    return shown + ([("autoretry_for", errors)] if errors else [])


def _told(switch: Switch | None) -> str:
    return "" if switch is None else f"paused by {switch.by}: {switch.reason}"


def _high(number: int, most: int) -> float:
    return round(HEIGHT * number / most, 1)
