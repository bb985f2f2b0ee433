"""Failures that are alike, together: what is wrong, how often, and since when."""

from __future__ import annotations

import re

from msgspec import Struct

from horarium.clock import Instant
from horarium.dashboard.ask import Ask, Shown
from horarium.dashboard.rooms.runs.asked import bar, look_for, read, sight_of, wrong
from horarium.dashboard.rooms.runs.place import room
from horarium.dashboard.rooms.runs.views import saved
from horarium.observe.contents import Contents
from horarium.observe.question import Question, asked, either, every, without, written
from horarium.outcome import Run, State

RUNS = 500  # failures that are grouped: the newest
MOST_SEARCHED = 2000
GROUPS = 50
TEXT_CHARS = 200
_CHANGING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,}\b|\d+", re.IGNORECASE)


class Group(Struct, frozen=True, kw_only=True):
    """Failures of one task with the same error, but for numbers and ids in its text."""

    task: str
    class_path: str
    text: str  # of the newest
    number: int
    newest: Run
    first: Instant
    last: Instant
    link: str


@room.page("/runs/grouped", live=False, is_long=True)
def grouped(ask: Ask) -> Shown:
    found = read(ask, "/runs/grouped")
    if found.trouble is not None:
        return wrong(ask, found)
    question = found.question
    if without(question, "state") == question:
        failures = [asked("state", str(state).lower()) for state in (State.FAILURE, State.DEAD, State.RETRY)]
        question = every(either(*failures), question)
    page = look_for(ask.engine.results, question, sight_of(ask), limit=RUNS, most=MOST_SEARCHED)
    groups = groups_of(ask, page.runs, question)
    context = bar(ask, found) | {"groups": groups[:GROUPS], "more": max(len(groups) - GROUPS, 0), "saved": saved(ask)}
    context |= {"looked_at": len(page.runs), "is_all": page.next is None}
    return Shown(template="runs/grouped.html", title="Runs", context=context)


def groups_of(ask: Ask, runs: tuple[Run, ...], question: Question) -> list[Group]:
    """Return the failures in groups, the largest first."""
    found: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        if run.error is not None:
            found.setdefault((run.message.task, run.error.class_path, fingerprint(run.error.text)), []).append(run)
    groups = [_group(ask, task, class_path, members, question) for (task, class_path, _), members in found.items()]
    return sorted(groups, key=lambda group: (-group.number, -group.last))


def fingerprint(text: str) -> str:
    """Return an error's first line without what differs from one time to the next: numbers, addresses, ids."""
    return _CHANGING.sub("#", text.split("\n", 1)[0][:TEXT_CHARS])


def _group(ask: Ask, task: str, class_path: str, members: list[Run], question: Question) -> Group:
    moments = [run.ended or run.changed for run in members]
    narrow = every(without(question, "task", "error"), asked("task", task), asked("error", class_path))
    newest = Contents(ask.app).seen(members[0])
    return Group(
        task=task,
        class_path=class_path,
        text=newest.error.text if newest.error is not None else "",
        number=len(members),
        newest=newest,
        first=min(moments),
        last=max(moments),
        link=ask.url("/runs", q=written(narrow)),
    )
