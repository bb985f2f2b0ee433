"""What tests set up: runs that have ended, a worker that lives, an alert that fires."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from horarium import Horarium
from horarium.alerts import shelf
from horarium.alerts.book import Book, Incident
from horarium.clock import Instant
from horarium.engines.records import Member, RunningNow
from horarium.message import Message
from horarium.outcome import Attempt, ErrorRecord, Run

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


def ended(shop: Horarium, id: str, *, state: str = "SUCCESS", ago: int = 60_000, **fields: Any) -> Run:
    """Record a run that ended half a second after its start."""
    now = shop.engine.now()
    run = ended_run(id, now - ago, state, **fields)
    shop.engine.results.record([run], keep=86_400.0, now=now)
    return run


def ended_run(id: str, created: Instant, state: str = "SUCCESS", **fields: Any) -> Run:
    """Return a run that ended half a second after its start, a second after it was sent."""
    error = None
    if state == "FAILURE":
        error = ErrorRecord(class_path="shop.GatewayError", text="no answer", traceback="Traceback\n  shop.py")
    started, end = created + 1000, created + 1500
    own = {name: fields.pop(name) for name in list(fields) if name in Message.__struct_fields__}
    message = {"id": id, "task": "shop.add", "args": Raw(b"[1,2]"), "created": created, **own}
    outcome = "failed" if error else "succeeded"
    fields.setdefault("result", Raw(b"3") if error is None else None)
    return Run(
        message=Message(**message),
        state=state,
        changed=end,
        started=started,
        ended=end,
        worker="w1@vm",
        error=error,
        attempts=(Attempt(number=1, worker="w1@vm", outcome=outcome, started=started, ended=end, error=error),),
        **fields,
    )


def worker(shop: Horarium, *, running: str | None = None, tasks: tuple[str, ...] = ("shop.add",)) -> None:
    """Let a worker live, with one child."""
    now = shop.engine.now()
    common: dict[str, Any] = {"name": "w1@vm", "host": "vm", "started": now - 1000, "queues": ("default", "mail")}
    busy = (RunningNow(id=running, task="shop.add", started=now - 500),) if running else ()
    members = [
        Member(owner="w", kind="worker", pid=10, slots=4, pool="process", tasks=tasks, **common),
        Member(owner="c", kind="child", pid=11, running=busy, processed=7, **common),
    ]
    shop.engine.queue.renew(members, now=now, lease=60.0)


def put_incident(app: Horarium, **fields: Any) -> None:
    """Let an alert fire since a minute ago, which nobody has been told of."""
    now = app.engine.now()
    chosen: dict[str, Any] = {"rule": "queue_unread", "subject": HOSTILE, "text": HOSTILE, "phase": "firing"}
    incident = Incident(**{**chosen, "since": now - 60_000, "seen": now, "path": "/queues", **fields})
    shelf.write(app.engine, now=now, book=Book(incidents=(incident,), recent=(incident,)))
