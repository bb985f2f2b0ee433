"""What really happened, and whether it may have: a witness beside the store, and the laws that its account must obey.

Tasks append one line per event to a file with a single O_APPEND write, producers one line per step of a call. Neither
asks Horarium, so the account holds whatever becomes of the store, and the boot clock puts all processes of the host in
one order. ``complaints`` compares it with what the store says in the end; ``gaps`` says what a run has not put to the
test, so that an idle run is not taken for a good one.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from msgspec import Struct, field

from horarium.outcome import ENDED

ENDINGS = frozenset({"succeeded", "failed", "revoked", "expired", "rejected", "ignored"})
FAILED = frozenset({"FAILURE", "DEAD", "EXPIRED", "REJECTED"})
# An ending is dated by its worker's idea of the store's time, a lower bound (decision 8), a start by the host's clock.
BLUR_NS = 50_000_000


class Event(Struct, frozen=True):
    """A task's ``start`` or ``end``; ``fence`` tells each delivery of a message from every other."""

    kind: str
    id: str
    attempt: int
    fence: int
    pid: int
    at: int  # nanoseconds since boot


class Ending(Struct, frozen=True, kw_only=True):
    """A run as the store tells it when all is over."""

    id: str
    state: str
    recorded: int  # when the ending was written, in nanoseconds since boot
    attempts: tuple[str, ...] = ("succeeded",)  # the outcome of each
    token: str = ""  # by which its producer knows the call
    parent: str | None = None
    links: int = 0
    error_links: int = 0
    schedule: str | None = None
    nominal: int | None = None
    may_expire: bool = False
    fence: int | None = None  # of the delivery that its result stems from


class History(Struct, kw_only=True):
    """One run of the system, from the first call until everything was stopped."""

    events: list[Event] = field(default_factory=list)
    invoked: set[str] = field(default_factory=set)  # tokens of all calls that were begun
    accepted: dict[str, str] = field(default_factory=dict)  # of those that returned: token -> id
    revoked: set[str] = field(default_factory=set)  # ids that somebody asked to cancel
    crashes: list[tuple[int, int]] = field(
        default_factory=list
    )  # from a server's end to its start: it may forget claims
    runs: list[Ending] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)  # runs by state, as the inspector counts them
    held: int = 0  # deliveries in somebody's hands
    owners: list[str] = field(default_factory=list)  # that count as alive
    processes: list[str] = field(default_factory=list)  # that were left over


def boot_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def append(path: str | Path, *lines: str) -> None:
    """Add whole lines to a file, in one write that nothing can tear."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())
    finally:
        os.close(descriptor)


def note(path: str | Path, kind: str, id: str, attempt: int, fence: int) -> None:
    """Witness an event of a task."""
    append(path, f"{kind} {id} {attempt} {fence} {os.getpid()} {boot_ns()}")


def _whole_lines(path: Path) -> list[str]:
    """Return the lines of a file to which others may be writing: a look can come in the middle of a line."""
    text = path.read_text() if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def read_events(path: Path) -> list[Event]:
    events = []
    for line in _whole_lines(path):
        kind, id, attempt, fence, pid, at = line.split()
        events.append(Event(kind, id, int(attempt), int(fence), int(pid), int(at)))
    return events


def read_calls(path: Path) -> tuple[set[str], dict[str, str]]:
    """Return the tokens of all calls that were begun, and the ids of those that returned."""
    invoked, accepted = set(), {}
    for line in _whole_lines(path):
        step, token, *rest = line.split()
        if step == "invoke":
            invoked.add(token)
        elif step == "ok":
            accepted[token] = rest[0]
    return invoked, accepted


def complaints(history: History) -> list[str]:
    """Return every breach of the promises; none: it was a good run."""
    laws = (_lost, _unexpected, _ended_once, _results, _after_the_end, _same_fence, _links, _firings, _left_over, _sums)
    return [complaint for law in laws for complaint in law(history)]


def gaps(history: History) -> list[str]:
    """Return what the run has not exercised; a run with gaps proves nothing."""
    outcomes = Counter(outcome for run in history.runs for outcome in run.attempts)
    seen = {
        "accepted calls": len(history.accepted),
        "starts that were broken off": len(broken_off(history)),
        "crashes": outcomes["crashed"],
        "retries": outcomes["retried"],
        "successes after a crash": sum("crashed" in run.attempts and run.state == "SUCCESS" for run in history.runs),
    }
    return [f"not exercised: {what}" for what, times in seen.items() if not times]


def broken_off(history: History) -> list[Event]:
    """Return the starts that no end followed: their process died, or their task raised."""
    ended = {(event.id, event.fence) for event in history.events if event.kind == "end"}
    return [event for event in history.events if event.kind == "start" and (event.id, event.fence) not in ended]


def _starts(history: History) -> dict[str, list[Event]]:
    starts = defaultdict(list)
    for event in history.events:
        if event.kind == "start":
            starts[event.id].append(event)
    return starts


def _lost(history: History) -> Iterator[str]:
    """What was accepted is there, and was started, unless somebody cancelled it or it came too late."""
    runs = {run.id: run for run in history.runs}
    starts = _starts(history)
    for token, id in history.accepted.items():
        if id not in runs:
            yield f"lost: {token} was accepted as {id}, the store does not know it"
        elif id not in starts and not _is_excused(history, runs[id]):
            yield f"never started: {token}, {id}, which ended as {runs[id].state}"


def _is_excused(history: History, run: Ending) -> bool:
    return (run.state == "REVOKED" and run.id in history.revoked) or (run.state == "EXPIRED" and run.may_expire)


def _unexpected(history: History) -> Iterator[str]:
    """What runs was asked for, and by one call only once; a call with an unknown answer may have come to either."""
    known = {run.id for run in history.runs}
    for id in _starts(history):
        if id not in known:
            yield f"unexpected: {id} was started, the store does not know it"
    called = [run for run in history.runs if run.parent is None and run.schedule is None]
    for run in called:
        if run.token not in history.invoked:
            yield f"unexpected: nobody asked for {run.id} ({run.token})"
    for token, times in Counter(run.token for run in called).items():
        if times > 1:
            yield f"doubled: the call {token} was stored {times} times"


def _ended_once(history: History) -> Iterator[str]:
    for run in history.runs:
        if run.state not in ENDED:
            yield f"not ended: {run.id} is {run.state}"
            continue
        ends = sum(outcome in ENDINGS for outcome in run.attempts)
        if ends > 1 or (ends == 1 and run.attempts[-1] not in ENDINGS):
            yield f"ended more than once: {run.id} has the attempts {', '.join(run.attempts)}"
        if run.state == "SUCCESS" and run.attempts[-1:] != ("succeeded",):
            yield f"ended without an attempt that succeeded: {run.id} has the attempts {', '.join(run.attempts)}"


def _results(history: History) -> Iterator[str]:
    """A recorded success is that of a delivery that did come to its end, and of the last one: the answer of a
    delivery that was superseded counts for nothing."""
    ended = {(event.id, event.fence) for event in history.events if event.kind == "end"}
    starts = _starts(history)
    for run in history.runs:
        if run.state != "SUCCESS":
            continue
        if (run.id, run.fence) not in ended:
            yield f"made up: {run.id} succeeded by delivery {run.fence}, which nobody saw end"
        last = max((start.fence for start in starts.get(run.id, ())), default=run.fence)
        if run.fence != last:
            yield f"superseded: {run.id} succeeded by delivery {run.fence}, although delivery {last} had been started"


def _after_the_end(history: History) -> Iterator[str]:
    """Nothing starts after the recorded end; the delivery that came to it had started before, whatever clocks say."""
    starts = _starts(history)
    for run in history.runs:
        for start in starts.get(run.id, ()):
            is_another = run.state != "SUCCESS" or start.fence != run.fence
            if is_another and run.state in ENDED and start.at > run.recorded + BLUR_NS:
                late = (start.at - run.recorded) / 1e6
                yield f"started after its end: {run.id}, delivery {start.fence}, {late:.0f} ms late, pid {start.pid}"


def _same_fence(history: History) -> Iterator[str]:
    """No two starts are of one delivery. Unless a server crashed that flushes no claims and forgot the first's: it was
    made before the crash, and its start came before the server's own, by a child that had it in line."""
    starts = defaultdict(list)
    for event in history.events:
        if event.kind == "start":
            starts[event.id, event.fence].append(event.at)
    for (id, fence), times in starts.items():
        pairs = list(pairwise(sorted(times)))
        forgotten = sum(any(a < again and down < b for down, again in history.crashes) for a, b in pairs)
        if len(times) > 1 + forgotten:
            yield f"started twice: {id}, delivery {fence}, {len(times)} times, at {sorted(times)}"


def _links(history: History) -> Iterator[str]:
    """Each success sets off its links, once, and each failure its error links; nothing else sets off anything."""
    runs = {run.id: run for run in history.runs}
    children = Counter(run.parent for run in history.runs if run.parent is not None)
    for run in history.runs:
        wanted = run.links if run.state == "SUCCESS" else run.error_links if run.state in FAILED else 0
        if children[run.id] != wanted:
            yield f"links: {run.id} ({run.state}) has set off {children[run.id]} runs, expected {wanted}"
    for parent in children.keys() - runs.keys():
        yield f"links: the parent {parent} is not known"


def _firings(history: History) -> Iterator[str]:
    fired = Counter((run.schedule, run.nominal) for run in history.runs if run.schedule is not None)
    for (schedule, nominal), times in fired.items():
        if times > 1:
            yield f"fired {times} times: {schedule} at {nominal}"


def _left_over(history: History) -> Iterator[str]:
    if history.held:
        yield f"left over: {history.held} deliveries in somebody's hands"
    for owner in history.owners:
        yield f"left over: the owner {owner} counts as alive"
    for process in history.processes:
        yield f"left over: the process {process}"


def _sums(history: History) -> Iterator[str]:
    """States add up to what was stored, and that to what was accepted and what it set off."""
    counted = sum(history.states.values())
    if counted != len(history.runs):
        yield f"sums: {counted} runs by state, {len(history.runs)} in the listing"
    if counted != sum(history.states.get(state, 0) for state in ENDED):
        yield f"sums: not all have ended: {history.states}"
    called = sum(run.parent is None and run.schedule is None for run in history.runs)
    if not len(history.accepted) <= called <= len(history.invoked):
        accepted, invoked = len(history.accepted), len(history.invoked)
        yield f"sums: {invoked} calls, {accepted} of them accepted, but {called} stored"
