"""Why one run, or one task, does not run: the doctor's rules for a single case, as sentences.

The reasons are tried in the order in which they stop a message: it has ended, somebody has it, others must end before
it, its time has not come, nobody is there, nobody reads its queue, nobody knows its task, others are in front.
"""

from __future__ import annotations

from shlex import quote

from horarium.clock import dated
from horarium.engines.records import Held
from horarium.message import Message
from horarium.observe.doctor import diagnose, judge_schedules
from horarium.observe.facts import Facts
from horarium.observe.finding import Finding, did_you_mean, fine, lasting, note, plural, problem
from horarium.observe.switched import by_whom, paused_queue, paused_task
from horarium.outcome import Run, State

ALWAYS_OF_INTEREST = frozenset({"store-private", "no-worker", "clock-difference"})


def diagnose_task(facts: Facts, task: str) -> list[Finding]:
    """Judge one task: who knows it, where its messages wait, which schedules send it."""
    if facts.trouble is not None:
        return diagnose(facts)
    mine = tuple(schedule for schedule in facts.all_schedules if schedule.task == task)
    of_interest = ALWAYS_OF_INTEREST | ({"no-scheduler"} if mine else set())
    found = [f for f in diagnose(facts) if f.level == "problem" and f.cause in of_interest]
    found += _who_knows(facts, task)
    found += [paused_task(facts, switch, f"task {task!r}") for switch in [facts.switched.of_task(task)] if switch]
    if (rate := facts.switched.rate_of(task)) is not None:
        found.append(
            note(
                "rate-changed",
                f"its rate limit is {rate.rate or 'none'} instead of the declared one{by_whom(rate, facts.zone)}",
            )
        )
    for name, queue in sorted(facts.queues.items()):
        waiting = queue.tasks.get(task, 0)
        if waiting and facts.workers and name not in facts.queues_read:
            found.append(
                problem(
                    "queue-unread",
                    f"{plural(waiting, 'message')} for it in queue {name!r}, which no live worker reads",
                    f"{facts.command} worker -Q {quote(name)}",
                )
            )
        elif waiting:
            found.append(note("waiting", f"{plural(waiting, 'message')} for it ready in queue {name!r}"))
    found += judge_schedules(facts, mine)
    found += [
        note("schedule-next", f"schedule {s.name!r} next fires at {dated(s.next_fire or 0, facts.zone)}")
        for s in mine
        if s.is_active and s.next_fire is not None and s.next_fire >= facts.now
    ]
    return found


def diagnose_run(facts: Facts, run: Run, held: Held | None) -> list[Finding]:
    """Judge one run: the sentence that says where it stands, and whatever ails its surroundings."""
    if facts.trouble is not None:
        return diagnose(facts)
    return [explain(facts, run, held)]


def explain(facts: Facts, run: Run, held: Held | None) -> Finding:
    """Say in one sentence where a run stands, and if it waits, why. ``held``: None if it has ended."""
    if run.has_ended:
        return _how_it_ended(facts, run)
    if held is not None and held.owner is not None:
        return _who_has_it(facts, run, held)
    if run.message.gate is not None:
        return _those_before_it(facts, run)
    message, due = run.message, held.due if held else run.message.due
    if message.expires is not None and message.expires <= facts.now:
        return note("expired", "its `expires` has passed: the next worker that looks ends it as EXPIRED")
    if due > facts.now:
        return _its_time(facts, run, (due - facts.now) / 1000, dated(due, facts.zone))
    if (kept := _kept_back(facts, message, held)) is not None:
        return kept
    if not facts.workers:
        return problem("no-worker", "it waits for a worker: none is alive", f"{facts.command} worker")
    if message.queue not in facts.queues_read:
        return problem(
            "queue-unread",
            f"it waits in queue {message.queue!r}, which no live worker reads",
            f"{facts.command} worker -Q {quote(message.queue)}",
        )
    readers = [m.member for m in facts.runners if message.queue in m.member.queues]
    if not any(message.task in member.tasks for member in readers):
        return _unknown_to_readers(facts, run)
    return _others_in_front(facts, run)


def _those_before_it(facts: Facts, run: Run) -> Finding:
    size = run.message.gate.size if run.message.gate is not None else None
    whom = "a header that is still being sent" if size is None else f"{plural(size, 'other')} of its workflow to end"
    return note("blocked", f"it waits for {whom}", f"{facts.command} runs tree {run.id}")


def _kept_back(facts: Facts, message: Message, held: Held | None) -> Finding | None:
    """Say what keeps a message from being given to anybody, however many workers there are."""
    if held is not None and held.is_blocked and message.slot is not None:
        size = plural(message.slot.size, "run")
        return note("concurrency", f"it waits for room: no more than {size} of {message.slot.key!r} at once")
    if (switch := facts.switched.of_queue(message.queue)) is not None:
        return paused_queue(facts, switch, f"it waits: queue {message.queue!r}")
    if (switch := facts.switched.of_task(message.task)) is not None:
        return paused_task(facts, switch, f"it waits: task {message.task!r}")
    return None


def _who_knows(facts: Facts, task: str) -> list[Finding]:
    if task in facts.tasks_run:
        names = sorted({m.member.name for m in facts.runners if task in m.member.tasks})
        return [fine("task", f"task {task!r} is known by {', '.join(names)}")]
    if task not in facts.tasks:
        everything = facts.tasks | facts.tasks_run
        return [
            problem(
                "task-unknown",
                f"nobody knows task {task!r}{did_you_mean(task, everything)}",
                f"{facts.command} tasks list",
            )
        ]
    if not facts.workers:
        return [fine("task", f"task {task!r} is known by the app")]
    return [
        problem(
            "task-unknown",
            f"the app knows task {task!r}, but no live worker does: they run older code or another app",
            f"{facts.command} worker   (restart them)",
        )
    ]


def _how_it_ended(facts: Facts, run: Run) -> Finding:
    when = f" at {dated(run.ended, facts.zone)}" if run.ended is not None else ""
    again = f"{facts.command} runs retry {run.id}"
    match run.state:
        case State.SUCCESS | State.IGNORED:
            return fine("ended", f"it ended well{when}")
        case State.REVOKED:
            return note("revoked", f"it was cancelled{when}", again)
        case State.EXPIRED:
            return problem("expired", f"no worker started it before its `expires`; it ended as EXPIRED{when}", again)
        case State.DEAD:
            return problem("dead", f"its process died each time it was tried; it was given up{when}", again)
        case _:
            error = f": {run.error.class_path}: {run.error.text}" if run.error else ""
            return problem("failed", f"it failed{when}{error}", again)


def _who_has_it(facts: Facts, run: Run, held: Held) -> Finding:
    record = next((m for m in facts.members if m.member.owner == held.owner), None)
    if record is None or not record.alive:
        name = record.member.name if record else held.owner
        return problem(
            "lease-lapsed",
            f"{name} took it and its lease has lapsed; it goes back to its queue when a live worker next looks",
            f"{facts.command} worker",
        )
    cancel = ", and is to be cancelled" if run.cancel else ""
    running = next((r for r in record.member.running if r.id == run.id), None)
    if running is None:
        return fine("reserved", f"{record.member.name} has it and is about to start it{cancel}")
    since = lasting((facts.now - running.started) / 1000)
    return fine("running", f"{record.member.name} (pid {record.member.pid}) has been running it for {since}{cancel}")


def _its_time(facts: Facts, run: Run, wait: float, due: str) -> Finding:
    if run.state == State.RETRY:
        last = f" ({run.error.class_path}: {run.error.text})" if run.error else ""
        return note("retry", f"it failed{last} and is tried again in {lasting(wait)}, at {due}")
    return note("future-eta", f"it waits for its eta: {due}, in {lasting(wait)}")


def _unknown_to_readers(facts: Facts, run: Run) -> Finding:
    task, queue = run.message.task, run.message.queue
    if task in facts.tasks_run:
        elsewhere = sorted({q for m in facts.runners if task in m.member.tasks for q in m.member.queues if q != queue})
        return problem(
            "task-unknown",
            f"it waits in queue {queue!r}; workers that know task {task!r} read only {', '.join(elsewhere)}",
            f"{facts.command} worker -Q {quote(queue)}",
        )
    if task in facts.tasks:
        return problem(
            "task-unknown",
            f"it waits for a worker that knows task {task!r}: the app does, the live workers do not",
            f"{facts.command} worker   (restart them, so that they import it)",
        )
    return problem(
        "task-unknown",
        f"it waits for a worker that knows task {task!r}{did_you_mean(task, facts.tasks | facts.tasks_run)}",
        f"{facts.command} inspect registered",
    )


def _others_in_front(facts: Facts, run: Run) -> Finding:
    children = [m.member for m in facts.runners if m.member.kind == "child" and run.message.queue in m.member.queues]
    slots, busy = sum(m.slots for m in children), sum(len(m.running) for m in children)
    counts = facts.queues.get(run.message.queue)
    ready = counts.ready if counts else 0
    return note(
        "waiting",
        f"it waits its turn in queue {run.message.queue!r}: {plural(ready, 'message')} ready, "
        f"{busy} of {plural(slots, 'slot')} busy{_limited(facts, run.message.task)}",
        f"{facts.command} worker -Q {quote(run.message.queue)}" if slots and busy >= slots else "",
    )


def _limited(facts: Facts, task: str) -> str:
    switch, declared = facts.switched.rate_of(task), facts.limited.get(task)
    if switch is not None:
        return f"; its rate limit is {switch.rate or 'none'}{by_whom(switch, facts.zone)}"
    return f"; the task is limited to {declared}" if declared else ""
