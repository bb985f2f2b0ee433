"""Charts: the numbers that a page draws, and a page for each chart with the same numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from horarium.clock import Instant, abbreviation, to_datetime
from horarium.dashboard.ask import Ask, Download, Shown, Unanswerable
from horarium.dashboard.room import Room
from horarium.engines.records import MemberRecord
from horarium.observe.charts import (
    CHARTS,
    DEFAULT_RANGE,
    RANGES,
    TITLES,
    Chart,
    Extent,
    Only,
    affordable,
    read_extent,
    spark_points,
)
from horarium.observe.finding import plural
from horarium.observe.moments import iso
from horarium.observe.question import asked, every, written

room = Room("charts")
ROWS = 100  # of the table, the newest
SPARK = (120, 26)  # width and height of a small chart, in its own units
ASKED = ("from", "to", "task", "queue")
MARK_WITHIN = 60_000  # workers that start so near to one another are one mark


@room.page("/charts/{name}", live=False)
def one(ask: Ask) -> Shown:
    name = _known(ask)
    extent, chart = _drawn(ask, name)
    rows = [
        (at, [line.values[place] for line in chart.lines])
        for place, at in list(enumerate(chart.at))[::-1]
        if any(line.values[place] is not None for line in chart.lines)
    ]
    return Shown(
        template="charts/one.html",
        title=chart.title,
        context={
            "chart": chart,
            "rows": rows[:ROWS],
            "left_out": max(0, len(rows) - ROWS),
            "extent": extent,
            "drawn": drawn(ask, [name]),
            "subject": " · ".join(f"{word} {ask.query[word]}" for word in ("task", "queue") if ask.query.get(word)),
        },
    )


@room.page("/charts/{name}/numbers", live=False)
def numbers(ask: Ask) -> Download:
    name = _known(ask)
    extent, chart = _drawn(ask, name)
    told = _told(ask, chart, extent, ask.engine.inspector.workers(now=ask.now))
    return Download(name=f"{name}.json", body=msgspec.json.encode(told), media="application/json")


def drawn(ask: Ask, names: list[str], **only: str) -> dict[str, Any]:
    """Return what a template needs to place charts and the picker of their time. Any: for the template.

    ``only``: the ``task`` or ``queue`` that they are of. Raises: Unanswerable for a time that makes no sense.
    """
    extent = extent_asked(ask)
    kept = {word: ask.query[word] for word in ASKED if ask.query.get(word)} | only
    return {
        "figures": [
            {
                "name": name,
                "title": TITLES[name],
                "numbers": ask.url(f"/charts/{name}/numbers", **kept),
                "table": ask.url(f"/charts/{name}", **kept),
            }
            for name in names
        ],
        "ranges": [
            {
                "word": word,
                "url": ask.url(ask.path, **_elsewhere(ask, back)),
                "is_here": extent.back == back,
            }
            for back, word in RANGES.items()
        ],
        "extent": extent,
        "start": ask.query.get("from", ""),
        "end": ask.query.get("to", ""),
        "others": {word: value for word, value in ask.query.items() if word not in ("from", "to")},
    }


def extent_asked(ask: Ask) -> Extent:
    """Return the time that ``from`` and ``to`` of the address mean. Raises: Unanswerable."""
    try:
        return read_extent(ask.query.get("from", ""), ask.query.get("to", ""), ask.zone, now=ask.now)
    except ValueError as error:
        raise Unanswerable("wrong", "That is no time to show", hint=str(error)) from error


def only_asked(ask: Ask) -> Only:
    task, queue = ask.query.get("task"), ask.query.get("queue")
    return Only(tasks=(task,) if task else None, queues=(queue,) if queue else None)


def runs_url(ask: Ask, *, since: Instant | None = None, before: Instant | None = None, **words: str) -> str:
    """Return where the runs are that a number counts. ``words`` are fields of the query of Runs, such as ``state``."""
    terms = [asked(field, value) for field, value in words.items() if value]
    terms += [asked(field, iso(at)) for field, at in (("since", since), ("before", before)) if at is not None]
    return ask.url("/runs", q=written(every(*terms)))


def spark(values: list[float | None]) -> list[str]:
    """Return the lines of a small chart."""
    width, height = SPARK
    return spark_points(values, width=width, height=height)


def _drawn(ask: Ask, name: str) -> tuple[Extent, Chart]:
    series, only = ask.engine.series, only_asked(ask)
    extent = affordable(series, extent_asked(ask), only, now=ask.now)
    return extent, CHARTS[name](series, extent, only)


def _known(ask: Ask) -> str:
    name = ask.parts["name"]
    if name not in CHARTS:
        raise Unanswerable("gone", "There is no such chart", hint=f"There are {', '.join(CHARTS)}.")
    return name


def _told(ask: Ask, chart: Chart, extent: Extent, members: list[MemberRecord]) -> Mapping[str, Any]:
    """Return what the browser draws: instants in seconds, and for each line where its runs are. Any: JSON."""
    about = {word: ask.query.get(word, "") for word in ("task", "queue")}
    lines = [
        {
            "name": line.name,
            "tone": line.tone,
            "values": line.values,
            "runs": runs_url(ask, state=line.state, task=about["task"], queue=line.queue or about["queue"]),
        }
        for line in chart.lines
    ]
    return {
        "unit": chart.unit,
        "at": [at / 1000 for at in chart.at],
        "step": chart.step / 1000,
        "lines": lines,
        "more": chart.more,
        "empty": chart.is_empty,
        "marks": _marks(members, extent),
        "zones": _zones(chart.at, ask.zone),
    }


def _zones(instants: list[Instant], zone: str) -> list[tuple[float, str]]:
    """Return from when on which short name the viewer's zone has: a browser has names of its own for many."""
    found: list[tuple[float, str]] = []
    for at in instants:
        name = abbreviation(to_datetime(at).astimezone(ZoneInfo(zone)))
        if not found or found[-1][1] != name:
            found.append((at / 1000, name))
    return found


def _marks(members: list[MemberRecord], extent: Extent) -> list[dict[str, Any]]:
    """Return when workers have started: after a deployment all of them do. Those gone for an hour are not known."""
    started = sorted(
        (record.member.started, record.member.version)
        for record in members
        if record.member.kind == "worker" and extent.since <= record.member.started < extent.until
    )
    marks: list[dict[str, Any]] = []
    for at, version in started:
        if marks and at / 1000 - marks[-1]["at"] < MARK_WITHIN / 1000:
            marks[-1]["number"] += 1
        else:
            marks.append({"at": at / 1000, "number": 1, "version": version})
    return [{"at": mark["at"], "text": f"{plural(mark['number'], 'worker')} started"} for mark in marks]


def _elsewhere(ask: Ask, back: str) -> dict[str, str]:
    """Return the query of the same page over another time."""
    query = {word: value for word, value in ask.query.items() if word not in ("from", "to")}
    return query if back == DEFAULT_RANGE else query | {"from": back}
