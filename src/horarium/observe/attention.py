"""What needs somebody's attention: what the doctor finds, worst first, and what has failed of late.

Made to be looked at every second: however many runs and schedules there are, it reads a bounded number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds
from horarium.engines.records import Page, RunFilter
from horarium.observe.doctor import LATE_GRACE, diagnose
from horarium.observe.facts import Facts, gather
from horarium.observe.finding import Finding
from horarium.observe.redacted import IN_LISTS, shown_run
from horarium.outcome import Run, State

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

JUDGED = 300  # schedules, by name, whose course is judged; of all others only whether they fire in time
LATE_READ = 20
COUNTED = 1000  # runs of each state
FAILURES_READ = 100
FAILED_WITHIN: Seconds = 3600.0
ALIKE = 3  # findings of one cause that are shown, each for itself
STANDS = 10_000  # milliseconds: "was due 40 s ago" is said anew so often, and not with each look
RANK = {"problem": 0, "warning": 1, "note": 2}
# What the doctor only notes, because it is no fault of the installation, and still somebody should look.
ALSO_ALARMING = frozenset({"queue-behind"})


class Matter(Struct, frozen=True, kw_only=True):
    """Something to look at. ``about``: the one schedule, queue or task that it is about, by name; ``more``: others of
    the same cause, that are not shown."""

    cause: str
    level: str
    text: str
    remedy: str = ""
    about: str = ""
    more: int = 0

    @property
    def is_alarming(self) -> bool:
        return self.level == "problem" or self.cause in ALSO_ALARMING


class Failures(Struct, frozen=True, kw_only=True):
    """Runs of one task that failed with one error class of late."""

    task: str
    error: str  # the name of the class
    text: str  # of the newest
    number: int
    newest: Instant


class Attention(Struct, frozen=True, kw_only=True):
    """All of it. ``is_cut``: more runs have failed than were read."""

    matters: tuple[Matter, ...]
    failures: tuple[Failures, ...]
    failed: int = 0
    is_cut: bool = False
    unjudged: int = 0  # schedules of which only is known whether they fire in time
    facts: Facts

    @property
    def alarming(self) -> list[Matter]:
        return [matter for matter in self.matters if matter.is_alarming]


def attention(app: Horarium, *, now: Instant, command: str = "horarium", zone: str = "UTC") -> Attention:
    """Look at an installation; remedies begin with ``command``. A store that cannot be used is a matter, and never
    raised by the looking itself; reading what failed raises EngineUnavailable."""
    facts = gather(app, now, command=command, zone=zone, most_schedules=JUDGED, most_counted=COUNTED)
    if facts.trouble is None:
        facts = _with_late(app.engine, facts)
    runs = failed_of_late(app.engine, now=now) if facts.trouble is None else ()
    judged = replace(facts, now=facts.now - facts.now % STANDS)
    return Attention(
        matters=tuple(matters(diagnose(judged))),
        failures=tuple(by_error(runs, lambda run: shown_run(run, app, limit=IN_LISTS))),
        failed=len(runs),
        is_cut=len(runs) == FAILURES_READ,
        unjudged=max(0, facts.schedules_stored - JUDGED),
        facts=facts,
    )


def matters(findings: Iterable[Finding]) -> list[Matter]:
    """Return what somebody should know, the worst first; of each cause no more than a few, and how many others."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.level != "ok":
            found.setdefault((finding.level, finding.cause), []).append(finding)
    shown = [
        Matter(
            cause=each.cause,
            level=each.level,
            text=each.text,
            remedy=each.remedy,
            about=each.about,
            more=len(alike) - ALIKE if place == ALIKE - 1 else 0,
        )
        for alike in found.values()
        for place, each in enumerate(alike[:ALIKE])
    ]
    return sorted(shown, key=lambda matter: (not matter.is_alarming, RANK[matter.level]))


def failed_of_late(engine: Engine, *, now: Instant) -> tuple[Run, ...]:
    """Return the newest runs that were sent within the last hour and have failed, up to FAILURES_READ."""
    since = now - round(FAILED_WITHIN * 1000)
    since -= since % 60_000  # or each second would ask for another page
    wanted = RunFilter(states=(State.FAILURE,), since=since)
    return engine.results.search(wanted, Page(limit=FAILURES_READ)).runs


def by_error(runs: Iterable[Run], shown: Callable[[Run], Run]) -> list[Failures]:
    """Return failed runs (the newest first) grouped by task and error class, the largest group first. ``shown`` returns
    a run as people may see it."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        name = run.error.class_path.rpartition(".")[2] if run.error else "no error"
        groups.setdefault((run.message.task, name), []).append(run)
    found = [_failures(task, error, group, shown(group[0])) for (task, error), group in groups.items()]
    return sorted(found, key=lambda group: (-group.number, -group.newest))


def _failures(task: str, error: str, group: list[Run], newest: Run) -> Failures:
    return Failures(
        task=task,
        error=error,
        text=newest.error.text if newest.error else "",
        number=len(group),
        newest=max(run.ended or run.changed for run in group),
    )


def _with_late(engine: Engine, facts: Facts) -> Facts:
    """Add the schedules that were to fire and have not, wherever among all of them they stand."""
    known = {schedule.name for schedule in facts.schedules}
    late = engine.schedules.due(facts.now - round(LATE_GRACE * 1000), LATE_READ)
    return replace(facts, schedules=facts.schedules + tuple(each for each in late if each.name not in known))
