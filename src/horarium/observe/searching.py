"""Finding the runs that a question asks for: what the store can tell by an index is asked of the store, and what is
left is looked for in what it answers, so many runs at a time."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from horarium.engines.protocol import Results
from horarium.engines.records import Page, RunFilter
from horarium.observe.matching import Check, Sight, check_of, is_pattern, moment_of
from horarium.observe.question import SEEN_STATES, Either, Every, Question, Term, every, parts_of, states_of
from horarium.outcome import Run

AT_ONCE = 500  # runs that are read of the store at a time while something is looked for in them
MOST_SEARCHED = 10_000  # runs that one call looks into, unless it is told otherwise


class Plan(Struct, frozen=True, kw_only=True):
    """How a question is answered: the widest filter that holds for all runs meant, and what must be looked at in each
    besides; None: nothing, the filter says it all."""

    filter: RunFilter
    rest: Question | None = None


class Found(Struct, frozen=True, kw_only=True):
    """A page of those that are meant, the newest first. ``next`` is where to go on; None: there are no more. So many
    runs as ``searched`` were looked into; ``is_cut``: the bound was met before the page was full."""

    runs: tuple[Run, ...]
    next: str | None = None
    searched: int = 0
    is_cut: bool = False


def plan_of(question: Question, sight: Sight) -> Plan:
    """Divide a question between the store and us."""
    filter, rest = RunFilter(), []
    for part in parts_of(question):
        narrowed, is_all = _narrowed(filter, part, sight)
        filter = narrowed
        if not is_all:
            rest.append(part)
    return Plan(filter=filter, rest=every(*rest) if rest else None)


def search(
    results: Results, plan: Plan, sight: Sight, *, limit: int, after: str | None = None, most: int = MOST_SEARCHED
) -> Found:
    """Return the next page of those that are meant, after a place that a call before has named.

    Whoever was there all the while is on exactly one page. Raises: EngineUnavailable.
    """
    if plan.rest is None:
        page = results.search(plan.filter, Page(limit=limit, after=after))
        return Found(runs=page.runs, next=page.next, searched=len(page.runs))
    check = check_of(plan.rest, sight)
    found: list[Run] = []
    searched = 0
    while searched < most:
        size = min(AT_ONCE, most - searched)
        runs, after, read = _next(results, plan.filter, check, after, size, limit - len(found))
        found += runs
        searched += read
        if after is None or len(found) >= limit:
            return Found(runs=tuple(found), next=after, searched=searched)
    return Found(runs=tuple(found), next=after, searched=searched, is_cut=True)


def _next(
    results: Results, filter: RunFilter, check: Check, after: str | None, size: int, wanted: int
) -> tuple[list[Run], str | None, int]:
    """Read a page and keep whom the check passes. If it has more than are wanted, it is read once more, shorter, so
    that the store's own mark of where it ends is the place to go on."""
    page = results.search(filter, Page(limit=size, after=after))
    places = [place for place, run in enumerate(page.runs) if check(run)]
    if len(places) <= wanted and not (len(places) == wanted and places[-1] + 1 < len(page.runs)):
        return [page.runs[place] for place in places], page.next, len(page.runs)
    shorter = results.search(filter, Page(limit=places[wanted - 1] + 1, after=after))
    return [run for run in shorter.runs if check(run)], shorter.next, len(shorter.runs)


def _narrowed(filter: RunFilter, part: Question, sight: Sight) -> tuple[RunFilter, bool]:
    """Return the filter with what a part asks for, as far as it can say it, and whether that is all of the part."""
    terms = _alternatives(part)
    if not terms:
        return filter, isinstance(part, Every) and not part.parts
    field, values = terms[0].field, tuple(dict.fromkeys(term.value for term in terms))
    is_one = len(terms) == 1
    match field:
        case "state" if not filter.states:
            states = tuple(dict.fromkeys(state for term in terms for state in states_of(term)))
            is_all = all(term.is_literal or term.value.upper() not in SEEN_STATES for term in terms)
            return replace(filter, states=states), is_all
        case "task" if not filter.tasks and not any(map(is_pattern, terms)):
            return replace(filter, tasks=values), True
        case "queue" if not filter.queues and not any(map(is_pattern, terms)):
            return replace(filter, queues=values), True
        case "schedule" if is_one and filter.schedule is None and not is_pattern(terms[0]):
            return replace(filter, schedule=values[0]), True
        case "parent" if is_one and filter.parent is None:
            return replace(filter, parent=values[0]), True
        case "root" if is_one and filter.root is None:
            return replace(filter, root=values[0]), True
        case "id" if is_one and filter.id_prefix is None:
            return replace(filter, id_prefix=values[0]), True
        case "since" if is_one:
            since = moment_of(terms[0], sight)
            return replace(filter, since=since if filter.since is None else max(since, filter.since)), True
        case "before" if is_one:
            until = moment_of(terms[0], sight)
            return replace(filter, until=until if filter.until is None else min(until, filter.until)), True
    return filter, False


def _alternatives(part: Question) -> list[Term]:
    """Return the terms of which one must hold, if all are of one field; else none."""
    parts = part.parts if isinstance(part, Either) else (part,)
    terms = [each for each in parts if isinstance(each, Term)]
    return terms if len(terms) == len(parts) and len({term.field for term in terms}) == 1 else []
