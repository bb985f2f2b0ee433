"""The doctor's rules, each over plain facts: what is wrong is named, with the command that mends it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from horarium.app.switches import Switch, Switched
from horarium.engines.records import Held, Member, MemberRecord, QueueCounts, RunningNow
from horarium.message import Message, Slot
from horarium.observe.doctor import diagnose
from horarium.observe.facts import Facts
from horarium.observe.finding import Finding
from horarium.observe.waiting import diagnose_task, explain
from horarium.outcome import ErrorRecord, Run, State
from horarium.schedules.interval import every
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DAY = 86_400_000


def record(kind: str = "worker", *, alive: bool = True, held: int = 0, seen: int = NOW, **member: Any) -> MemberRecord:
    name = {"worker": "worker@vm", "child": "worker@vm", "scheduler": "beat@vm"}[kind]
    fields = {"owner": f"{kind}-1", "kind": kind, "name": name, "host": "vm", "pid": 42, **member}
    return MemberRecord(member=Member(**fields), seen=seen, lease_until=seen + 10_000, alive=alive, held=held)


def working(**facts: Any) -> Facts:
    """An installation that is well: a worker with one child that knows shop.charge and reads default."""
    known = {"queues": ("default",), "tasks": ("shop.charge",)}
    members = (record("worker", **known), record("child", slots=1, looked=NOW, **known), record("scheduler"))
    return msgspec.structs.replace(
        Facts(now=NOW, store="sqlite:///shop.db", members=members, tasks=frozenset({"shop.charge"})), **facts
    )


def schedule(name: str = "hourly", **fields: Any) -> Schedule:
    chosen = {"task": "shop.charge", "next_fire": NOW + 60_000, "version": 1, **fields}
    return Schedule(id=name, name=name, spec=to_record(every(hours=1)), anchor=NOW, created=NOW, changed=NOW, **chosen)


def message(**fields: Any) -> Message:
    return Message(**{"id": "r1", "task": "shop.charge", "created": NOW - 5000, **fields})


def run(state: str = State.PENDING, *, sent: Message | None = None, **fields: Any) -> Run:
    return Run(message=sent or message(), state=state, changed=NOW, **fields)


def held(sent: Message | None = None, **fields: Any) -> Held:
    sent = sent or message()
    return Held(**{"message": sent, "state": State.PENDING, "due": sent.due, **fields})


def of(findings: list[Finding], cause: str) -> Finding:
    [finding] = [finding for finding in findings if finding.cause == cause]
    return finding


def test_a_well_installation_has_no_problem_and_says_what_was_looked_at() -> None:
    findings = diagnose(working())
    assert {finding.level for finding in findings} == {"ok"}
    assert {"store", "worker", "scheduler", "queues", "tasks", "clocks", "leases"} <= {f.cause for f in findings}


def test_a_store_that_cannot_be_used_is_the_only_finding() -> None:
    [finding] = diagnose(Facts(now=NOW, trouble="the file is not a database"))
    assert (finding.level, finding.cause) == ("problem", "store")
    assert "the file is not a database" in finding.text


def test_a_store_of_one_process_is_a_problem() -> None:
    assert of(diagnose(working(shared=False)), "store-private").level == "problem"


def test_without_a_worker_the_remedy_is_to_start_one() -> None:
    findings = diagnose(working(members=(), queues={"default": QueueCounts(ready=3)}, command="horarium -A shop"))
    finding = of(findings, "no-worker")
    assert "3 messages waiting" in finding.text
    assert finding.remedy == "horarium -A shop worker"


def test_a_worker_whose_lease_lapsed_is_not_alive() -> None:
    assert of(diagnose(working(members=(record("worker", alive=False),))), "no-worker").level == "problem"


def test_schedules_without_a_scheduler_are_a_problem() -> None:
    members = tuple(m for m in working().members if m.member.kind != "scheduler")
    finding = of(diagnose(working(members=members, schedules=(schedule(),))), "no-scheduler")
    assert finding.level == "problem" and finding.remedy.startswith("horarium beat")


def test_a_scheduler_that_cannot_read_its_schedules_is_a_problem() -> None:
    trouble = "expected the tables of periodic tasks; run: python manage.py migrate django_celery_beat"
    found = record("scheduler", trouble=trouble)
    finding = of(diagnose(working(members=(*working().members, found))), "schedules-unread")
    assert finding.level == "problem" and finding.text.startswith("scheduler beat@vm fires")
    assert finding.text.endswith(trouble)


def test_schedules_that_only_the_code_knows_need_a_scheduler_too() -> None:
    members = tuple(m for m in working().members if m.member.kind != "scheduler")
    finding = of(diagnose(working(members=members, declared=(schedule(version=0),))), "no-scheduler")
    assert finding.level == "problem" and finding.text.startswith("1 schedule in the code, but")
    both = working(members=members, declared=(schedule("b", version=0),), schedules=(schedule(),))
    assert of(diagnose(both), "no-scheduler").text.startswith("2 schedules stored or in the code, but")


def test_no_schedules_need_no_scheduler() -> None:
    members = tuple(m for m in working().members if m.member.kind != "scheduler")
    assert of(diagnose(working(members=members)), "scheduler").level == "ok"


def test_a_queue_that_nobody_reads_names_the_queues_that_are_read() -> None:
    finding = of(diagnose(working(queues={"mail": QueueCounts(ready=2, scheduled=1)})), "queue-unread")
    assert "'mail' holds 3 messages" in finding.text and "they read default" in finding.text
    assert finding.remedy == "horarium worker -Q mail"


def test_an_empty_queue_that_nobody_reads_is_no_problem() -> None:
    assert of(diagnose(working(queues={"mail": QueueCounts()})), "queues").level == "ok"


def test_a_message_for_a_task_that_nobody_knows_shows_the_nearest_name() -> None:
    counts = QueueCounts(ready=2, tasks={"shop.chrage": 2})
    finding = of(diagnose(working(queues={"default": counts})), "task-unknown")
    assert "2 messages" in finding.text and "'shop.charge'" in finding.text


def test_a_task_that_the_app_knows_and_the_workers_do_not_asks_for_a_restart() -> None:
    counts = QueueCounts(ready=1, tasks={"shop.new": 1})
    facts = working(queues={"default": counts}, tasks=frozenset({"shop.charge", "shop.new"}))
    assert "restart the workers" in of(diagnose(facts), "task-unknown").text


@pytest.mark.parametrize(
    ("fields", "cause", "level", "remedy"),
    [
        ({"paused_by": "anna", "pause_note": "move"}, "schedule-paused", "note", "horarium schedules resume hourly"),
        ({"enabled": False}, "schedule-disabled", "note", "horarium schedules resume hourly"),
        ({"error": "unknown zone"}, "schedule-error", "problem", "horarium check"),
        ({"task": "shop.chrage"}, "schedule-unknown-task", "problem", "horarium tasks list"),
        ({"next_fire": NOW - 60_000}, "schedule-late", "problem", "horarium beat"),
        ({"next_fire": NOW - 60_000, "held": True}, "schedule-held", "note", "horarium runs list --schedule hourly"),
        ({"last_fire": NOW - DAY}, "schedule-unsuccessful", "problem", "horarium runs list --schedule hourly"),
        ({"failures": 2}, "schedule-failing", "problem", "horarium runs list --schedule hourly"),
    ],
)
def test_a_schedule_that_cannot_fire_says_why(fields: dict[str, Any], cause: str, level: str, remedy: str) -> None:
    finding = of(diagnose(working(schedules=(schedule(**fields),))), cause)
    assert finding.level == level
    assert finding.remedy.startswith(remedy)


def test_a_schedule_of_a_task_that_no_live_worker_knows_is_told_before_it_fires() -> None:
    new = {"tasks": frozenset({"shop.charge", "shop.new"}), "schedules": (schedule(task="shop.new"),)}
    finding = of(diagnose(working(**new)), "schedule-unknown-task")
    assert (finding.level, finding.remedy) == ("problem", "horarium inspect registered")
    assert "'shop.new'" in finding.text and "restart the workers" in finding.text
    nobody = working(**new, members=tuple(m for m in working().members if m.member.kind == "scheduler"))
    assert of(diagnose(nobody), "schedules").level == "ok"  # that there is no worker is said already


def test_s21_the_doctor_says_since_when_a_schedule_is_late_and_when_it_last_succeeded() -> None:
    late = schedule(last_fire=NOW - DAY, succeeded=NOW - 2 * DAY)
    assert "hourly' is late: due at" in of(diagnose(working(schedules=(late,))), "schedule-unsuccessful").text


def test_a_pause_that_is_over_is_no_finding() -> None:
    over = schedule(paused_by="anna", paused_until=NOW - 1)
    assert of(diagnose(working(schedules=(over,))), "schedules").level == "ok"


def test_a_schedule_that_is_due_this_moment_is_not_late() -> None:
    assert of(diagnose(working(schedules=(schedule(next_fire=NOW - 5000),))), "schedules").level == "ok"


def test_a_definition_that_cannot_be_read_is_a_problem() -> None:
    assert of(diagnose(working(wrong={"daily": "no such hour"})), "schedule-error").level == "problem"


def test_clocks_that_differ_by_more_than_two_seconds_are_a_problem() -> None:
    finding = of(diagnose(working(members=(record("worker", skew=3.5), *working().members[1:]))), "clock-difference")
    assert "worker@vm is 3.5 s ahead" in finding.text


def test_this_hosts_clock_is_compared_with_the_members() -> None:
    finding = of(diagnose(working(skew=-4.0)), "clock-difference")
    assert "this host differs -4.0 s" in finding.text


def test_all_clocks_off_from_the_store_by_the_same_are_a_problem_too() -> None:
    facts = working(members=(record("worker", skew=5.0), record("scheduler", skew=5.0)), skew=5.0)
    assert of(diagnose(facts), "clock-difference").level == "problem"


def test_clocks_within_two_seconds_agree() -> None:
    assert of(diagnose(working(skew=1.9)), "clocks").level == "ok"


def test_a_lapsed_lease_with_deliveries_in_hand_is_stuck() -> None:
    stuck = record("child", alive=False, held=2, seen=NOW - 60_000, pid=77, owner="gone")
    finding = of(diagnose(working(members=(*working().members, stuck))), "lease-lapsed")
    assert "pid 77" in finding.text and "60 s" in finding.text and "2 deliveries" in finding.text


def test_an_orderly_leave_is_no_stuck_lease() -> None:
    gone = record("child", alive=False, held=0, owner="gone")
    assert of(diagnose(working(members=(*working().members, gone))), "leases").level == "ok"


def test_a_child_with_a_free_slot_that_stopped_looking_is_a_problem() -> None:
    child = record("child", slots=1, looked=NOW - 60_000, pid=9, queues=("default",), tasks=("shop.charge",))
    finding = of(diagnose(working(members=(record("worker"), child, record("scheduler")))), "child-stuck")
    assert finding.remedy.startswith("kill -KILL 9")


def test_a_busy_child_need_not_look() -> None:
    running = (RunningNow(id="r9", task="shop.charge", started=NOW - 90_000),)
    child = record("child", slots=1, looked=NOW - 90_000, running=running, queues=("default",), tasks=("shop.charge",))
    assert of(diagnose(working(members=(record("worker"), child, record("scheduler")))), "leases").level == "ok"


def test_dead_messages_are_a_problem_and_name_their_tasks() -> None:
    finding = of(diagnose(working(states={"DEAD": 2}, dead=(run(State.DEAD),))), "dead")
    assert "2 messages" in finding.text and "shop.charge" in finding.text
    assert finding.remedy.startswith("horarium runs list --state DEAD")


def test_a_queue_that_is_behind_is_noted_with_its_busy_slots() -> None:
    """Row 131."""
    counts = QueueCounts(ready=40, oldest_due=NOW - 300_000, tasks={"shop.charge": 40})
    finding = of(diagnose(working(queues={"default": counts})), "queue-behind")
    assert finding.level == "note" and "40 messages" in finding.text and "5 min" in finding.text


def test_a_run_waits_for_its_eta() -> None:
    later = message(eta=NOW + 90_000)
    finding = explain(working(), run(sent=later), held(later))
    assert finding.cause == "future-eta" and "in 90 s" in finding.text


def test_a_run_that_failed_waits_for_its_retry_and_says_what_failed() -> None:
    later = message(eta=NOW + 90_000)
    failed = run(State.RETRY, sent=later, error=ErrorRecord(class_path="builtins.OSError", text="no route"))
    finding = explain(working(), failed, held(later, state=State.RETRY))
    assert finding.cause == "retry" and "no route" in finding.text


@pytest.mark.parametrize(
    ("facts", "cause"),
    [
        (working(members=()), "no-worker"),
        (working(members=(record("worker", queues=("mail",), tasks=("shop.charge",)),)), "queue-unread"),
        (working(members=(record("worker", queues=("default",), tasks=("shop.chrage",)),)), "task-unknown"),
        (working(), "waiting"),
    ],
)
def test_a_run_that_waits_says_why(facts: Facts, cause: str) -> None:
    """Row 130."""
    assert explain(facts, run(), held()).cause == cause


def test_a_worker_that_knows_the_task_but_reads_another_queue_is_named_by_its_queue() -> None:
    members = (
        record("worker", queues=("default",), tasks=("other",)),
        record("worker", owner="w2", queues=("mail",), tasks=("shop.charge",)),
    )
    finding = explain(working(members=members), run(), held())
    assert finding.cause == "task-unknown" and "read only mail" in finding.text


def test_a_run_in_hand_says_who_runs_it_and_since_when() -> None:
    child = record("child", owner="c1", running=(RunningNow(id="r1", task="shop.charge", started=NOW - 30_000),))
    finding = explain(working(members=(child,)), run(State.STARTED), held(owner="c1", state=State.STARTED))
    assert finding.cause == "running" and "30 s" in finding.text


def test_a_run_in_the_hands_of_a_lapsed_owner_is_a_problem() -> None:
    child = record("child", owner="c1", alive=False, held=1)
    finding = explain(working(members=(child,)), run(State.STARTED), held(owner="c1", state=State.STARTED))
    assert (finding.level, finding.cause) == ("problem", "lease-lapsed")


def test_a_run_past_its_expiry_is_about_to_end() -> None:
    late = message(expires=NOW - 1)
    assert explain(working(), run(sent=late), held(late)).cause == "expired"


@pytest.mark.parametrize(
    ("state", "level"),
    [("SUCCESS", "ok"), ("REVOKED", "note"), ("EXPIRED", "problem"), ("DEAD", "problem"), ("FAILURE", "problem")],
)
def test_an_ended_run_says_how_it_ended(state: str, level: str) -> None:
    assert explain(working(), run(state, ended=NOW), None).level == level


def test_a_task_that_nobody_knows_is_a_problem_with_the_nearest_name() -> None:
    finding = of(diagnose_task(working(), "shop.chrage"), "task-unknown")
    assert finding.level == "problem" and "'shop.charge'" in finding.text


def test_a_task_in_an_unread_queue_is_found_by_its_name() -> None:
    counts = QueueCounts(ready=1, tasks={"shop.charge": 1})
    findings = diagnose_task(working(queues={"mail": counts}), "shop.charge")
    assert of(findings, "queue-unread").remedy == "horarium worker -Q mail"


def test_a_tasks_schedules_are_part_of_its_diagnosis() -> None:
    other = schedule("other", task="shop.refund", paused_by="anna")
    findings = diagnose_task(working(schedules=(schedule(paused_by="anna"), other)), "shop.charge")
    assert "'hourly'" in of(findings, "schedule-paused").text


def test_a_task_without_schedules_needs_no_scheduler() -> None:
    members = tuple(m for m in working().members if m.member.kind != "scheduler")
    others = (schedule("other", task="shop.refund"),)
    assert "no-scheduler" not in {
        f.cause for f in diagnose_task(working(members=members, schedules=others), "shop.charge")
    }


def test_every_problem_comes_with_a_remedy() -> None:
    facts = Facts(
        now=NOW,
        queues={"mail": QueueCounts(ready=1, tasks={"x": 1})},
        schedules=(schedule(error="bad"), schedule("b", task="y"), schedule("c", next_fire=NOW - 60_000)),
        states={"DEAD": 1},
        skew=9.0,
        members=(record("child", alive=False, held=1), record("worker", queues=("default",))),
    )
    problems = [finding for finding in diagnose(facts) if finding.level == "problem"]
    assert len(problems) >= 7
    assert all(finding.remedy for finding in problems)


def switch(kind: Any, name: str, **fields: Any) -> Switched:
    return Switched(switches=(Switch(kind=kind, name=name, at=NOW - 60_000, by="ana", reason="audit", **fields),))


def test_the_doctor_names_each_switch_with_who_and_why() -> None:
    found = of(diagnose(working(switched=switch("task", "shop.*"))), "task-paused")
    assert "task 'shop.*' is paused by ana since 2025-12-31 23:59:00 UTC: audit" in found.text
    assert found.remedy == "horarium tasks resume 'shop.*'"
    assert (
        "is 10/m by ana"
        in of(diagnose(working(switched=switch("rate", "shop.charge", rate="10/m"))), "rate-changed").text
    )


def test_a_run_of_a_paused_task_or_queue_says_who_paused_it_and_why() -> None:
    found = explain(working(switched=switch("task", "shop.*")), run(), held())
    assert found.text.startswith("it waits: task 'shop.charge' is paused by ana")
    found = explain(working(switched=switch("queue", "default")), run(), held())
    assert found.text.startswith("it waits: queue 'default' is paused by ana")
    assert found.remedy == "horarium queues resume default"


def test_a_run_that_waits_for_its_slot_says_what_it_waits_for() -> None:
    sent = message(slot=Slot(key="customer:7", size=2))
    found = explain(working(), run(sent=sent), held(sent, is_blocked=True))
    assert found.text == "it waits for room: no more than 2 runs of 'customer:7' at once"


def test_a_run_that_waits_for_its_rate_limit_names_it() -> None:
    found = explain(working(limited={"shop.charge": "10/m over all workers"}), run(), held())
    assert "the task is limited to 10/m over all workers" in found.text


def test_the_doctor_of_a_task_says_that_it_is_paused() -> None:
    found = of(diagnose_task(working(switched=switch("task", "shop.charge")), "shop.charge"), "task-paused")
    assert "by ana" in found.text
