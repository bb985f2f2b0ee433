"""The rules of alerts, with plain values: what is wrong, what follows from something else, and who is told when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from horarium import every
from horarium.alerting import Alerting, Rule, Webhook
from horarium.alerts.book import Book, Notice, Silence, advance
from horarium.alerts.messages import message_of
from horarium.alerts.rules import note_passed, symptoms
from horarium.alerts.symptom import Facts, Failure, Symptom
from horarium.app.switches import Switch, Switched
from horarium.clock import Instant
from horarium.engines.records import Member, MemberRecord, QueueCounts, RunningNow
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record

NOW: Instant = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE = 60_000
ALERTING = Alerting(channels={"ops": Webhook(url="https://ops.example/")})
HOURLY = to_record(every(hours=1))


def schedule(name: str = "nightly", **fields: Any) -> Schedule:
    chosen: dict[str, Any] = {
        "id": name,
        "name": name,
        "task": "shop.report",
        "spec": HOURLY,
        "anchor": NOW - 100 * 60 * MINUTE,
        "created": NOW - 100 * 60 * MINUTE,
        "changed": NOW - 100 * 60 * MINUTE,
        "next_fire": NOW + 30 * MINUTE,
        "last_fire": NOW - 30 * MINUTE,
        "succeeded": NOW - 30 * MINUTE,
        "grace": 60.0,
    }
    return Schedule(**(chosen | fields))


def member(kind: Any = "worker", name: str = "worker@a", *, lost: bool = False, **fields: Any) -> MemberRecord:
    ago = 5 * MINUTE if lost else 0
    shown = Member(**{"owner": f"{kind}/{name}", "kind": kind, "name": name, "queues": ("default",), **fields})
    return MemberRecord(
        member=shown,
        seen=NOW - ago - MINUTE // 6,
        lease_until=NOW - ago if lost else NOW + MINUTE,
        alive=not lost,
        given_up=NOW - ago + 2000 if lost else None,
    )


def found(facts: Facts, alerting: Alerting = ALERTING, failing: Sequence[Symptom] = ()) -> dict[str, Symptom]:
    return {each.rule: each for each in symptoms(facts, alerting, note_passed(facts, {}, is_primed=True), failing)}


SCHEDULER = member("scheduler", "beat@a")


def test_all_is_well_when_all_is_well() -> None:
    facts = Facts(
        now=NOW,
        members=(member(), SCHEDULER),
        queues={"default": QueueCounts(ready=3, oldest_due=NOW - MINUTE)},
        schedules=(schedule(),),
        number_of_schedules=1,
    )
    assert found(facts) == {}


def test_a_schedule_that_is_due_and_not_fired_is_missed_and_says_since_when_and_what_went_well_last() -> None:
    late = schedule(next_fire=NOW - 60 * MINUTE, last_fire=NOW - 120 * MINUTE, succeeded=NOW - 120 * MINUTE)
    missed = found(Facts(now=NOW, members=(SCHEDULER, member()), schedules=(late,)))["schedule_missed"]
    assert (missed.subject, missed.group, missed.since) == ("nightly", "shop.report", NOW - 60 * MINUTE)
    assert missed.last_good == NOW - 120 * MINUTE
    assert "has not fired" in missed.text


def test_a_schedule_that_fired_and_has_not_succeeded_in_time_is_late() -> None:
    late = schedule(last_fire=NOW - 30 * MINUTE, succeeded=NOW - 90 * MINUTE)
    assert list(found(Facts(now=NOW, members=(SCHEDULER, member()), schedules=(late,)))) == ["schedule_late"]


def test_a_paused_schedule_is_meant_to_stand_still() -> None:
    paused = schedule(next_fire=NOW - 10 * MINUTE, paused_by="ana", missed=3)
    assert found(Facts(now=NOW, members=(SCHEDULER,), schedules=(paused,))) == {}


def test_firings_that_were_passed_over_are_told_until_the_schedule_succeeds_again() -> None:
    before = note_passed(Facts(now=NOW, schedules=(schedule(missed=2),)), {}, is_primed=False)
    assert before["nightly"].lost == 0  # of before anybody looked
    facts = Facts(now=NOW, members=(SCHEDULER,), schedules=(schedule(missed=5),))
    passed = note_passed(facts, before, is_primed=True)
    [symptom] = symptoms(facts, ALERTING, passed, ())
    assert (symptom.rule, symptom.text) == ("schedule_missed", "3 firings passed over: nothing fired it in time")
    well = Facts(now=NOW, members=(SCHEDULER,), schedules=(schedule(missed=5, succeeded=NOW, last_fire=NOW),))
    assert symptoms(well, ALERTING, note_passed(well, passed, is_primed=True), ()) == []


def test_failures_are_one_symptom_for_each_task_and_class_of_error() -> None:
    failures = [
        Failure(id=str(n), task="shop.mail", error=error, text="x\n\u202ey", created=NOW - n, ended=NOW - n)
        for n, error in enumerate(["smtplib.SMTPError", "smtplib.SMTPError", "builtins.KeyError"])
    ]
    got = symptoms(Facts(now=NOW, failures=tuple(failures)), ALERTING, {}, ())
    assert [(each.subject, each.count) for each in got] == [
        ("shop.mail · smtplib.SMTPError", 2),
        ("shop.mail · builtins.KeyError", 1),
    ]
    assert got[0].text == "smtplib.SMTPError: x \\u202ey"
    quiet = replace(ALERTING, error_text=False)
    assert symptoms(Facts(now=NOW, failures=tuple(failures)), quiet, {}, ())[0].text == "smtplib.SMTPError"


def test_a_failure_is_open_until_a_later_run_succeeds_or_a_day_has_passed() -> None:
    open_one = Symptom(rule="task_failed", subject="shop.mail · E", group="shop.mail · E", text="E", since=NOW, count=3)
    assert [each.count for each in symptoms(Facts(now=NOW + MINUTE), ALERTING, {}, [open_one])] == [0]
    assert symptoms(Facts(now=NOW, well=frozenset({open_one.subject})), ALERTING, {}, [open_one]) == []
    assert symptoms(Facts(now=NOW + 86_400_001), ALERTING, {}, [open_one]) == []


def test_a_queue_is_too_old_by_the_age_of_its_oldest_ready_message() -> None:
    def facts(age: int) -> Facts:
        return Facts(now=NOW, members=(member(),), queues={"default": QueueCounts(ready=2, oldest_due=NOW - age)})

    assert found(facts(9 * MINUTE)) == {}
    old = found(facts(11 * MINUTE))["queue_old"]
    assert old.since == NOW - MINUTE
    assert old.text == "the oldest of 2 messages has been ready for 11 min"
    sooner = replace(ALERTING, rules={"queue_old": Rule(after=60.0)})
    assert "queue_old" in found(facts(2 * MINUTE), sooner)


def test_what_is_switched_off_is_meant_to_wait() -> None:
    queues = {"default": QueueCounts(ready=2, oldest_due=NOW - 60 * MINUTE, tasks={"shop.mail": 2})}
    for kind, name in (("queue", "default"), ("task", "shop.*")):
        off = Switched(switches=(Switch(kind=kind, name=name, at=NOW),))  # type: ignore[arg-type]
        assert found(Facts(now=NOW, queues=queues, switched=off)) == {}


def test_a_queue_that_nobody_reads_says_whether_anybody_is_there() -> None:
    queues = {"mail": QueueCounts(ready=2, oldest_due=NOW)}
    assert found(Facts(now=NOW, members=(member(),), queues=queues))["queue_unread"].text == (
        "2 messages ready, and no live worker reads it"
    )
    assert found(Facts(now=NOW, queues=queues))["queue_unread"].text == "2 messages ready, and no worker is alive"


def test_a_worker_is_lost_when_it_went_silent_and_left_a_queue_unread() -> None:
    lost = found(Facts(now=NOW, members=(member(lost=True),)))["worker_lost"]
    assert (lost.subject, lost.text) == ("worker@a", "it went silent; nobody reads default now")
    assert lost.last_good == lost.since == NOW - 5 * MINUTE - MINUTE // 6


def test_a_worker_that_ended_in_good_order_is_not_lost() -> None:
    left = replace(member(lost=True), given_up=NOW - 6 * MINUTE, lease_until=NOW - 5 * MINUTE)
    assert not left.is_lost
    assert found(Facts(now=NOW, members=(left,))) == {}


def test_a_lost_worker_whose_queues_others_read_is_told_only_if_it_had_work_in_hand() -> None:
    other = member(name="worker@b")
    assert found(Facts(now=NOW, members=(member(lost=True), other))) == {}
    running = (RunningNow(id="1", task="shop.mail", started=NOW),)
    child = replace(member("child", lost=True, running=running), lease_until=NOW - 1000, given_up=NOW)
    worker = replace(member(lost=True), lease_until=NOW - 1000, given_up=NOW)
    text = found(Facts(now=NOW, members=(worker, child, other)))["worker_lost"].text
    assert text == "it went silent with 1 task running; others have taken its work"


def test_a_worker_of_the_same_name_takes_the_place_of_a_lost_one() -> None:
    assert found(Facts(now=NOW, members=(member(lost=True), member()))) == {}


def test_a_worker_that_came_back_and_ended_in_good_order_is_not_lost_again() -> None:
    """Its first life stays listed for an hour, as the one that was lost."""
    before = member(lost=True, started=NOW - 60 * MINUTE)
    since = member(lost=True, owner="worker/second", started=NOW - 3 * MINUTE)
    ended = replace(since, seen=NOW - MINUTE, given_up=NOW - MINUTE, lease_until=NOW - 1)
    assert not ended.alive and not ended.is_lost
    assert "worker_lost" in found(Facts(now=NOW, members=(before,)))
    assert "worker_lost" not in found(Facts(now=NOW, members=(before, ended)))
    assert "worker_lost" not in found(Facts(now=NOW, members=(ended, before)))
    assert "worker_lost" in found(Facts(now=NOW, members=(before, since)))


def test_schedules_without_a_scheduler_are_told_and_explain_what_they_miss() -> None:
    late = schedule(next_fire=NOW - 10 * MINUTE)
    got = found(Facts(now=NOW, members=(member(),), schedules=(late,), number_of_schedules=1))
    assert got["no_scheduler"].under == ""
    assert got["schedule_missed"].under == "no_scheduler"


def test_without_workers_only_the_cause_is_told() -> None:
    queues = {"default": QueueCounts(ready=2, oldest_due=NOW - 60 * MINUTE)}
    late = schedule(last_fire=NOW - 30 * MINUTE, succeeded=NOW - 90 * MINUTE)
    got = found(Facts(now=NOW, members=(member(lost=True), SCHEDULER), queues=queues, schedules=(late,)))
    assert {rule: each.under for rule, each in got.items()} == {
        "worker_lost": "",
        "queue_unread": "worker_lost",
        "queue_old": "worker_lost",
        "schedule_late": "worker_lost",
    }


def test_a_rule_can_be_off_or_be_about_some_names_only() -> None:
    queues = {"mail": QueueCounts(ready=2, oldest_due=NOW), "default": QueueCounts(ready=1, oldest_due=NOW)}
    off = replace(ALERTING, rules={"queue_unread": False})
    assert symptoms(Facts(now=NOW, queues=queues), off, {}, ()) == []
    some = replace(ALERTING, rules={"queue_unread": Rule(names=("ma*",))})
    assert [each.subject for each in symptoms(Facts(now=NOW, queues=queues), some, {}, ())] == ["mail"]


# Over time.

UNREAD = Symptom(rule="queue_unread", subject="mail", text="2 messages ready")


class Course:
    """A book that looks come in, some seconds apart."""

    def __init__(self, alerting: Alerting = ALERTING) -> None:
        self.alerting = alerting
        self.book = Book()
        self.silences: list[Silence] = []
        self.now = NOW

    def look(self, seconds: float, *found: Symptom) -> list[Notice]:
        self.now += int(seconds * 1000)
        self.book, notices = advance(self.book, found, self.alerting, self.silences, now=self.now)
        return notices

    def phases(self) -> list[str]:
        return [incident.phase for incident in self.book.incidents]


def test_what_is_over_within_its_grace_is_never_told() -> None:
    course = Course()
    assert course.look(0, UNREAD) == []
    assert course.phases() == ["grace"]
    assert course.look(45) == []
    assert course.phases() == []
    assert course.book.recent == ()


def test_what_lasts_is_told_once_after_the_wait_and_again_after_the_repeat_and_when_it_is_over() -> None:
    course = Course()
    course.look(0, UNREAD)
    assert course.look(60, UNREAD) == []  # fires now; what else breaks with it may still come
    assert course.phases() == ["firing"]
    [first] = course.look(30, UNREAD)
    assert (first.occasion, first.since) == ("firing", NOW)
    assert course.look(15, UNREAD) == []
    [again] = course.look(4 * 3600, UNREAD)
    assert (again.occasion, again.key) == ("still", first.key)
    assert course.look(15) == []  # it may only flicker
    [over] = course.look(30)
    assert (over.occasion, over.key, over.number) == ("recovered", first.key, 3)
    assert course.book.incidents == ()
    assert [each.phase for each in course.book.recent] == ["recovered"]
    assert course.look(15) == []


def test_what_flickers_is_one_incident() -> None:
    course = Course()
    course.look(0, UNREAD)
    course.look(60, UNREAD)
    [first] = course.look(30, UNREAD)
    for _ in range(5):
        assert course.look(15) == []
        assert course.look(10, UNREAD) == []
    [over] = course.look(60)
    assert over.key == first.key


def test_what_breaks_together_is_told_together_and_what_joins_later_waits() -> None:
    late = [
        Symptom(rule="schedule_late", subject=f"s{n}", group="shop.report", text="late", since=NOW) for n in range(4)
    ]
    course = Course()
    course.look(0, *late[:2])
    course.look(15, *late[:3])
    [first] = course.look(15, *late[:3])
    assert [each.subject for each in first.incidents] == ["s0", "s1", "s2"]
    assert course.look(30, *late) == []
    [second] = course.look(300, *late)
    assert (second.occasion, len(second.incidents)) == ("firing", 4)
    assert course.look(15, late[0]) == []
    assert course.look(60, late[0]) == []  # one of them is still there
    course.look(15)
    assert [each.occasion for each in course.look(30)] == ["recovered"]


def test_what_was_told_is_no_news_however_many_have_come_and_gone_before_it() -> None:
    many = [Symptom(rule="queue_unread", subject=f"a{n:03}", text="waits") for n in range(500)]
    late = Symptom(rule="queue_unread", subject="z", text="waits")
    course = Course()
    course.look(0, *many)
    course.look(60, *many)
    [first] = course.look(30, *many)
    assert len(first.incidents) == 500
    course.look(60, many[0])
    course.look(60, many[0], late)
    [second] = course.look(600, many[0], late)
    assert [each.subject for each in second.incidents] == ["a000", "z"]
    assert [course.look(600, many[0], late) for _ in range(3)] == [[], [], []]


def test_a_recovery_names_all_that_people_have_heard_of_and_nothing_else() -> None:
    lost = {name: Symptom(rule="worker_lost", subject=name, text="silent") for name in "abc"}
    course = Course()
    course.look(0, lost["a"], lost["b"])
    [told] = course.look(30, lost["a"], lost["b"])
    assert [each.subject for each in told.incidents] == ["a", "b"]
    assert course.look(60, lost["b"], lost["c"]) == []  # c comes before there is another message
    assert course.look(60, lost["c"]) == []
    assert course.look(1, lost["c"]) == []
    [over] = course.look(60)
    assert over.occasion == "recovered"
    assert sorted(each.subject for each in over.incidents) == ["a", "b"]


def test_a_failure_is_repeated_only_when_it_has_happened_again() -> None:
    once = Symptom(rule="task_failed", subject="t · E", group="t · E", text="E", since=NOW, count=1)
    course = Course()
    course.look(0, once)
    assert len(course.look(30, replace(once, count=0))) == 1
    assert course.look(5 * 3600, replace(once, count=0)) == []
    [again] = course.look(15, once)
    assert (again.occasion, again.incidents[0].count) == ("still", 2)


def test_what_has_another_cause_is_not_told_until_the_cause_is_gone() -> None:
    course = Course()
    under = replace(UNREAD, under="worker_lost")
    course.look(0, under)
    course.look(60, under)
    assert course.look(60, under) == []
    assert course.phases() == ["firing"]
    [told] = course.look(15, UNREAD)
    assert told.occasion == "firing"


def test_a_silence_covers_what_it_names_until_its_end_and_its_recovery_too() -> None:
    course = Course()
    silence = Silence(id="1", rule="queue_*", subject="ma*", until=NOW + 300_000, reason="move", by="ana", at=NOW)
    course.silences = [silence]
    course.look(0, UNREAD)
    course.look(60, UNREAD)
    assert course.look(60, UNREAD) == []
    assert course.book.incidents[0].silenced == "1"
    [told] = course.look(200, UNREAD)  # the silence has ended
    assert told.occasion == "firing"
    course.silences = [replace(silence, until=course.now + 900_000)]
    course.look(15, UNREAD)
    course.look(15)
    assert course.look(30) == []


def test_an_incident_of_a_schedule_that_a_look_was_not_about_stays() -> None:
    late = Symptom(rule="schedule_late", subject="nightly", group="t", text="late", since=NOW)
    course = Course()
    course.look(0, late)
    book, _ = advance(course.book, [], ALERTING, [], now=NOW + 10_000_000, judged={"others"})
    assert [each.subject for each in book.incidents] == ["nightly"]


def test_who_has_too_many_incidents_keeps_the_oldest_and_is_told_how_many_were_left_out() -> None:
    many = [Symptom(rule="queue_unread", subject=f"q{n}", text="x") for n in range(600)]
    course = Course()
    course.look(0, *many)
    assert (len(course.book.incidents), course.book.left_out) == (500, 100)


@pytest.mark.parametrize("zone", ["Europe/Berlin"])
def test_a_message_says_state_name_since_cause_last_good_run_and_where_to_look(zone: str) -> None:
    late = Symptom(
        rule="schedule_missed",
        subject="nightly",
        group="shop.report",
        text="due at 00:00, has not fired",
        since=NOW,
        last_good=NOW - 86_400_000,
        path="/schedules/nightly",
    )
    course = Course()
    course.look(60, late)
    [notice] = course.look(30, late)
    message = message_of(notice, app="shop", now=course.now, zone=zone, dashboard_url="https://tasks.example/")
    assert message.title == "[shop] FIRING: Schedule missed: nightly"
    assert message.body.splitlines() == [
        "nightly: due at 00:00, has not fired; last good: Wed 31 Dec 2025  01:00:00 CET",
        "since Thu 01 Jan 2026  01:00:00 CET",
        "https://tasks.example/schedules/nightly",
    ]
    course.look(15)
    [over] = course.look(60)
    told = message_of(over, app="shop", now=course.now, zone=zone)
    assert told.title == "[shop] RECOVERED: Schedule missed: nightly"
    assert told.body.splitlines()[-1] == "well again after 2 m 45 s"
    assert told.key == message.key and told.id != message.id
