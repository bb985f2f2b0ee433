"""What a schedule should have fired, from its anchor alone, and what it did; and a person who edits it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium import Horarium
from horarium.clock import Instant
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.errors import EngineUnavailable, ScheduleConflict
from horarium.outcome import Run
from horarium.schedules import editing, policy
from horarium.schedules.record import Schedule

SECOND = 1000
# An edit is dated before it waits for the write lock, at most so long; others may fire meanwhile.
LOCK_WAIT = 6 * SECOND
Edit: TypeAlias = Callable[[Schedule, Instant], Schedule]


class Pause(Struct):
    """From one stored edit to another. What stood before ``next_fire`` had been dealt with."""

    since: Instant
    until: Instant
    next_fire: Instant

    def skips(self, instant: Instant) -> bool:
        return min(self.next_fire, self.since + 1) <= instant <= self.until

    def may_be_missed(self, instant: Instant) -> bool:
        """A scheduler that was faster than the edit may have counted a skipped instant as missed."""
        return self.skips(instant) and instant <= self.since + LOCK_WAIT


def complaints(schedule: Schedule, runs: list[Run], pauses: list[Pause]) -> list[str]:
    """Compare the firings of an every-second schedule with all instants since its anchor: each was fired once, or
    counted as a miss, or skipped in a pause."""
    assert schedule.next_fire is not None
    fired = sorted(run.message.nominal or 0 for run in runs)
    instants = range(schedule.anchor + SECOND, schedule.next_fire, SECOND)
    skipped = {instant for instant in instants for pause in pauses if pause.skips(instant)} - set(fired)
    doubtful = {instant for instant in skipped for pause in pauses if pause.may_be_missed(instant)}
    missed = set(instants) - skipped - set(fired)
    found = []
    if len(set(fired)) != len(fired):
        found.append(f"{schedule.name}: {len(fired) - len(set(fired))} instants were fired more than once")
    if strangers := set(fired) - set(instants):
        found.append(f"{schedule.name}: fired off the grid: {sorted(strangers)}")
    if not len(missed) <= schedule.missed <= len(missed) + len(doubtful):
        found.append(
            f"{schedule.name}: {len(instants)} instants, {len(fired)} fired, {len(skipped)} skipped, but "
            f"{schedule.missed} counted as missed: {sorted(missed)}"
        )
    if schedule.total_runs != len(fired):
        found.append(f"{schedule.name}: {len(fired)} fired, {schedule.total_runs} counted")
    for run in runs:
        for pause in pauses:
            if pause.since + LOCK_WAIT < run.message.created <= pause.until:
                found.append(f"{schedule.name}: fired {run.message.created - pause.since} ms into a pause")
    return found


class Editor:
    """Edits a schedule as a person would by the API, and keeps account of when."""

    def __init__(self, app: Horarium, name: str) -> None:
        self._app = app
        self.name = name
        self.edition = 0
        self.edits: dict[int, Instant] = {}  # when each edition was saved
        self.pauses: list[Pause] = []

    @property
    def schedule(self) -> Schedule:
        (schedule,) = self._app.engine.schedules.get([self.name])
        assert schedule is not None
        return schedule

    @property
    def is_paused(self) -> bool:
        return self.schedule.paused_by is not None

    def create(self, schedule: object) -> None:
        entry = {"task": "tick", "schedule": schedule}
        now = self._app.engine.now()
        wanted = replace(self._app.schedule_entry(self.name, entry), owner="person")
        self._app.engine.schedules.save([policy.create(wanted, now=now)], now=now)
        self._app.engine.notifier.notify([SCHEDULE_TOPIC])

    def change_kwargs(self) -> None:
        self.edition += 1
        kwargs = Raw(b'{"edition":%d}' % self.edition)
        self.edits[self.edition] = self._save(lambda schedule, now: replace(schedule, kwargs=kwargs, changed=now))

    def change_timing(self, spec: dict[str, object]) -> Instant:
        """Give it another spec; return when."""

        def edit(schedule: Schedule, now: Instant) -> Schedule:
            revised = policy.revise(schedule, replace(schedule, spec=spec), now=now)
            assert revised is not None
            return revised

        return self._save(edit)

    def note(self, word: str) -> None:
        """Note that it was paused or resumed just now, by whatever means.

        What had come due and was not fired when the pause was stored is counted as missed.
        """
        schedule = self.schedule
        if word == "pause":
            assert schedule.next_fire is not None
            self.pauses.append(Pause(schedule.changed, 1 << 62, schedule.next_fire))
        else:
            self.pauses[-1].until = schedule.changed

    def pause(self) -> None:
        self._save(lambda schedule, now: editing.pause(schedule, by="test", now=now))
        self.note("pause")

    def resume(self) -> None:
        self._save(lambda schedule, now: editing.resume(schedule, by="test", now=now))
        self.note("resume")

    def _save(self, edit: Edit) -> Instant:
        """Save an edit, anew when somebody was faster or it is unknown what became of it."""
        engine = self._app.engine
        while True:
            now, before = engine.now(), self.schedule
            after = edit(before, now)
            try:
                if (missed := editing.written_off(before, after, now=now)) is not None:
                    engine.schedules.fire([missed], now=now)
                (saved,) = engine.schedules.save([after], now=now)
            except (ScheduleConflict, EngineUnavailable):
                continue
            engine.notifier.notify([SCHEDULE_TOPIC])
            return saved.changed
