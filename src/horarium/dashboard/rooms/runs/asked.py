"""What an address of the lists of runs asks for, and the addresses that ask for something else."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from horarium.dashboard.ask import Ask, Shown, Unanswerable
from horarium.dashboard.rendering import roughly
from horarium.engines.protocol import Results
from horarium.errors import InvalidQuestion
from horarium.observe.contents import Contents
from horarium.observe.matching import Sight
from horarium.observe.question import (
    EVERYTHING,
    FIELDS,
    STATES,
    Question,
    asked,
    every,
    parse,
    parts_of,
    states_of,
    without,
    written,
)
from horarium.observe.question import Either as EitherOf
from horarium.observe.question import Term as OneTerm
from horarium.observe.searching import Found, plan_of, search
from horarium.outcome import State

T = TypeVar("T")
SPANS = (("15m", "15 min"), ("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"))
PILLS = {  # a state whose sign is shown, and the word that asks for it
    State.PENDING: "waiting",
    State.STARTED: "running",
    State.RETRY: "retrying",
    State.SUCCESS: "succeeded",
    State.FAILURE: "failed",
    State.DEAD: "dead",
    State.REVOKED: "cancelled",
    State.EXPIRED: "expired",
}
TASKS_OFFERED = 200
EXACT_TO = 10_000  # beyond it nobody needs to know how many there are


class Asked(Struct, frozen=True, kw_only=True):
    """``q`` as it was written, and what it means; ``trouble`` says why it cannot be read."""

    q: str = ""
    question: Question = EVERYTHING
    trouble: InvalidQuestion | None = None
    path: str = "/runs"

    @property
    def is_narrow(self) -> bool:
        return self.question != EVERYTHING

    def link(self, ask: Ask, question: Question) -> str:
        """Return the address, of the same tab, that asks something else."""
        return ask.url(self.path, q=written(question))


def read(ask: Ask, path: str = "/runs") -> Asked:
    """Read the question of an address; one that cannot be read is kept with what is wrong with it."""
    q = ask.query.get("q", "").strip()
    try:
        return Asked(q=q, question=parse(q), path=path)
    except InvalidQuestion as error:
        return Asked(q=q, trouble=error, path=path)


def sight_of(ask: Ask) -> Sight:
    return Sight(now=ask.now, zone=ask.zone, contents=Contents(ask.app))


def look_for(
    results: Results, question: Question, sight: Sight, *, limit: int, after: str | None = None, most: int
) -> Found:
    """Search. Raises: Unanswerable when the place to go on from is none of this store's."""
    try:
        return search(results, plan_of(question, sight), sight, limit=limit, after=after, most=most)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        if after is None:
            raise
        raise Unanswerable(
            "wrong", "This address leads to no place in the list", hint="Begin with the newest runs."
        ) from error


def texts(ask: Ask, name: str) -> tuple[str, ...]:
    """Return a list of texts that an address carries, as ``packed`` made it; nothing for one that is none."""
    try:
        return msgspec.json.decode(ask.query.get(name, "[]"), type=tuple[str, ...])
    except msgspec.DecodeError:
        return ()


def packed(texts: tuple[str, ...]) -> str:
    """Return texts as they travel in an address; nothing for none."""
    return msgspec.json.encode(texts).decode() if texts else ""


def address(path: str, **query: str) -> str:
    """Return an address below the dashboard."""
    wanted = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{wanted}" if wanted else path


def bar(ask: Ask, found: Asked) -> dict[str, object]:
    """Return what the bar with the question shows on each of the tabs."""
    question = found.question
    parts = parts_of(question) if found.is_narrow else ()
    chips = [
        (written(part), found.link(ask, every(*(other for other in parts if other is not part)))) for part in parts
    ]
    rest, chosen = without(question, "state"), _states(question)
    # Only all runs are counted by state, never those of a question: that would mean to look for them.
    counted = ask.engine.inspector.counts(most=EXACT_TO + 1).states if rest == EVERYTHING else {}
    pills = [("", "All", found.link(ask, rest), not chosen, _number(counted, *counted))]
    for state, word in PILLS.items():
        link = found.link(ask, every(asked("state", word), rest))
        pills.append((state, word, link, chosen == set(STATES[word]), _number(counted, *STATES[word])))
    since = without(question, "since")
    spans = [(word, found.link(ask, every(since, asked("since", span)))) for span, word in SPANS]
    return {
        "asked": found,
        "chips": chips,
        "pills": pills,
        "spans": spans,
        "tabs": [("/runs", "List"), ("/runs/grouped", "Grouped by error"), ("/runs/timeline", "Timeline")],
        "words": msgspec.json.encode(_words(ask)).decode(),
    }


def wrong(ask: Ask, found: Asked, status: int = 400) -> Shown:
    """Show the bar with a question that cannot be read, and where it goes wrong."""
    assert found.trouble is not None
    context = bar(ask, found) | {"caret": " " * min(found.trouble.position, len(found.q)) + "^"}
    return Shown(template="runs/wrong.html", title="Runs", context=context, status=status)


def _number(counted: dict[str, int], *states: str) -> str:
    return roughly(sum(counted.get(state, 0) for state in states), EXACT_TO) if counted else ""


def _states(question: Question) -> set[str]:
    """Return the states that a question asks for, if it does so in one part."""
    chosen: set[str] = set()
    for part in parts_of(question):
        terms = part.parts if isinstance(part, EitherOf) else (part,)
        for term in terms:
            if isinstance(term, OneTerm) and term.field == "state":
                chosen |= set(states_of(term))
    return chosen


def _words(ask: Ask) -> dict[str, object]:
    """Return what may be suggested while somebody types."""
    return {
        "fields": {name: (help, example) for name, (help, example) in FIELDS.items()},
        "state": sorted(word for word in STATES if word not in {str(state).lower() for state in State}),
        "task": list(ask.app.tasks.own)[:TASKS_OFFERED],
    }
