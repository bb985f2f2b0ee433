"""One look at the store: all that the rules judge, in a bounded number of bounded reads, however much is kept.

Runs are never counted here, and of those that failed only the newest are read. Schedules are read a page at a time, so
that a look costs the same with a million of them; those that are overdue, and those of open incidents, are read each
time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec import Struct
from msgspec.structs import replace

from horarium.alerts.book import MOST_PASSED, Book, Incident
from horarium.alerts.rules import note_passed
from horarium.alerts.symptom import Facts, Failure
from horarium.app.switches import read_switches
from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.outcome import Run, State
from horarium.schedules.record import Schedule
from horarium.tally import WIDTH_MS, bucket_of

A_PAGE = 1000  # schedules
OVERDUE_READ = 200
OVERDUE_AFTER: Seconds = 30.0  # before that it is a matter of a scheduler's next round
FAILED = (State.FAILURE, State.DEAD)
FAILED_PAGE = 100  # runs
FAILED_PAGES = 5
FAILING_TASKS = 20  # that are looked for by name, when the newest pages do not show all that the series count
GOOD_WITHIN: Seconds = 86_400.0  # the last success is looked for
AGAIN: Seconds = 60.0  # what ended up to so long before the last look may have been stored after it
ASKED_AFTER = 50  # open failures of which it is asked whether the task has succeeded since, at one look


class Look(Struct, frozen=True, kw_only=True):
    """What was seen, what is remembered after it, and where the next page of schedules begins."""

    facts: Facts
    book: Book
    judged: frozenset[str]  # the schedules it was about, also those that are gone
    after: str | None


def look(engine: Engine, book: Book, *, now: Instant, shown: Callable[[Run], Run], after: str | None = None) -> Look:
    """Look at a store. ``shown`` returns a run as people may see it. Raises: EngineUnavailable."""
    counts = engine.inspector.counts(most=0)
    schedules, judged, next_page = _schedules(engine, book, now, after)
    failures, book = _failures(engine, book, now, shown)
    facts = Facts(
        now=now,
        members=tuple(engine.inspector.workers(now=now)),
        queues=counts.queues,
        switched=read_switches(engine, now=now),
        schedules=schedules,
        number_of_schedules=counts.schedules,
        failures=failures,
        good=_last_good(engine, failures, book.incidents, now),
        well=_well(engine, book.incidents),
    )
    passed = note_passed(facts, book.passed, is_primed=book.is_primed)
    gone = judged - {schedule.name for schedule in schedules}
    kept = {name: each for name, each in passed.items() if name not in gone}
    book = replace(
        book,
        passed=dict(list(kept.items())[:MOST_PASSED]),
        is_primed=book.is_primed or next_page is None,
    )
    return Look(facts=facts, book=book, judged=judged, after=next_page)


def _schedules(
    engine: Engine, book: Book, now: Instant, after: str | None
) -> tuple[tuple[Schedule, ...], frozenset[str], str | None]:
    page = engine.schedules.browse(Page(limit=A_PAGE, after=after))
    found: dict[str, Schedule] = {schedule.name: schedule for schedule in page.schedules}
    for schedule in engine.schedules.due(now - milliseconds(OVERDUE_AFTER), OVERDUE_READ):
        found.setdefault(schedule.name, schedule)
    open_ones = {each.subject for each in book.incidents if each.rule in ("schedule_missed", "schedule_late")}
    owing = {name for name, passed in book.passed.items() if passed.lost}
    others = sorted((open_ones | owing) - found.keys())
    for name, read in zip(others, engine.schedules.get(others) if others else (), strict=True):
        if read is not None:
            found[name] = read
    return tuple(found.values()), frozenset({*found, *others}), page.next


def _failures(
    engine: Engine, book: Book, now: Instant, shown: Callable[[Run], Run]
) -> tuple[tuple[Failure, ...], Book]:
    """Return what has failed since the last look, and the book with that noted. What failed before the first look of
    all is no news."""
    is_first = book.failures_until is None
    since = (now if book.failures_until is None else book.failures_until) - milliseconds(AGAIN)
    known = set(book.failures_known)
    found = {run.id: run for run in _failed(engine, RunFilter(states=FAILED), since, known)}
    for task, number in _failing(engine, since, now).items():
        if sum(run.message.task == task for run in found.values()) < number:
            wanted = RunFilter(states=FAILED, tasks=(task,))
            found |= {run.id: run for run in _failed(engine, wanted, since, known, number=number)}
    recent = [id for id, run in found.items() if _ended(run) >= now - milliseconds(AGAIN)]
    news = () if is_first else tuple(_failure(shown(run)) for id, run in found.items() if id not in known)
    return news, replace(book, failures_until=now, failures_known=tuple(recent))


def _failing(engine: Engine, since: Instant, until: Instant) -> dict[str, int]:
    """Return which tasks have failed how often since an instant, as the series count it."""
    found: dict[str, int] = {}
    for tally in engine.series.tallies("10s", since=bucket_of(since, "10s") + WIDTH_MS["10s"], until=until + 1):
        if number := tally.counts.get("failed", 0):
            found[tally.task] = found.get(tally.task, 0) + number
    return dict(list(found.items())[:FAILING_TASKS])


def _failed(engine: Engine, wanted: RunFilter, since: Instant, known: Collection[str], *, number: int = 0) -> list[Run]:
    """Return those that ended badly since an instant. They are listed by when they were sent, so one that was sent long
    ago may stand far behind: we read on as long as there are new ones, or fewer were found than there must be."""
    found: list[Run] = []
    after: str | None = None
    for _ in range(FAILED_PAGES):
        page = engine.results.search(wanted, Page(limit=FAILED_PAGE, after=after))
        those = [run for run in page.runs if _ended(run) >= since]
        found += those
        after = page.next
        if after is None or (all(run.id in known for run in those) and len(found) >= number):
            break
    return found


def _last_good(
    engine: Engine, failures: Collection[Failure], incidents: Collection[Incident], now: Instant
) -> dict[str, Instant]:
    """Return when tasks that begin to fail last succeeded, to the minute: from the series, for the last success of one
    that only fails may lie behind all its runs."""
    open_ones = {each.subject.rpartition(" · ")[0] for each in incidents if each.rule == "task_failed"}
    tasks = sorted({failure.task for failure in failures} - open_ones)[:FAILING_TASKS]
    if not tasks:
        return {}
    since = bucket_of(now - milliseconds(GOOD_WITHIN), "1m")
    tallies = engine.series.tallies("1m", since=since, until=now + 1, tasks=tasks)
    return {tally.task: tally.at for tally in tallies if tally.counts.get("succeeded")}


def _well(engine: Engine, incidents: Collection[Incident]) -> frozenset[str]:
    """Return the open failures of whose task a later run has succeeded."""
    open_ones = sorted((each for each in incidents if each.rule == "task_failed"), key=lambda each: each.mark)
    well = set()
    for incident in open_ones[-ASKED_AFTER:]:
        task = incident.subject.rpartition(" · ")[0]
        wanted = RunFilter(states=(State.SUCCESS, State.IGNORED), tasks=(task,), since=incident.mark + 1)
        if engine.results.search(wanted, Page(limit=1)).runs:
            well.add(incident.subject)
    return frozenset(well)


def _failure(run: Run) -> Failure:
    return Failure(
        id=run.id,
        task=run.message.task,
        error=run.error.class_path if run.error else run.state,
        text=run.error.text if run.error else "",
        created=run.message.created,
        ended=_ended(run),
    )


def _ended(run: Run) -> Instant:
    return run.ended if run.ended is not None else run.changed
