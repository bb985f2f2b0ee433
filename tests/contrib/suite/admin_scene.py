"""A convincing scene for the admin's pages: schedules in every state, their runs, a worker and a scheduler.

Everything is written as a scheduler and a worker would have left it; nothing runs, so it stays as it is for a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from django.utils import timezone
from msgspec import Raw
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.app.current import current_app
from horarium.clock import Instant, to_datetime
from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from horarium.contrib.django.beat.reading import schedule_of
from horarium.contrib.django.models import ScheduleExtra
from horarium.engines.records import Member
from horarium.message import Cause, Message, derived_id
from horarium.outcome import Attempt, ErrorRecord, Run
from horarium.schedules import editing, policy
from horarium.schedules.line import Line
from horarium.schedules.record import Schedule

HOUR = 3_600_000
RUNS = 24  # of a schedule that has run for long
LEASE = 7 * 86_400.0  # so long the worker and the scheduler of the scene seem alive
TASKS = (
    "shop.tasks.import_prices",
    "shop.tasks.send_report",
    "shop.tasks.charge_cards",
    "shop.tasks.purge_carts",
    "shop.tasks.close_month",
    "shop.tasks.take_photo",
    "shop.tasks.send_mail",
)


@dataclass(frozen=True)
class Actor:
    """One schedule of the scene. ``outcomes`` has a letter for each past run, the newest last: s, f, r(unning)."""

    name: str
    task: str
    when: Callable[[], dict[str, Any]]
    outcomes: str = ""
    lag: Instant = 0  # since when nothing has come any more
    row: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    error: str = ""
    paused: str = ""
    is_stored: bool = True
    seconds: float = 2.0  # that a run takes


def make_scene(app: Horarium | None = None) -> dict[str, PeriodicTask]:
    """Fill Django's database and the app's store; return the periodic tasks by name. To be called once."""
    app = app or current_app()
    now = app.engine.now()
    _make_members(app, now)
    return {actor.name: _enter(app, actor, now) for actor in _actors()}


def _actors() -> Sequence[Actor]:
    return (
        Actor(
            "nightly import",
            TASKS[0],
            _crontab("30", "2", zone="Europe/Berlin"),
            "sssssssssssfsssssssssss",
            row={"kwargs": '{"full": false}', "description": "Prices of the suppliers, for the next day."},
            options={"overlap": "skip", "grace": 600.0},
            seconds=372.0,
        ),
        Actor("purge carts", TASKS[3], _interval(5, "minutes"), "ssssssssssssssssssssssr", row={"queue": "low"}),
        Actor(
            "weekly report",
            TASKS[1],
            _crontab("0", "9", day_of_week="1", zone="America/New_York"),
            "ssssssss",
            origin="settings",
            seconds=41.0,
        ),
        Actor("charge cards", TASKS[2], _interval(10, "minutes"), "ssssssssssssssssfssfff", options={"jitter": 30.0}),
        Actor("sync stock", TASKS[0], _interval(1, "hours"), "sssssssssssssss", lag=5 * HOUR, origin="settings"),
        Actor(
            "close the month",
            TASKS[4],
            _crontab("0", "3", day_of_month="1"),
            "sss",
            paused="audit of the books",
            options={"catchup": "none"},
        ),
        Actor(
            "mail the customers",
            TASKS[6],
            _interval(1, "days"),
            row={"args": '["spring"'},
            error="schedule 'mail the customers': expected args to be JSON, got '[\"spring\"' (Input data was "
            "truncated); correct it",
            is_stored=False,
        ),
        Actor("old newsletter", TASKS[6], _crontab("0", "8", day_of_week="5"), "ssss", row={"enabled": False}),
        Actor("sunrise photo", TASKS[5], _solar("sunrise", 52.52, 13.405), "ssssssssssssss", seconds=0.8),
        Actor("launch mail", TASKS[6], _clocked(timedelta(days=3)), row={"one_off": True}),
        Actor("new idea", "shop.tasks.send_reprot", _interval(30, "minutes"), is_stored=False),
    )


def _enter(app: Horarium, actor: Actor, now: Instant) -> PeriodicTask:
    row = PeriodicTask.objects.create(name=actor.name, task=actor.task, **actor.when(), **actor.row)
    ScheduleExtra.objects.update_or_create(
        periodic_task_id=row.pk,
        defaults={"options": actor.options, "origin": actor.origin, "error": actor.error},
    )
    if actor.is_stored:
        _store(app, row, actor, now)
    return row


def _store(app: Horarium, row: PeriodicTask, actor: Actor, now: Instant) -> None:
    wanted = policy.create(schedule_of(app, row, actor.options, now=now), now=now - 400 * 24 * HOUR)
    instants = _past(wanted, now - actor.lag, len(actor.outcomes))
    runs = [_run(wanted, at, outcome, actor) for at, outcome in zip(instants, actor.outcomes, strict=True)]
    app.engine.results.record([run for run in runs if run.has_ended], keep=LEASE, now=now)
    [stored] = app.engine.schedules.save([_state(wanted, instants, actor, now)], now=now)
    if actor.paused:
        paused = editing.pause(stored, by="ana", note=actor.paused, until=now + 9 * 24 * HOUR, now=now)
        app.engine.schedules.save([paused], now=now)
    for run in runs:
        if not run.has_ended:
            app.engine.queue.put([run.message], now=now - 4000)
            app.engine.queue.claim([run.message.queue], "scene-child", 1, now=now)
    if instants:
        PeriodicTask.objects.filter(pk=row.pk).update(
            last_run_at=to_datetime(instants[-1]), total_run_count=len(instants)
        )


def _state(wanted: Schedule, instants: list[Instant], actor: Actor, now: Instant) -> Schedule:
    """Return a schedule as it is after these runs."""
    begun = policy.create(wanted, now=now) if wanted.spec.get("kind") != "every" else wanted
    following = Line.of(wanted).next(instants[-1]) if instants else begun.next_fire
    outcomes = actor.outcomes.rstrip("r")
    good = outcomes.rfind("s")
    return replace(
        wanted,
        next_fire=following,
        changed=min(now - 30 * 24 * HOUR, instants[0]) if instants else now,
        last_fire=instants[-1] if instants else None,
        total_runs=len(instants),
        missed=4 if actor.lag else 0,
        succeeded=instants[good] if good >= 0 else None,
        failures=len(outcomes) - len(outcomes.rstrip("f")),
        ended=instants[len(outcomes) - 1] + 2000 if outcomes else None,
    )


def _past(schedule: Schedule, now: Instant, count: int) -> list[Instant]:
    line = Line.of(schedule)

    def back() -> Iterator[Instant]:
        at = line.latest(0, now)
        while at is not None:
            yield at
            at = line.latest(0, at - 1)

    return list(islice(back(), count))[::-1]


def _run(schedule: Schedule, nominal: Instant, outcome: str, actor: Actor) -> Run:
    started = nominal + 180
    ended = started + round(actor.seconds * (800 + nominal // 1000 % 7 * 90))
    message = Message(
        id=derived_id(schedule.id, nominal, "auto"),
        task=schedule.task,
        args=schedule.args,
        kwargs=schedule.kwargs,
        queue=schedule.options.get("queue") or "default",
        created=nominal + 20,
        schedule=schedule.name,
        nominal=nominal,
        cause=Cause(),
    )
    if outcome == "r":
        return Run(message=message, state="PENDING", changed=nominal)
    error = _ERROR if outcome == "f" else None
    attempt = Attempt(
        number=1,
        worker="celery@web-1",
        outcome="failed" if error else "succeeded",
        started=started,
        ended=ended,
        error=error,
    )
    return Run(
        message=message,
        state="FAILURE" if error else "SUCCESS",
        changed=ended,
        result=None if error else Raw(b'"done"'),
        error=error,
        attempts=(attempt,),
        worker="celery@web-1",
        started=started,
        ended=ended,
    )


_ERROR = ErrorRecord(class_path="shop.errors.GatewayError", text="the gateway refused order 1010")


def _make_members(app: Horarium, now: Instant) -> None:
    common = {"host": "web-1", "pid": 4711, "started": now - 26 * HOUR, "version": "0.1", "app": app.main}
    known = (*app.tasks, *TASKS)
    members = (
        Member(owner="scene-worker", kind="worker", name="celery@web-1", slots=4, tasks=known, **common),
        Member(
            owner="scene-child",
            kind="child",
            name="celery@web-1",
            pool="process",
            slots=4,
            queues=("default", "low"),
            tasks=known,
            processed=1294,
            looked=now,
            **common,
        ),
        Member(owner="scene-beat", kind="scheduler", name="beat@web-1", **common),
    )
    app.engine.queue.renew(members, now=now, lease=LEASE)


def _crontab(minute: str, hour: str, *, zone: str = "UTC", **days: str) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "crontab": CrontabSchedule.objects.get_or_create(minute=minute, hour=hour, timezone=zone, **days)[0]
    }


def _interval(every: int, period: str) -> Callable[[], dict[str, Any]]:
    return lambda: {"interval": IntervalSchedule.objects.get_or_create(every=every, period=period)[0]}


def _solar(event: str, latitude: float, longitude: float) -> Callable[[], dict[str, Any]]:
    place = {"latitude": latitude, "longitude": longitude}
    return lambda: {"solar": SolarSchedule.objects.get_or_create(event=event, **place)[0]}


def _clocked(ahead: timedelta) -> Callable[[], dict[str, Any]]:
    moment = (timezone.now() + ahead).replace(minute=0, second=0, microsecond=0)
    return lambda: {"clocked": ClockedSchedule.objects.get_or_create(clocked_time=moment)[0]}
