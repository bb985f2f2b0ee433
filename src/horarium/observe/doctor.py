"""The doctor: rules that judge an installation's facts and say what is wrong and which command mends it.

Every rule is a pure function from Facts to findings. A rule that has nothing to complain about says so in one line,
so that a clean bill of health names what was looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from shlex import quote
from typing import TypeAlias

from horarium.clock import Seconds
from horarium.engines.records import MemberRecord
from horarium.observe.facts import Facts, gather, without_name
from horarium.observe.finding import Finding, did_you_mean, fine, lasting, note, plural, problem, warning
from horarium.observe.switched import judge_switches
from horarium.schedules.health import Condition, Health, health
from horarium.schedules.record import Schedule

__all__ = ["CLOCK_TOLERANCE", "Facts", "Finding", "diagnose", "gather"]

CLOCK_TOLERANCE: Seconds = 2.0  # between any two members; more makes etas and logs misleading
LATE_GRACE: Seconds = 10.0  # a take-over after a scheduler's death takes 5 s
LOOK_GRACE: Seconds = 30.0  # a child with a free slot looks every few seconds, even when nothing wakes it
WAIT_WORTH_A_NOTE: Seconds = 60.0
SHARED_INSTEAD = (
    "name a store that processes share, such as --store sqlite:///horarium.db, for workers and senders alike"
)

# What programs compare; what was not fired at all is "schedule-late".
_CAUSES = {Condition.LATE: "unsuccessful", Condition.FAILING: "failing", Condition.IN_ERROR: "error"}

Rule: TypeAlias = Callable[[Facts], Iterator[Finding]]


def diagnose(facts: Facts) -> list[Finding]:
    """Judge an installation. The order is that in which one would look: the store, who is alive, what waits."""
    if facts.absent:
        remedy = f"{facts.command} worker   (it makes the store, as the first call does; --store URL names another one)"
        return [problem("store-absent", f"{facts.trouble}", remedy)]
    if facts.trouble is not None:
        remedy = f"{facts.command} doctor   (after mending it or restoring a backup; --store URL names another one)"
        return [problem("store", f"the store cannot be used: {facts.trouble}", remedy)]
    return [finding for rule in RULES for finding in rule(facts)]


def store_is_private(store: str) -> str:
    return f"the store {store} lives in one process: no worker elsewhere sees what is sent to it"


def judge_schedules(facts: Facts, schedules: tuple[Schedule, ...]) -> Iterator[Finding]:
    """Say of each schedule what keeps it from firing; nothing of those that are well."""
    run = facts.tasks_run if facts.workers else None
    known = facts.tasks | (run or frozenset())
    for schedule in schedules:
        name = schedule.name
        if schedule.error is not None:
            yield problem(
                "schedule-error",
                f"schedule {name!r} is in error: {without_name(name, schedule.error)}",
                f"{facts.command} check   (then correct its definition)",
                about=name,
            )
        elif schedule.task not in known:
            meant = did_you_mean(schedule.task, known)
            yield problem(
                "schedule-unknown-task",
                f"schedule {name!r} sends task {schedule.task!r}, which nobody knows{meant}",
                f"{facts.command} tasks list",
                about=name,
            )
        elif (found := health(schedule, facts.now, facts.zone)).condition is Condition.PAUSED:
            yield note(
                "schedule-paused",
                f"schedule {name!r} is {found.text}",
                f"{facts.command} schedules resume {quote(name)}",
                about=name,
            )
        elif not schedule.enabled:
            yield note(
                "schedule-disabled",
                f"schedule {name!r} is disabled",
                f"{facts.command} schedules resume {quote(name)}",
                about=name,
            )
        elif schedule.held:
            yield note(
                "schedule-held",
                f"schedule {name!r} is due and waits until one of its earlier runs ends",
                f"{facts.command} runs list --schedule {quote(name)}",
                about=name,
            )
        elif schedule.next_fire is not None and (late := (facts.now - schedule.next_fire) / 1000) > LATE_GRACE:
            yield problem(
                "schedule-late",
                f"schedule {name!r} was due {lasting(late)} ago and has not fired",
                f"{facts.command} beat",
                about=name,
            )
        else:
            yield from _judge_worker(facts, schedule, run)
            yield from _judge_course(facts, schedule, found)


def _judge_worker(facts: Facts, schedule: Schedule, run: frozenset[str] | None) -> Iterator[Finding]:
    """Say of a schedule that fires whether there are workers, and none of them would run what it sends. ``run``: the
    tasks that live workers know, gathered once for all schedules; None without a worker."""
    if run is not None and schedule.task not in run:
        yield problem(
            "schedule-unknown-task",
            f"schedule {schedule.name!r} sends task {schedule.task!r}, which no live worker "
            f"knows{_stale_or_misspelt(schedule.task, facts)}",
            f"{facts.command} inspect registered",
        )


def _judge_course(facts: Facts, schedule: Schedule, found: Health) -> Iterator[Finding]:
    """Say of a schedule that fires whether its runs succeed, and in time."""
    if found.is_alarming:
        yield problem(
            f"schedule-{_CAUSES[found.condition]}",
            f"schedule {schedule.name!r} is {found.condition}: {found.text}",
            f"{facts.command} runs list --schedule {quote(schedule.name)}",
            about=schedule.name,
        )


def _the_store_answers(facts: Facts) -> Iterator[Finding]:
    if facts.shared:
        yield fine("store", f"the store {facts.store} answers")
        return
    yield problem(
        "store-private",
        store_is_private(facts.store),
        SHARED_INSTEAD,
    )


def _results_are_written_down(facts: Facts) -> Iterator[Finding]:
    if facts.without_archive:
        yield problem("no-archive", facts.without_archive, f"{facts.command} check")
    elif facts.archive:
        yield fine("archive", f"results are kept in the store, and written down in {facts.archive}")


def _the_store_keeps_its_promises(facts: Facts) -> Iterator[Finding]:
    for weakness in facts.weaknesses:
        yield warning("store-weak", f"the store is weaker than promised: {weakness}")


def _somebody_works(facts: Facts) -> Iterator[Finding]:
    if not facts.workers:
        waiting = sum(queue.ready for queue in facts.queues.values())
        behind = f"; {plural(waiting, 'message')} waiting" if waiting else ""
        yield problem("no-worker", f"no worker is alive{behind}", f"{facts.command} worker")
        return
    names = ", ".join(sorted(m.member.name for m in facts.workers))
    yield fine("worker", f"{plural(len(facts.workers), 'worker')} alive: {names}")


def _somebody_schedules(facts: Facts) -> Iterator[Finding]:
    number = sum(schedule.enabled for schedule in facts.all_schedules)
    if facts.schedulers:
        for member in (m.member for m in facts.schedulers if m.member.trouble):
            yield problem(
                "schedules-unread",
                f"scheduler {member.name} fires what it knows, but cannot read where schedules are defined: "
                f"{member.trouble}",
                f"{facts.command} doctor   (after mending it; a scheduler looks again by itself)",
            )
        alive = ", ".join(sorted(m.member.name for m in facts.schedulers))
        yield fine("scheduler", f"{plural(len(facts.schedulers), 'scheduler')} alive: {alive}")
    elif number:
        stored = sum(schedule.enabled for schedule in facts.schedules)
        where = "stored" if stored == number else "stored or in the code" if stored else "in the code"
        yield problem(
            "no-scheduler",
            f"{plural(number, 'schedule')} {where}, but no scheduler is alive to fire what is due",
            f"{facts.command} beat   (or start one worker with -B)",
        )
    else:
        yield fine("scheduler", "no schedules, so no scheduler is needed")


def _queues_are_read(facts: Facts) -> Iterator[Finding]:
    if not facts.workers:
        return  # said already: nobody reads any
    unread = sorted(
        name for name, queue in facts.queues.items() if queue.ready + queue.scheduled and name not in facts.queues_read
    )
    for name in unread:
        waiting = facts.queues[name].ready + facts.queues[name].scheduled
        yield problem(
            "queue-unread",
            f"queue {name!r} holds {plural(waiting, 'message')}, but no live worker reads it{_read_instead(facts)}",
            f"{facts.command} worker -Q {quote(name)}",
            about=name,
        )
    if not unread:
        yield fine("queues", "every queue that holds messages is read")


def _read_instead(facts: Facts) -> str:
    return f" (they read {', '.join(sorted(facts.queues_read))})" if facts.queues_read else ""


def _tasks_are_known(facts: Facts) -> Iterator[Finding]:
    if not facts.workers:
        return
    unknown = False
    for queue, counts in sorted(facts.queues.items()):
        for task, number in sorted(counts.tasks.items()):
            if task in facts.tasks_run:
                continue
            unknown = True
            yield problem(
                "task-unknown",
                f"{plural(number, 'message')} in queue {queue!r} for task {task!r}, which no live worker "
                f"knows{_stale_or_misspelt(task, facts)}",
                f"{facts.command} inspect registered",
                about=task,
            )
    if not unknown:
        yield fine("tasks", "live workers know the task of every waiting message")


def _stale_or_misspelt(task: str, facts: Facts) -> str:
    if task in facts.tasks:
        return "; the app here does: restart the workers so that they import it"
    return did_you_mean(task, facts.tasks_run | facts.tasks)


def _schedules_are_sound(facts: Facts) -> Iterator[Finding]:
    found = [
        problem("schedule-error", f"schedule {name!r} cannot be read: {reason}", f"{facts.command} check", about=name)
        for name, reason in sorted(facts.wrong.items())
    ]
    found += judge_schedules(facts, tuple(each for each in facts.all_schedules if each.name not in facts.wrong))
    yield from found
    if not found and facts.all_schedules:
        yield fine(
            "schedules", f"{plural(len(facts.all_schedules), 'schedule')}, none late, failing, paused or in error"
        )


def _clocks_agree(facts: Facts) -> Iterator[Finding]:
    # A worker's children share its host and its name: it speaks for them.
    clocks = [(m.member.skew, m.member.name) for m in facts.members if m.alive and m.member.kind != "child"]
    clocks.append((facts.skew, "this host"))
    (behind, slowest), (ahead, fastest) = min(clocks), max(clocks)
    difference = ahead - behind
    off, wrong = max(clocks, key=lambda clock: abs(clock[0]))
    if difference > CLOCK_TOLERANCE:
        yield problem(
            "clock-difference",
            f"the clock of {fastest} is {difference:.1f} s ahead of that of {slowest} "
            f"({wrong} differs {off:+.1f} s from the store)",
            f"timedatectl set-ntp true   (on {wrong})",
        )
    elif abs(off) > CLOCK_TOLERANCE:
        yield problem(
            "clock-difference",
            f"the clock of {wrong} differs {off:+.1f} s from the store's",
            f"timedatectl set-ntp true   (on {wrong})",
        )
    else:
        yield fine("clocks", f"clocks agree within {CLOCK_TOLERANCE:g} s")


def _leases_hold(facts: Facts) -> Iterator[Finding]:
    stuck = [m for m in facts.members if not m.alive and m.held]
    for record in stuck:
        silent = lasting((facts.now - record.seen) / 1000)
        yield problem(
            "lease-lapsed",
            f"{record.member.name} (pid {record.member.pid}) has been silent for {silent} and still holds "
            f"{plural(record.held, 'delivery', 'deliveries')}; any live worker gives them back",
            f"{facts.command} worker",
        )
    idle = [m for m in facts.runners if _has_stopped_looking(m, facts)]
    for record in idle:
        assert record.member.looked is not None
        yield problem(
            "child-stuck",
            f"a child of {record.member.name} (pid {record.member.pid}) has a free slot but has not looked for work "
            f"for {lasting((facts.now - record.member.looked) / 1000)}",
            f"kill -KILL {record.member.pid}   (on {record.member.host or 'its host'}; its worker starts another)",
        )
    if not stuck and not idle:
        yield fine("leases", "no lease has lapsed with work in hand")


def _has_stopped_looking(record: MemberRecord, facts: Facts) -> bool:
    member = record.member
    if member.kind != "child" or member.looked is None or len(member.running) >= member.slots:
        return False
    return (facts.now - member.looked) / 1000 > LOOK_GRACE


def _nothing_died(facts: Facts) -> Iterator[Finding]:
    number = facts.states.get("DEAD", 0)
    if not number:
        return
    tasks = ", ".join(sorted({run.message.task for run in facts.dead}))
    yield problem(
        "dead",
        f"{plural(number, 'message')} ended as DEAD: the process died each time it was tried"
        + (f" ({tasks})" if tasks else ""),
        f"{facts.command} runs list --state DEAD   (then runs show ID, runs retry ID)",
    )


def _nothing_waits_long(facts: Facts) -> Iterator[Finding]:
    for name, queue in sorted(facts.queues.items()):
        if name not in facts.queues_read or queue.oldest_due is None:
            continue
        waited = (facts.now - queue.oldest_due) / 1000
        if waited > WAIT_WORTH_A_NOTE:
            readers = [m.member for m in facts.runners if m.member.kind == "child" and name in m.member.queues]
            slots, busy = sum(m.slots for m in readers), sum(len(m.running) for m in readers)
            yield note(
                "queue-behind",
                f"queue {name!r} is behind: {plural(queue.ready, 'message')} ready, the oldest for "
                f"{lasting(waited)}; {busy} of {plural(slots, 'slot')} busy",
                f"{facts.command} worker -Q {quote(name)} -c {max(2, 2 * slots)}",
                about=name,
            )


RULES: tuple[Rule, ...] = (
    _the_store_answers,
    _results_are_written_down,
    _the_store_keeps_its_promises,
    _somebody_works,
    _somebody_schedules,
    _queues_are_read,
    _tasks_are_known,
    _schedules_are_sound,
    _clocks_agree,
    _leases_hold,
    _nothing_died,
    _nothing_waits_long,
    judge_switches,
)
