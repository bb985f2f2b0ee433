"""A convincing scene for the pages of runs, queues and workers: written as people and workers would have left it."""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.app.current import current_app
from horarium.app.switches import Switches
from horarium.clock import Instant
from horarium.engines.records import MaintenancePolicy, Member, RunningNow
from horarium.message import Cause, Message, derived_id
from horarium.outcome import Attempt, ErrorRecord, Progress, Reported, Run, Settlement, State

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
LEASE = 7 * 86_400.0
WORKER = "media@web-2"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/shop/tasks.py", line 41, in charge
    answer = gateway.charge(order, card=card)
  File "/srv/shop/gateway.py", line 18, in charge
    raise GatewayError(f"gateway refused order {order.pk}")
shop.errors.GatewayError: gateway refused order 1010
"""
REFUSED = ErrorRecord(class_path="shop.errors.GatewayError", text="gateway refused order 1010", traceback=TRACEBACK)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> \x1b[31mred\x1b[0m \u202eevil'


def make_runs(app: Horarium | None = None) -> dict[str, str]:
    """Fill the app's store; return the ids of some runs by what they show. To be called once."""
    app = app or current_app()
    now = app.engine.now()
    ended = [*_ended(now), _failed(now), *_family(now), _hostile(now)]
    app.engine.results.record(ended, keep=LEASE, now=now)
    _put_what_waits(app, now)
    _start_what_runs(app, now)
    Switches(app.connection).pause_queue("mail", reason="the provider is down", by="ana")
    return {
        "failed": _id("failed"),
        "running": _id("running"),
        "waiting": _id("mail", 0),
        "hostile": _id("hostile"),
        "parent": _id("parent"),
    }


def _id(*parts: object) -> str:
    return derived_id("pages", *parts)


def _message(name: tuple[object, ...], task: str, created: Instant, **fields: Any) -> Message:
    return Message(id=_id(*name), task=task, created=created, origin="812@web-1", **fields)


def _ran(message: Message, *, waited: int, seconds: float, state: State = State.SUCCESS, **fields: Any) -> Run:
    started = message.created + waited
    ended = started + round(seconds * 1000)
    error = fields.get("error")
    attempt = Attempt(
        number=1, worker=WORKER, outcome="failed" if error else "succeeded", started=started, ended=ended, error=error
    )
    parts = {"attempts": (attempt,), "result": None if error else Raw(b"null"), **fields}
    return Run(message=message, state=state, changed=ended, worker=WORKER, started=started, ended=ended, **parts)


def _ended(now: Instant) -> list[Run]:
    runs = []
    for number in range(70):
        sent = now - 90 * SECOND - number * 47 * SECOND
        task, seconds = (
            ("shop.tasks.resize_photo", 0.4 + number % 5 * 0.13),
            ("shop.tasks.send_invoice", 1.2 + number % 7 * 0.3),
            ("shop.tasks.index_product", 0.02 + number % 3 * 0.01),
        )[number % 3]
        error = REFUSED if number % 13 == 5 else None
        state = State.FAILURE if error else State.SUCCESS
        message = _message(("ended", number), task, sent, args=Raw(b"[%d]" % (1000 + number)))
        runs.append(_ran(message, waited=30 + number % 9 * 20, seconds=seconds, state=state, error=error))
    cancelled = _message(("cancelled",), "shop.tasks.send_newsletter", now - 4 * MINUTE, queue="mail")
    runs.append(Run(message=cancelled, state=State.REVOKED, changed=now - 3 * MINUTE, ended=now - 3 * MINUTE))
    return runs


def _failed(now: Instant) -> Run:
    sent = now - 70 * SECOND
    attempts = tuple(
        Attempt(
            number=number,
            worker=WORKER,
            outcome="retried" if number < 3 else "failed",
            started=sent + number * 1200,
            ended=sent + number * 1200 + 173,
            error=REFUSED,
        )
        for number in (1, 2, 3)
    )
    message = _message(
        ("failed",),
        "shop.tasks.charge",
        sent,
        queue="pay",
        priority=8,
        retries=2,
        max_retries=2,
        args=Raw(b"[1010]"),
        kwargs=Raw(b'{"amount":"49.90","reference":90071992547409931234567}'),
        schedule="charge cards",
        nominal=sent - 20,
        cause=Cause(),
        time_limit=30.0,
        soft_time_limit=20.0,
    )
    return Run(
        message=message,
        state=State.FAILURE,
        changed=attempts[-1].ended or 0,
        error=REFUSED,
        attempts=attempts,
        worker=WORKER,
        started=attempts[-1].started,
        ended=attempts[-1].ended,
        logs=("INFO charging order 1010", "WARNING gateway answers 502, attempt 3 of 3"),
    )


def _family(now: Instant) -> list[Run]:
    parent = _message(("parent",), "shop.tasks.import_catalogue", now - 9 * MINUTE, args=Raw(b'["spring.csv"]'))
    children = [
        _message(("child", n), "shop.tasks.resize_photo", now - 8 * MINUTE + n * 300, parent=parent.id, root=parent.id)
        for n in range(3)
    ]
    return [_ran(parent, waited=40, seconds=42.5, result=Raw(b'{"rows":480,"photos":3}'))] + [
        _ran(child, waited=60, seconds=0.6) for child in children
    ]


def _hostile(now: Instant) -> Run:
    text = Raw(b'{"html":"<script>alert(1)</script>","ansi":"\\u001b[31mred","big":123456789012345678901234567890}')
    error = ErrorRecord(class_path="shop.<b>Error</b>", text=HOSTILE, traceback=HOSTILE + "\n" + "x" * 30_000)
    message = _message(("hostile",), f"shop.{HOSTILE}", now - 25 * HOUR, queue="<i>q</i>/&?%", args=text)
    return _ran(message, waited=1, seconds=1, state=State.FAILURE, error=error, logs=(HOSTILE,))


def _put_what_waits(app: Horarium, now: Instant) -> None:
    mail = [
        _message(
            ("mail", n), "shop.tasks.send_newsletter", now - 260 * SECOND + n * 500, queue="mail", args=Raw(b"[%d]" % n)
        )
        for n in range(12)
    ]
    later = [
        _message(("later", n), "shop.tasks.remind", now - MINUTE, eta=now + (2 + n) * HOUR, queue="default")
        for n in range(3)
    ]
    unread = [_message(("gpu", n), "shop.tasks.train", now - 40 * SECOND, queue="gpu") for n in range(2)]
    app.engine.queue.put([*mail, *later, *unread], now=now - 260 * SECOND)


def _start_what_runs(app: Horarium, now: Instant) -> None:
    started = now - 38 * SECOND
    tasks = ("shop.tasks.charge", "shop.tasks.render_film", "shop.tasks.resize_photo", "shop.tasks.send_invoice")
    member = {
        "name": WORKER,
        "host": "web-2",
        "pid": 2208,
        "started": now - 26 * HOUR,
        "version": "0.1",
        "app": app.main,
        "tasks": tasks,
    }
    worker = Member(owner="pages-worker", kind="worker", queues=("default", "media", "pay", "mail"), slots=4, **member)
    child = Member(
        owner="pages-child",
        kind="child",
        pool="process",
        queues=worker.queues,
        slots=4,
        processed=8412,
        rss_bytes=88_000_000,
        looked=now,
        **member,
    )
    app.engine.queue.renew([worker, child], now=now, lease=LEASE)
    film = _message(
        ("running",), "shop.tasks.render_film", now - 40 * SECOND, queue="media", args=Raw(b'["trailer.mov"]')
    )
    app.engine.queue.put([film], now=now - 40 * SECOND)
    [delivery] = app.engine.queue.claim(["media"], "pages-child", 1, now=started)
    report = Reported(state="STARTED", progress=Progress(done=34, total=50, note="scene 34 of 50", at=now))
    settlement = Settlement(
        id=film.id, owner="pages-child", fence=delivery.fence, outcome=report, worker=WORKER, started=started
    )
    app.engine.queue.settle([settlement], now=now, policy=_policy())
    running = (RunningNow(id=film.id, task=film.task, started=started),)
    app.engine.queue.renew([worker, _with(child, running)], now=now, lease=LEASE)


def _with(child: Member, running: tuple[RunningNow, ...]) -> Member:
    return replace(child, running=running)


def _policy() -> Any:
    return MaintenancePolicy()
