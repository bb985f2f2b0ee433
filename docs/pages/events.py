"""The page of all events and the log lines they make, told by the real listener."""

from __future__ import annotations

import logging
from typing import Any, get_args

from horarium import event
from horarium.message import Delivery, Message
from horarium.observe import bridge_lines
from horarium.observe.lines import Lines, banner
from horarium.outcome import (
    Crashed,
    ErrorRecord,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Retried,
    Revoked,
    Succeeded,
)

EVENTS_INTRODUCTION = """\
# Events and log lines

<!-- Made by docs/generate.py from src/horarium/event.py and src/horarium/observe/lines.py. -->

Workers state facts as events; these become the lines of the log. They go to the logger `horarium.worker`, those of a
scheduler to `horarium.beat`, those of a bridge to `horarium.bridge`, what tasks print to `horarium.output`. If the
project has given the root logger a handler, that is left alone; otherwise lines go to stderr in the formats
`worker_log_format` and `worker_task_log_format`. What a task prints or logs is kept with its run as well: `horarium
runs show ID`.

## Lines about one run

| Outcome | Level | Line |
|---|---|---|
"""
EVENTS_HEADING = """
A failure that is not declared in `throws` is followed by its traceback. A result is cut to 200 characters.

## Events of a worker

| Event | Fields | Level | Line |
|---|---|---|---|
"""
SCHEDULER_HEADING = """
## Events of a scheduler

| Event | Fields | Level | Line |
|---|---|---|---|
"""
BRIDGE_HEADING = """
## Events of a bridge

| Event | Fields | Level | Line |
|---|---|---|---|
"""
ID = "01a1fbc4..."
MESSAGE = Message(id=ID, task="shop.report", created=0)
DELIVERY = Delivery(message=MESSAGE, owner="", fence=1, attempt=1, claimed=0)
ERROR = ErrorRecord(class_path="builtins.ValueError", text="no data")
SAMPLES: dict[str, Any] = {  # Any: each event has other fields
    "message": MESSAGE,
    "delivery": DELIVERY,
    "outcome": Succeeded(result=None),
    "runtime": 0.0125,
    "result_text": "42",
    "task": "shop.report",
    "id": ID,
    "attempt": 1,
    "name": "worker@host",
    "app": "shop",
    "store": "sqlite:////srv/shop/shop.db",
    "pool": "process",
    "concurrency": 2,
    "queues": ("default",),
    "tasks": ("shop.report",),
    "weakness": "redis://host:6379/0 keeps no append-only file: a restart of the server loses everything",
    "patience": 8.0,
    "given_back": (),
    "where": "store",
    "reason": "it is locked",
    "wait": 0.4,
    "pid": 4711,
    "host": "host",
    "owner": "01a1fbc3....1",
    "owners": ("01a1fbc3....1", "01a1fbc3....2"),
    "running": (("shop.report", ID),),
    "due": 3,
    "crashes": 3,
    "returned": 2,
    "schedule": "nightly",
    "nominal": 0,
    "count": 3,
    "stored": 2,
    "removed": 1,
    "step": -4.2,
    "skew": 3.2,
    "by": "horarium",
    "text": "due at 2026-06-01 06:00:00 UTC, has not succeeded since",
    "failures": 3,
    "queue": "celery",
    "is_new": True,
    "to": "Celery",
    "counts": "taken 120, refused 1, told 119",
    "ways": (
        "in       redis://old:6379/0: celery -> default",
        "out      redis://old:6379/0: heavy",
        "results  redis://old:6379/1",
    ),
}
OF_EVENT: dict[type[Any], dict[str, Any]] = {
    event.ChildLost: {"reason": "signal 9 (SIGKILL)"},
    event.GivenUp: {"reason": "expected the process to live until the task had ended, it ended first (exit code 1)"},
    event.ChildRecycled: {"reason": "it has run 100 tasks"},
    event.SchedulerStarting: {"name": "beat@host"},
    event.SchedulerStopped: {"name": "beat@host"},
    event.BridgeStarting: {"name": "bridge@host"},
    event.BridgeStopped: {"name": "bridge@host"},
    event.BridgeCounted: {"name": "bridge@host"},
    event.BridgeRefused: {"reason": "expected content type application/json, got application/x-python-serialize; ..."},
    event.BridgeReturned: {"text": "success"},
    event.ScheduleUnreadable: {"reason": "expected the key of a schedule entry, got 'cron'"},
    event.ScheduleFailed: {"reason": "expected the IANA name of a time zone, got 'Europe/Berln'"},
    event.SchedulePaused: {"reason": "3 failures in a row"},
    event.ScheduleFailing: {"text": "3 failures in a row; the last success was that of 2026-06-01 06:00:00 UTC"},
    event.ScheduleInError: {"reason": "expected the IANA name of a time zone, got 'Europe/Berln'"},
}
ELSEWHERE: dict[type[Any], str] = {
    event.WorkerStarting: "see below",
    event.BridgeStarting: "see below",
    event.Finished: "see above",
}
OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "succeeded": (Succeeded(result=None), '{"rows":42}'),
    "failed": (Failed(error=ERROR), "ValueError('no data')"),
    "failed, and declared in `throws`": (Failed(error=ERROR), "ValueError('no data')"),
    "to be retried": (Retried(message=MESSAGE, error=ERROR), "Retry in 2s: ConnectionError('no answer')"),
    "crashed": (Crashed(error=ErrorRecord(class_path="", text="signal 9 (SIGKILL)")), ""),
    "revoked": (Revoked(reason="terminated"), ""),
    "expired": (Expired(), ""),
    "rejected": (Rejected(reason="not mine"), ""),
    "ignored": (Ignored(), ""),
    "given back": (Released(reason="the worker stops"), ""),
}


def events_page() -> str:
    """Return the page of all events, their fields and the lines that they make."""
    runs = [_run_line("received", event.Received(delivery=DELIVERY))]
    for label, (outcome, text) in OUTCOMES.items():
        told = event.Finished(
            delivery=DELIVERY, outcome=outcome, runtime=0.0125, result_text=text, expected="throws" in label
        )
        runs.append(_run_line(label, told))
    of_scheduler, of_bridge = get_args(event.SchedulerEvent), get_args(event.BridgeEvent)
    of_worker = [kind for kind in get_args(event.Event) if kind not in (*of_scheduler, *of_bridge)]
    shown = banner(_sample(event.WorkerStarting)).strip()
    bridge_shown = bridge_lines.banner(_sample(event.BridgeStarting)).strip()
    return (
        f"{EVENTS_INTRODUCTION}{''.join(runs)}{EVENTS_HEADING}{''.join(map(_event_row, of_worker))}"
        f"\n`WorkerStarting` prints this, at every level:\n\n```\n{shown}\n```\n"
        f"{SCHEDULER_HEADING}{''.join(map(_event_row, of_scheduler))}"
        f"{BRIDGE_HEADING}{''.join(map(_event_row, of_bridge))}"
        f"\n`BridgeStarting` prints this, at every level:\n\n```\n{bridge_shown}\n```\n"
    )


def _event_row(kind: type[Any]) -> str:
    fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__)
    about = _one_line(kind.__doc__)
    if kind in ELSEWHERE:
        level, line = "", ELSEWHERE[kind]
    else:
        level, text = _told(_sample(kind))
        line = _code(text)
    return f"| `{kind.__name__}`{f': {about}' if about else ''} | {fields} | {level} | {line} |\n"


def _run_line(label: str, told: event.Event) -> str:
    level, line = _told(told)
    return f"| {label} | {level} | {_code(line)} |\n"


def _sample(kind: type[Any]) -> Any:
    chosen = SAMPLES | OF_EVENT.get(kind, {})
    return kind(**{name: chosen[name] for name in kind.__struct_fields__ if name in chosen})


def _told(told: event.Event) -> tuple[str, str]:
    """Return the level and the line that an event becomes."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign,assignment]  # mypy names it now so, now so
    logger = logging.getLogger("horarium")
    level, spreads = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        Lines().tell(told)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = spreads
    return records[0].levelname, records[0].getMessage()


def _code(text: str) -> str:
    return f"`{text}`".replace("|", r"\|")


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("``", "`").replace("|", r"\|")
