"""What can be said of an app without a store: its settings, and the schedules that its code defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from horarium.errors import CodecError, HorariumError, ImproperlyConfigured, InvalidSchedule
from horarium.observe.finding import Finding, did_you_mean, note, problem

if TYPE_CHECKING:
    from horarium.app.app import Horarium


def check_app(app: Horarium) -> list[Finding]:
    """Return what is wrong (problem) or worth knowing (note) about an app; nothing if all is well."""
    return [*_settings(app), *_schedules(app)]


def _settings(app: Horarium) -> list[Finding]:
    try:
        return [note("setting", f"{notice.key}: {notice.text}") for notice in app.conf.explain()]
    except ImproperlyConfigured as error:
        return [problem("setting", str(error), "correct the setting")]


def _schedules(app: Horarium) -> list[Finding]:
    found: list[Finding] = []
    for name, entry in app.raw_entries().items():
        try:
            schedule = app.schedule_entry(name, entry)
        except (InvalidSchedule, ImproperlyConfigured, CodecError) as error:
            found.append(problem("schedule-error", f"schedule {name!r}: {error}", "correct its definition"))
            continue
        if schedule.task not in app.tasks:
            found.append(
                problem(
                    "schedule-unknown-task",
                    f"schedule {name!r} sends task {schedule.task!r}, which the app does not "
                    f"know{did_you_mean(schedule.task, app.tasks)}",
                    "correct the name, or add the module that defines the task to include=[...]",
                )
            )
            continue
        if schedule.next_fire is None:
            found.append(note("schedule-over", f"schedule {name!r} has nothing more to come"))
        found += _arguments(app, name, schedule.task, entry)
    return found


def _arguments(app: Horarium, name: str, task: str, entry: dict[str, object]) -> list[Finding]:
    """Check a schedule's arguments against the task's signature, as a call would be."""
    declared = app.tasks[task]
    if not declared.typing:
        return []
    try:
        declared.arguments.check(entry.get("args") or (), entry.get("kwargs") or {})  # type: ignore[arg-type]
    except HorariumError as error:
        return [problem("schedule-arguments", f"schedule {name!r}: {error}", "correct its args or kwargs")]
    return []
