"""What is wrong, judged from facts: one function for each rule. Values in, values out.

A rule that this version does not know is none. A paused schedule, queue or task is meant to stand still: no rule is
about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import quote

from msgspec.structs import replace

from horarium.alerting import Alerting
from horarium.alerts.symptom import Facts, Failure, Passed, Symptom
from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import MemberRecord, QueueCounts
from horarium.observe.finding import lasting, plural
from horarium.observe.text import visible
from horarium.schedules.health import Condition, health
from horarium.schedules.record import Schedule

NEWS_FOR: Seconds = 86_400.0  # a failure of a task that nobody runs any more is no news after so long
HOLD: Seconds = 120.0  # a worker that was lost with work in hand is told, however soon others have taken the work
TEXT_KEPT = 200  # characters of an exception's text


def symptoms(
    facts: Facts, alerting: Alerting, passed: Mapping[str, Passed], failing: Iterable[Symptom]
) -> list[Symptom]:
    """Return all that is wrong, with what is only the consequence of something else marked as such.

    ``passed`` is ``note_passed`` of these facts; ``failing`` are the symptoms of task_failed that are open."""
    found = [
        *_schedules(facts, passed),
        *_failures(facts, failing, alerting.error_text),
        *_queues_old(facts, alerting.after("queue_old")),
        *_queues_unread(facts),
        *_workers_lost(facts),
        *_no_scheduler(facts),
    ]
    told = [each for each in found if _is_wanted(each, alerting)]
    return under_causes(told, facts)


def note_passed(facts: Facts, before: Mapping[str, Passed], *, is_primed: bool) -> dict[str, Passed]:
    """Return what is known of firings that were passed over. What was before the first full round is no news."""
    known = dict(before)
    for schedule in facts.schedules:
        name = schedule.name
        if not schedule.missed:
            known.pop(name, None)
            continue
        was = known.get(name) or Passed(count=0 if is_primed else schedule.missed)
        if was.lost and schedule.succeeded != was.succeeded:
            was = Passed(count=was.count)
        if schedule.missed > was.count:
            was = Passed(
                count=schedule.missed,
                lost=was.lost + schedule.missed - was.count,
                since=was.since or facts.now,
                succeeded=was.succeeded if was.lost else schedule.succeeded,
            )
        known[name] = was
    return known


def under_causes(found: list[Symptom], facts: Facts) -> list[Symptom]:
    """Return symptoms with those marked that another one explains."""
    rules = {each.rule for each in found}
    unread = {each.subject for each in found if each.rule == "queue_unread"}
    nobody_works = "worker_lost" if "worker_lost" in rules else "queue_unread"
    is_deserted = not facts.workers and nobody_works in rules

    def cause(symptom: Symptom) -> str:
        match symptom.rule:
            case "queue_unread" if is_deserted and "worker_lost" in rules:
                return "worker_lost"
            case "queue_old" if symptom.subject in unread:
                return nobody_works if is_deserted else "queue_unread"
            case "schedule_late" if is_deserted:
                return nobody_works
            case "schedule_missed" if "no_scheduler" in rules:
                return "no_scheduler"
        return ""

    return [replace(each, under=cause(each)) for each in found]


def _is_wanted(symptom: Symptom, alerting: Alerting) -> bool:
    said = alerting.rule(symptom.rule)
    about = (symptom.subject, symptom.group)
    return said is not None and (
        not said.names or any(fnmatchcase(each, pattern) for pattern in said.names for each in about)
    )


def _schedules(facts: Facts, passed: Mapping[str, Passed]) -> Iterable[Symptom]:
    for schedule in facts.schedules:
        found = health(schedule, facts.now)
        if found.condition in (Condition.PAUSED, Condition.DISABLED):
            continue
        lost = passed.get(schedule.name)
        if found.condition is Condition.LATE or found.condition is Condition.IN_ERROR:
            yield _of_schedule(
                schedule, found.text, found.due, is_missed=_is_unfired(schedule, found.condition, facts.now)
            )
        elif lost is not None and lost.lost:
            text = f"{plural(lost.lost, 'firing')} passed over: nothing fired it in time"
            yield _of_schedule(schedule, text, lost.since, is_missed=True)


def _is_unfired(schedule: Schedule, condition: Condition, now: Instant) -> bool:
    is_due = schedule.next_fire is not None and schedule.next_fire <= now
    return condition is Condition.IN_ERROR or (is_due and not schedule.held)


def _of_schedule(schedule: Schedule, text: str, since: Instant | None, *, is_missed: bool) -> Symptom:
    return Symptom(
        rule="schedule_missed" if is_missed else "schedule_late",
        subject=schedule.name,
        group=schedule.task,
        text=_one_line(text),
        since=since,
        last_good=schedule.succeeded,
        path=f"/schedules/{quote(schedule.name, safe='')}",
    )


def _failures(facts: Facts, failing: Iterable[Symptom], with_text: bool) -> Iterable[Symptom]:
    horizon = facts.now - milliseconds(NEWS_FOR)
    for symptom in failing:
        if symptom.subject not in facts.well and (symptom.since or 0) >= horizon:
            yield replace(symptom, count=0)
    by_kind: dict[str, list[Failure]] = {}
    for failure in facts.failures:
        by_kind.setdefault(f"{failure.task} · {failure.error}", []).append(failure)
    for subject, those in by_kind.items():
        newest = max(those, key=lambda failure: failure.ended)
        text = f"{newest.error}: {newest.text}" if with_text and newest.text else newest.error
        yield Symptom(
            rule="task_failed",
            subject=subject,
            group=subject,
            text=_one_line(text),
            since=newest.ended,
            count=len(those),
            last_good=facts.good.get(newest.task),
            path=f"/runs/{quote(newest.id, safe='')}",
            mark=newest.created,
        )


def _queues_old(facts: Facts, most: Seconds) -> Iterable[Symptom]:
    for name, counts in facts.queues.items():
        if counts.oldest_due is None or _is_paused(name, counts, facts):
            continue
        since = counts.oldest_due + milliseconds(most)
        if counts.ready and facts.now >= since:
            text = f"the oldest of {plural(counts.ready, 'message')} has been ready for {lasting(_age(facts, counts))}"
            yield Symptom(rule="queue_old", subject=name, group=name, text=text, since=since, path="/queues")


def _queues_unread(facts: Facts) -> Iterable[Symptom]:
    read = facts.queues_read
    for name, counts in facts.queues.items():
        if counts.ready and name not in read and not _is_paused(name, counts, facts):
            whom = "no live worker reads it" if facts.workers else "no worker is alive"
            text = f"{plural(counts.ready, 'message')} ready, and {whom}"
            yield Symptom(rule="queue_unread", subject=name, text=text, path="/queues")


def _is_paused(queue: str, counts: QueueCounts, facts: Facts) -> bool:
    """Tell whether a queue, or each task that is ready in it, is switched off."""
    switched = facts.switched
    tasks = [task for task, number in counts.tasks.items() if number]
    return switched.of_queue(queue) is not None or (bool(tasks) and all(map(switched.of_task, tasks)))


def _age(facts: Facts, counts: QueueCounts) -> Seconds:
    return (facts.now - (counts.oldest_due or facts.now)) / 1000


def _workers_lost(facts: Facts) -> Iterable[Symptom]:
    alive = {each.member.name for each in facts.workers}
    newest: dict[str, MemberRecord] = {}  # of each name: one that came back and ended in good order is not lost
    for each in facts.members:
        if each.member.kind == "worker" and each.member.name not in alive:
            known = newest.get(each.member.name)
            newest[each.member.name] = each if known is None or known.seen < each.seen else known
    for name, record in newest.items():
        if not record.is_lost:
            continue
        running = _running_in(facts, name, record)
        unread = sorted(set(record.member.queues) - facts.queues_read)
        is_fresh = facts.now < record.lease_until + milliseconds(HOLD)
        if not unread and not (running and is_fresh):
            continue
        what = "it went silent" + (f" with {plural(running, 'task')} running" if running else "")
        after = f"; nobody reads {', '.join(unread)} now" if unread else "; others have taken its work"
        yield Symptom(
            rule="worker_lost",
            subject=name,
            text=_one_line(what + after),
            since=record.seen,
            last_good=record.seen,
            path="/workers",
        )


def _running_in(facts: Facts, name: str, record: MemberRecord) -> int:
    """Return how many tasks a lost worker said that it was running when it was last heard of."""
    children = [
        each.member
        for each in facts.members
        if each.member.kind == "child"
        and each.member.name == name
        and each.is_lost
        and each.seen >= record.member.started
    ]
    return sum(len(member.running) for member in (record.member, *children))


def _no_scheduler(facts: Facts) -> Iterable[Symptom]:
    if facts.number_of_schedules and not facts.has_scheduler:
        text = f"{plural(facts.number_of_schedules, 'schedule')}, and no scheduler is alive: nothing fires"
        yield Symptom(rule="no_scheduler", subject="scheduler", text=text, path="/schedules")


def _one_line(text: str) -> str:
    """Return a foreign text as one line in which every character shows."""
    return visible(" ".join(text.split()), TEXT_KEPT)
