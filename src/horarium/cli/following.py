"""Follow a run to its end: its state, its progress, what it logs. Talk goes to stderr, so that data stays data.

On a terminal progress is a bar; elsewhere it is a line now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from horarium.cli.exits import Exit, Stop
from horarium.clock import Seconds
from horarium.engines.records import RESULT_TOPIC
from horarium.observe.facts import gather, held_run
from horarium.observe.looks import look_of, shown_state
from horarium.observe.text import one_line, visible
from horarium.observe.waiting import explain
from horarium.outcome import Progress, Run, State

if TYPE_CHECKING:
    from horarium.cli.session import Session

LOOK_EVERY: Seconds = 0.5  # progress is not announced
TELL_EVERY: Seconds = 5.0  # progress, where there is no terminal
EXPLAIN_AFTER: Seconds = 3.0  # why nobody has begun it
WAITING = (State.PENDING, State.RETRY)


class Teller(Protocol):
    """Shows how far a run is."""

    def progress(self, progress: Progress) -> None: ...
    def line(self, text: str) -> None: ...


def follow(session: Session, id: str, *, timeout: Seconds | None) -> Run:
    """Tell of a run until it has ended; return it then.

    Raises: Stop with 124 when it has not ended in time, with 3 when nothing is known of it any more, with 130 after
    Ctrl-C: the run itself goes on in any case.
    """
    clock = session.app.connection.clock
    began = clock.monotonic()
    deadline = None if timeout is None else began + timeout
    is_explained = False
    listener = session.engine.notifier.listen([RESULT_TOPIC])
    try:
        with _teller(session, clock.monotonic) as teller:
            told = _Told(teller)
            while True:
                [run] = session.engine.results.read([id])
                if run is None:
                    raise Stop(f"nothing is known of run {id} any more", Exit.NOT_FOUND)
                told.tell(run, session.engine.now())
                if run.has_ended:
                    return run
                if run.state in WAITING and not is_explained and clock.monotonic() - began >= EXPLAIN_AFTER:
                    is_explained = True
                    teller.line(_why(session, run))
                left = LOOK_EVERY if deadline is None else min(LOOK_EVERY, deadline - clock.monotonic())
                if left <= 0:
                    raise Stop(f"run {id} has not ended within {timeout:g} s; it goes on", Exit.TIMED_OUT)
                listener.wait(left)
    except KeyboardInterrupt as error:
        raise Stop(f"run {id} goes on; follow it again: {session.command} runs watch {id}", Exit.INTERRUPTED) from error
    finally:
        listener.close()


def _why(session: Session, run: Run) -> str:
    """Return why a run waits, and what to do about it, as the doctor says it."""
    facts = gather(session.app, session.engine.now(), command=session.command)
    finding = explain(facts, run, held_run(session.engine, run))
    return one_line(f"  {finding.text}" + (f"; {finding.remedy}" if finding.remedy else ""), None)


class _Told:
    """What was told already; tells only what is new."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._state = ""
        self._attempts = 0
        self._logs: tuple[str, ...] = ()
        self._progress: Progress | None = None

    def tell(self, run: Run, now: int) -> None:
        for attempt in run.attempts[self._attempts :]:
            if attempt.error is not None:
                error = f"{attempt.error.class_path.rpartition('.')[2]}: {one_line(attempt.error.text, 300)}"
                self._teller.line(f"attempt {attempt.number} {attempt.outcome}: {error}")
        self._attempts = len(run.attempts)
        if (state := shown_state(run, now)) != self._state:
            self._state = state
            at = f" on {one_line(run.worker)}" if run.worker and not run.has_ended else ""
            self._teller.line(f"{look_of(state).sign} {look_of(state).word}{at}")
        self._tell_logs(run.logs)
        if run.progress is not None and run.progress != self._progress:
            self._progress = run.progress
            self._teller.progress(run.progress)

    def _tell_logs(self, logs: tuple[str, ...]) -> None:
        """Tell the lines that are new. Those of another attempt begin anew."""
        known = self._logs
        new = logs[len(known) :] if logs[: len(known)] == known else logs
        for line in new:
            self._teller.line("  " + visible(line, 2000).replace("\n", "\n  "))
        self._logs = logs


class _Lines:
    """For pipes and files."""

    def __init__(self, say: Callable[[str], None], monotonic: Callable[[], Seconds]) -> None:
        self._say = say
        self._monotonic = monotonic
        self._told_at: Seconds | None = None

    def line(self, text: str) -> None:
        self._say(text)

    def progress(self, progress: Progress) -> None:
        now = self._monotonic()
        if self._told_at is None or now - self._told_at >= TELL_EVERY or progress.done == progress.total:
            self._told_at = now
            self._say(f"  {_share(progress)} {one_line(progress.note)}".rstrip())


def _share(progress: Progress) -> str:
    if not progress.total:
        return f"{progress.done:g}"
    return f"{progress.done / progress.total:.0%} ({progress.done:g} of {progress.total:g})"


@contextmanager
def _teller(session: Session, monotonic: Callable[[], Seconds]) -> Iterator[Teller]:
    if not session.out.talks_to_terminal:
        yield _Lines(session.out.say, monotonic)
        return
    from horarium.cli.progress_bar import Bar

    with Bar(color=session.out.color) as bar:
        yield bar
