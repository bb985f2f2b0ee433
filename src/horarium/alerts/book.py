"""What is remembered between two looks, and what follows from a look: who is to be told what. Values in, values out.

An incident is one symptom of one subject: it *stands by* (grace) until it has lasted as long as its rule wants, then it
is *firing*, and when it has been gone for ``wait`` it has recovered (what flickers is one incident). People hear of
groups: the first message waits too, so that what breaks together is told together; then nothing until there is more to
say, or ``repeat`` has passed; and in the end that all of it has recovered. Nothing is said of what stands by, of what
another symptom explains, or of what is silenced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from horarium.alerting import Alerting
from horarium.alerts.symptom import Passed, Symptom
from horarium.clock import Instant, Seconds, milliseconds

REGROUP: Seconds = 300.0  # between two messages about a group that grows
MOST_INCIDENTS = 500  # at a time: who has more, has one cause
MOST_RECENT = 50  # recovered ones are listed so many
MOST_PASSED = 2000

Phase: TypeAlias = Literal["grace", "firing", "recovered"]
Occasion: TypeAlias = Literal["firing", "still", "recovered", "digest", "test"]


class Incident(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A symptom over time. ``seen`` is when it was last there."""

    rule: str
    subject: str
    group: str = ""
    phase: Phase = "grace"
    text: str = ""
    since: Instant
    seen: Instant
    fired: Instant | None = None
    ended: Instant | None = None
    count: int = 0
    last_good: Instant | None = None
    path: str = ""
    mark: Instant = 0  # of task_failed: when the newest failing run was sent
    news: Instant = 0  # when something of it came last
    under: str = ""
    silenced: str = ""  # the id of what silences it

    @property
    def key(self) -> tuple[str, str]:
        return self.rule, self.subject

    @property
    def is_told(self) -> bool:
        """Whether people are to hear of it now."""
        return self.phase == "firing" and not self.under and not self.silenced


class Silence(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What nobody wants to hear of for a while: patterns of a rule and of what it is about."""

    id: str
    rule: str = "*"
    subject: str = "*"
    until: Instant
    reason: str
    by: str
    at: Instant

    def covers(self, incident: Incident, now: Instant) -> bool:
        return (
            now < self.until
            and fnmatchcase(incident.rule, self.rule)
            and any(
                each == self.subject or fnmatchcase(each, self.subject) for each in (incident.subject, incident.group)
            )
        )


class Told(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What people know of a group."""

    at: Instant  # of the last message
    since: Instant
    subjects: tuple[str, ...]
    count: int = 0
    number: int = 1  # of messages


class Notice(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """That a group is to be told of: on which occasion, and with which of its incidents."""

    occasion: Occasion
    rule: str
    group: str
    incidents: tuple[Incident, ...]
    since: Instant
    number: int = 1
    key: str = ""  # the same for all messages of one outbreak


class Book(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All that is remembered of incidents."""

    incidents: tuple[Incident, ...] = ()
    recent: tuple[Incident, ...] = ()  # recovered, the newest first
    told: dict[str, Told] = msgspec.field(default_factory=dict)
    passed: dict[str, Passed] = msgspec.field(default_factory=dict)
    is_primed: bool = False  # every schedule was looked at once
    failures_until: Instant | None = None  # what failed up to then is known
    failures_known: tuple[str, ...] = ()  # ids of those that ended shortly before that
    left_out: int = 0  # symptoms beyond MOST_INCIDENTS at the last look

    @property
    def firing(self) -> tuple[Incident, ...]:
        return tuple(each for each in self.incidents if each.phase == "firing")

    @property
    def failing(self) -> list[Symptom]:
        """The failures that are open, as symptoms that go on."""
        return [
            Symptom(
                rule=each.rule,
                subject=each.subject,
                group=each.group,
                text=each.text,
                since=each.news,
                path=each.path,
                mark=each.mark,
            )
            for each in self.incidents
            if each.rule == "task_failed"
        ]


def silenced(incident: Incident, silences: Collection[Silence], now: Instant) -> Incident:
    """Return an incident with what silences it now, if anything does."""
    by = next((each.id for each in silences if each.covers(incident, now)), "")
    return incident if incident.silenced == by else replace(incident, silenced=by)


def group_key(rule: str, group: str) -> str:
    return f"{rule}/{group}"


def advance(
    book: Book,
    symptoms: Iterable[Symptom],
    alerting: Alerting,
    silences: Collection[Silence],
    *,
    now: Instant,
    judged: Collection[str] | None = None,
) -> tuple[Book, list[Notice]]:
    """Return what is remembered after a look, and what is to be told.

    ``judged``: the schedules that the look was about; incidents of others are left as they are (None: of all)."""
    found = {(each.rule, each.subject): each for each in symptoms}
    incidents: list[Incident] = []
    ended: list[Incident] = []
    for incident in book.incidents:
        symptom = found.pop(incident.key, None)
        if symptom is None and judged is not None and _is_unjudged(incident, judged):
            incidents.append(incident)
            continue
        after = _next(incident, symptom, alerting, now)
        if after is not None:
            (ended if after.phase == "recovered" else incidents).append(after)
    new = [_next(_begun(symptom, now), symptom, alerting, now) for symptom in found.values()]
    room = MOST_INCIDENTS - len(incidents)
    incidents += [each for each in new if each is not None][: max(0, room)]
    incidents = [silenced(each, silences, now) for each in incidents]
    told, notices = _tell(book.told, incidents, ended, book.recent, alerting, now)
    return replace(
        book,
        incidents=tuple(incidents),
        recent=(*ended, *book.recent)[:MOST_RECENT],
        told=told,
        left_out=max(0, len(new) - room),
    ), notices


def _is_unjudged(incident: Incident, judged: Collection[str]) -> bool:
    return incident.rule in ("schedule_missed", "schedule_late") and incident.subject not in judged


def _begun(symptom: Symptom, now: Instant) -> Incident:
    since = now if symptom.since is None else min(symptom.since, now)
    return Incident(rule=symptom.rule, subject=symptom.subject, group=symptom.group, since=since, seen=now)


def _next(incident: Incident, symptom: Symptom | None, alerting: Alerting, now: Instant) -> Incident | None:
    """Return an incident as it is after a look; None when it has come to nothing before anybody was to hear of it."""
    if symptom is None:
        if incident.phase == "grace":
            return None
        is_over = now >= incident.seen + milliseconds(alerting.wait)
        return replace(incident, phase="recovered", ended=now) if is_over else incident
    is_due = now >= incident.since + milliseconds(alerting.after(incident.rule))
    fires = incident.phase == "grace" and is_due
    return replace(
        incident,
        phase="firing" if fires else incident.phase,
        fired=now if fires else incident.fired,
        seen=now,
        text=symptom.text,
        count=incident.count + symptom.count,
        last_good=incident.last_good if symptom.last_good is None else symptom.last_good,
        path=symptom.path,
        mark=max(incident.mark, symptom.mark),
        news=max(incident.news, symptom.since or 0),
        under=symptom.under,
    )


def _tell(
    told: Mapping[str, Told],
    incidents: Sequence[Incident],
    ended: Sequence[Incident],
    recent: Sequence[Incident],
    alerting: Alerting,
    now: Instant,
) -> tuple[dict[str, Told], list[Notice]]:
    firing: dict[str, list[Incident]] = {}
    for incident in incidents:
        if incident.is_told:
            firing.setdefault(group_key(incident.rule, incident.group), []).append(incident)
    lasting = {group_key(each.rule, each.group) for each in incidents if each.phase == "firing"}
    after, notices = dict(told), list[Notice]()
    for key, those in firing.items():
        known = told.get(key)
        occasion = _occasion(known, those, alerting, now)
        if occasion is not None:
            after[key] = _told(known, those, now)
            notices.append(_notice(occasion, those, after[key], key))
    for key, known in told.items():
        if key not in lasting:
            del after[key]
            those = _recovered(key, known, (*ended, *recent))
            if any(not each.silenced for each in those):
                notices.append(_notice("recovered", those, known, key))
    return after, notices


def _occasion(known: Told | None, those: list[Incident], alerting: Alerting, now: Instant) -> Occasion | None:
    """Return why a group is to be told of now; None: it is not."""
    if known is None:
        first = min(each.fired or now for each in those)
        return "firing" if now >= first + milliseconds(alerting.wait) else None
    subjects = {each.subject for each in those}
    if subjects - set(known.subjects) and now >= known.at + milliseconds(max(alerting.wait, REGROUP)):
        return "firing"
    is_news = those[0].rule != "task_failed" or sum(each.count for each in those) > known.count
    return "still" if is_news and now >= known.at + milliseconds(alerting.repeat) else None


def _recovered(key: str, known: Told, ended: Iterable[Incident]) -> list[Incident]:
    """Return those of a group that people have heard of, though some recovered long before the last: not one that came
    and went between two messages."""
    those: dict[str, Incident] = {}
    for each in ended:  # the newest first
        if group_key(each.rule, each.group) == key and (each.ended or 0) >= known.since:
            those.setdefault(each.subject, each)
    heard_of = [each for each in those.values() if each.subject in known.subjects]
    return heard_of or list(those.values())  # of very many that recovered one by one only the last are remembered


def _told(known: Told | None, those: list[Incident], now: Instant) -> Told:
    # Those of now first: whatever is left out of them would be news with each look.
    subjects = dict.fromkeys([*sorted(each.subject for each in those), *(known.subjects if known else ())])
    return Told(
        at=now,
        since=min([each.since for each in those] + ([known.since] if known else [])),
        subjects=tuple(subjects)[:MOST_INCIDENTS],
        count=sum(each.count for each in those),
        number=known.number + 1 if known else 1,
    )


def _notice(occasion: Occasion, those: list[Incident], told: Told, key: str) -> Notice:
    return Notice(
        occasion=occasion,
        rule=those[0].rule,
        group=those[0].group,
        incidents=tuple(those),
        since=told.since,
        number=told.number + (occasion == "recovered"),
        key=f"{key}/{told.since}",
    )
