"""A workflow as people see it: what follows what, what stands side by side, and what each task has sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from horarium.engines.records import Page, RunFilter
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

MOST_RUNS = 20_000  # of one workflow that are looked at
PAGE = 500


class Step(Struct, frozen=True, kw_only=True):
    """One run, what it still waits for, and what it has sent besides what follows it."""

    run: Run
    waits_for: tuple[str, ...] = ()
    sent: tuple[Line, ...] = ()


class Crowd(Struct, frozen=True, kw_only=True):
    """Lines that run side by side: the members of a group, in order."""

    members: tuple[Line, ...]


Line: TypeAlias = "tuple[Step | Crowd, ...]"  # one after the other


class Workflow(Struct, frozen=True, kw_only=True):
    root: str
    runs: tuple[Run, ...]
    lines: tuple[Line, ...]
    is_whole: bool  # False: it has more runs than are looked at


def workflow_of(engine: Engine, run: Run) -> Workflow:
    """Return the whole workflow that a run belongs to, as far as its runs are kept."""
    return _read(engine, run.message.root or run.id)


def workflow_under(engine: Engine, root: str) -> Workflow | None:
    """Return the workflow whose root has this id, which may be that of a group and no run's; None if there is none."""
    return _read(engine, root) if engine.results.search(RunFilter(root=root), Page(limit=1)).runs else None


def _read(engine: Engine, root: str) -> Workflow:
    runs = {each.id: each for each in engine.results.read([root]) if each is not None}
    page = engine.results.search(RunFilter(root=root), Page(limit=PAGE))
    while True:
        runs |= {each.id: each for each in page.runs}
        if page.next is None or len(runs) >= MOST_RUNS:
            break
        page = engine.results.search(RunFilter(root=root), Page(limit=PAGE, after=page.next))
    found = tuple(runs.values())
    return Workflow(root=root, runs=found, lines=arranged(found), is_whole=page.next is None)


def arranged(runs: Iterable[Run]) -> tuple[Line, ...]:
    """Return runs in the lines in which they follow one another; those that a run has sent stand below it."""
    return _Arrangement(runs).lines()


class _Arrangement:
    def __init__(self, runs: Iterable[Run]) -> None:
        self._runs = {run.id: run for run in sorted(runs, key=lambda run: (run.message.created, run.id))}
        self._before: dict[str, list[tuple[int | None, Run]]] = defaultdict(list)  # whoever names it in its joins
        for run in self._runs.values():
            for join in run.message.joins:
                if join.id in self._runs:
                    self._before[join.id].append((join.place, run))
        self._below: dict[str | None, list[Line]] = defaultdict(list)

    def lines(self) -> tuple[Line, ...]:
        for end in self._ends():
            line = self._line_to(end)
            sender = _first(line[0]).message.parent
            self._below[sender if sender in self._runs else None].append(line)
        return tuple(self._with_sent(line) for line in self._below[None])

    def _ends(self) -> Iterable[Step | Crowd]:
        """Yield the runs that nothing follows; the members of one group together."""
        groups: dict[str, list[Run]] = defaultdict(list)
        for run in self._runs.values():
            if not any(join.id in self._runs for join in run.message.joins):
                groups[run.message.group or run.id].append(run)
        for runs in groups.values():
            if runs[0].message.group is None:
                yield self._step(runs[0])
            else:
                yield self._crowd(sorted(runs, key=lambda run: run.message.group_index or 0))

    def _line_to(self, end: Step | Crowd) -> Line:
        """Return what leads to a run, or to a whole group, and to nothing else."""
        line = [end]
        while before := self._before.get(_first(line[-1]).id):
            if any(place is not None for place, _ in before):
                line.append(self._crowd([run for _, run in sorted(before, key=lambda pair: pair[0] or 0)]))
                continue
            led_to = {join.id for join in before[0][1].message.joins if join.id in self._runs}
            if not led_to <= _starts(line[-1]):
                break
            line.append(self._step(before[0][1]))
        return tuple(reversed(line))

    def _crowd(self, runs: Iterable[Run]) -> Crowd:
        return Crowd(members=tuple(self._line_to(self._step(run)) for run in runs))

    def _step(self, run: Run) -> Step:
        missing: tuple[str, ...] = ()
        if not run.has_ended and run.message.gate is not None:
            missing = tuple(each.id for _, each in self._before.get(run.id, ()) if not each.has_ended)
        return Step(run=run, waits_for=missing)

    def _with_sent(self, line: Line) -> Line:
        whole: list[Step | Crowd] = []
        for element in line:
            if isinstance(element, Crowd):
                whole.append(Crowd(members=tuple(self._with_sent(member) for member in element.members)))
            else:
                sent = tuple(self._with_sent(below) for below in self._below.get(element.run.id, ()))
                whole.append(Step(run=element.run, waits_for=element.waits_for, sent=sent))
        return tuple(whole)


def _first(element: Step | Crowd) -> Run:
    while isinstance(element, Crowd):
        element = element.members[0][0]
    return element.run


def _starts(element: Step | Crowd) -> set[str]:
    """Return the ids of the runs that begin an element."""
    if isinstance(element, Step):
        return {element.run.id}
    return {id for member in element.members for id in _starts(member[0])}
