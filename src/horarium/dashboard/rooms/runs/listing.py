"""The list of runs: the newest first, by a question, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from horarium.clock import Instant, Seconds, to_datetime
from horarium.dashboard.ask import Ask, Done, Shown, part
from horarium.dashboard.rooms.runs.asked import Asked, address, bar, look_for, packed, read, sight_of, texts, wrong
from horarium.dashboard.rooms.runs.place import room
from horarium.dashboard.rooms.runs.views import saved
from horarium.observe.looks import shown_state
from horarium.observe.matching import Sight, waited_of
from horarium.observe.moments import iso
from horarium.observe.question import Question, Term, every
from horarium.observe.question import asked as asked_for
from horarium.outcome import Run

ROWS = 50
MOST_SEARCHED = 2000  # runs that one page looks into; the next page goes on from there
NEWS_SEARCHED = 500
MOST_TRAIL = 20  # pages that one can go back by
MOST_ADDRESS = 4000  # characters; with longer ids than usual the page is not live


class Row(Struct, frozen=True, kw_only=True):
    """A line of the list. What is not known yet is None: nothing in it moves on with the clock alone."""

    run: Run
    state: str
    keys: list[tuple[str, str]]
    attempt: str
    waited: Seconds | None
    took: Seconds | None


@room.page("/runs", is_long=True)
def listing(ask: Ask) -> Shown | Done:
    found = read(ask)
    if found.trouble is not None:
        return wrong(ask, found)
    if (known := _meant_by_id(ask, found.question)) is not None:
        return Done(text="", to=f"/runs/{part(known)}")
    sight, after, held = sight_of(ask), ask.query.get("after") or None, texts(ask, "hold")
    context = bar(ask, found) | {"saved": saved(ask), "after": after or ""}
    if held:
        runs = [run for run in ask.engine.results.read(held) if run is not None]
        context |= _around(ask, found, runs, ask.query.get("next", ""), ask.query.get("searched", ""))
        context["news"] = _news(ask, found, sight, runs, held) if after is None else 0
        return _shown(ask, context, runs, sight)
    page = look_for(ask.engine.results, found.question, sight, limit=ROWS, after=after, most=MOST_SEARCHED)
    searched = str(page.searched) if page.is_cut else ""
    context |= _around(ask, found, list(page.runs), page.next or "", searched) | {"news": 0}
    live_view = address(
        "/runs",
        q=found.q,
        after=after or "",
        trail=ask.query.get("trail", ""),
        hold=packed(tuple(run.id for run in page.runs)),
        next=page.next or "",
        searched=searched,
    )
    is_live = len(live_view) <= MOST_ADDRESS and page.runs
    return _shown(ask, context, list(page.runs), sight, live_view=live_view if is_live else None)


@room.page("/runs/timeline", live=False, is_long=True)
def timeline(ask: Ask) -> Shown:
    found = read(ask, "/runs/timeline")
    if found.trouble is not None:
        return wrong(ask, found)
    sight = sight_of(ask)
    page = look_for(ask.engine.results, found.question, sight, limit=ROWS, most=MOST_SEARCHED)
    context = bar(ask, found) | {"searched": page.searched if page.is_cut else 0, "saved": saved(ask)}
    context |= {"bars": _bars(page.runs, ask.now), "rows": _rows(ask, page.runs, sight)}
    return Shown(template="runs/timeline.html", title="Runs", context=context)


def _shown(ask: Ask, context: dict[str, Any], runs: list[Run], sight: Sight, *, live_view: str | None = None) -> Shown:
    today = to_datetime(ask.now).astimezone(ZoneInfo(ask.zone)).date()  # a line leaves out the day of what is of today

    def line(row: Row, caller: Callable[[], str]) -> str:
        return ask.drawn.once(("line", row.run.id, ask.zone, ask.base), (row, today), caller)

    context |= {"rows": _rows(ask, runs, sight), "line": line}
    return Shown(template="runs/list.html", title="Runs", context=context, live_view=live_view)


def _rows(ask: Ask, runs: list[Run] | tuple[Run, ...], sight: Sight) -> list[Row]:
    return [_row(ask, run, sight) for run in runs]


def _row(ask: Ask, run: Run, sight: Sight) -> Row:
    state = shown_state(run, sight.now)
    waited = waited_of(run, sight.now) if run.started is not None or run.attempts else None

    def drawn() -> Row:
        seen = sight.contents.seen(run)
        keys = sight.contents.keys(seen)
        return Row(run=seen, state=state, keys=keys, attempt=attempt_of(seen), waited=waited, took=seen.took)

    return ask.drawn.once(("row", run.id), (run, state, waited), drawn)


def attempt_of(run: Run) -> str:
    """Return which attempt it is, of how many if the message says so."""
    number = len(run.attempts) + (run.started is not None and not run.has_ended)
    most = run.message.max_retries
    return f"{number}/{most + 1}" if most is not None and number else str(number or "–")


def _meant_by_id(ask: Ask, question: Question) -> str | None:
    """Return the id of the run that somebody has pasted the id of."""
    if not isinstance(question, Term) or question.field not in ("", "id"):
        return None
    [run] = ask.engine.results.read([question.value])
    return None if run is None else run.id


def _around(ask: Ask, found: Asked, runs: list[Run], next: str, searched: str) -> dict[str, Any]:
    """Return the addresses of the pages before and after this one. The store knows only the way down; the way up is the
    trail of those that led here."""
    after, trail = ask.query.get("after", ""), texts(ask, "trail")
    older = newer = newest = ""
    if next:
        kept = packed((*trail, after)[-MOST_TRAIL:]) if after else ""
        older = ask.url("/runs", q=found.q, after=next, trail=kept)
    if after:
        newest = ask.url("/runs", q=found.q)
        newer = ask.url("/runs", q=found.q, after=trail[-1], trail=packed(trail[:-1])) if trail else newest
    return {
        "older": older,
        "newer": newer,
        "newest": newest,
        "searched": int(searched) if searched.isdecimal() else 0,
    }


def _news(ask: Ask, found: Asked, sight: Sight, runs: list[Run], held: tuple[str, ...]) -> int:
    """Count the runs that have come above those that are shown, up to ROWS."""
    since = max((run.message.created for run in runs), default=0)
    newer = every(found.question, asked_for("since", iso(since)))
    page = look_for(ask.engine.results, newer, sight, limit=ROWS + len(held), most=NEWS_SEARCHED)
    return sum(run.id not in held for run in page.runs)


def _bars(runs: tuple[Run, ...], now: Instant) -> dict[str, Any]:
    """Return where each run lies between the first and the last moment of all, in thousandths of the width."""
    if not runs:
        return {}
    begin = min(run.message.due for run in runs)
    begin = min(begin, *(run.started for run in runs if run.started is not None), begin)
    end = max([begin + 1000, *(min(each, now) for run in runs for each in _ends(run, now))])

    def at(instant: Instant) -> float:
        return round(1000 * (min(max(instant, begin), end) - begin) / (end - begin), 1)

    lines = {}
    for run in runs:
        last = run.ended if run.ended is not None else end
        started = run.started if run.started is not None else last
        due = min(run.message.due, started)
        lines[run.id] = (at(due), at(started) - at(due), at(started), max(at(last) - at(started), 2.0))
    return {"begin": begin, "end": end, "lines": lines}


def _ends(run: Run, now: Instant) -> tuple[Instant, ...]:
    return (run.ended,) if run.ended is not None else (now,)
