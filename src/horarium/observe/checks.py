"""What can be said of an app without a store: its settings, and the schedules that its code defines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from horarium.app.options import NO_EFFECT, NO_EFFECT_ON_CALL
from horarium.errors import HorariumError, ImproperlyConfigured
from horarium.observe.facts import read_declared, why_without_archive
from horarium.observe.finding import Finding, did_you_mean, note, problem
from horarium.routing import check_routes
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium


def check_app(app: Horarium) -> list[Finding]:
    """Return what is wrong (problem) or worth knowing (note) about an app; nothing if all is well."""
    return [*_settings(app), *_archive(app), *_routes(app), *_tasks(app), *_schedules(app)]


def _settings(app: Horarium) -> list[Finding]:
    try:
        return [note("setting", f"{notice.key}: {notice.text}") for notice in app.conf.explain()]
    except ImproperlyConfigured as error:
        return [problem("setting", str(error), "correct the setting")]


def _archive(app: Horarium) -> list[Finding]:
    reason = why_without_archive(app)
    return [problem("archive", reason, "correct the settings that it names")] if reason else []


def _routes(app: Horarium) -> list[Finding]:
    try:
        check_routes(app.conf.task_routes)
        for name in app.tasks:
            app.producer.plan(name)  # also imports the routers and annotations that are named by a path
    except ImproperlyConfigured as error:
        return [problem("route", str(error), "correct the setting it names")]
    return _unread_queues(app)


def _unread_queues(app: Horarium) -> list[Finding]:
    """Name the queues of routes that a worker which is told none does not read."""
    if app.conf.task_routes is None:
        return []
    read = {app.conf.task_default_queue, *(app.conf.task_queues or ())}
    routed = {queue for name in app.tasks.own if (queue := app.producer.plan(name).queue) not in read}
    return [
        note("route", f"tasks go to queue {queue!r}, which a worker reads only when it is told: -Q {queue}")
        for queue in sorted(routed)
    ]


def _tasks(app: Horarium) -> list[Finding]:
    return [
        note("task-option", f"task {name}: {option} has no effect in Horarium: {NO_EFFECT[option]}")
        for name, task in sorted(app.tasks.items())
        for option in task.without_effect
    ]


def _schedules(app: Horarium) -> list[Finding]:
    schedules, wrong = read_declared(app, app.clock.now())
    found = [problem("schedule-error", f"schedule {name!r}: {text}", "correct it") for name, text in wrong.items()]
    for schedule in schedules:
        name = schedule.name
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
        found += _options(app, schedule)
        found += _arguments(app, schedule)
    return found


def _options(app: Horarium, schedule: Schedule) -> list[Finding]:
    """Check a schedule's options as every firing would."""
    try:
        app.producer.checked(schedule.task, schedule.options)
    except HorariumError as error:
        return [problem("schedule-options", f"schedule {schedule.name!r}: {error}", "correct its options")]
    return [
        note("schedule-options", f"schedule {schedule.name!r}: option {name} has no effect in Horarium: {reason}")
        for name, reason in NO_EFFECT_ON_CALL.items()
        if schedule.options.get(name) is not None
    ]


def _arguments(app: Horarium, schedule: Schedule) -> list[Finding]:
    """Check a schedule's arguments against the task's signature, as a call would be."""
    try:
        app.tasks[schedule.task].check_stored(schedule.args, schedule.kwargs)
    except HorariumError as error:
        return [problem("schedule-arguments", f"schedule {schedule.name!r}: {error}", "correct its args or kwargs")]
    return []
