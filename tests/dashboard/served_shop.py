"""A shop with something of every kind in it, whose dashboard this process serves to a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Raw
from shop_floor import ended, ended_run, put_incident

from horarium import Horarium, chain, chord, crontab
from horarium.dashboard import web
from horarium.dashboard.access import Tokens
from horarium.dashboard.audit import Entry, write
from horarium.dashboard.person import Access, Role
from horarium.dashboard.serving import listening, server_of
from horarium.engines.records import Member, RunningNow
from horarium.observe import bulk
from horarium.tally import BOUNDS, Tally, bin_of

HOUR = 3_600_000
STOP_WITHIN = 10.0  # seconds


@contextmanager
def served(app: Horarium, *, access: Access | None = None) -> Iterator[str]:
    """Serve the dashboard from a thread of ours; yield its address. Streams that are open are cut at the end."""
    place = listening("127.0.0.1", 0)
    server = server_of(web(app, access=access))
    server.config.timeout_graceful_shutdown = 0
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, name="dashboard")
    thread.start()
    try:
        yield f"http://127.0.0.1:{place.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_WITHIN)
        place.close()
        assert not thread.is_alive()


def full_shop(app: Horarium) -> dict[str, str]:
    """Fill a store with something of every kind; return the names by which pages ask for what has no name of ours."""

    @app.task(name="shop.charge")
    def charge(order: int, card: str = "") -> int:
        "Takes the money for an order, once."
        return order

    @app.task(name="shop.add", queue="mail")
    def add(a: int, b: int) -> int:
        return a + b

    _past(app)
    _present(app)
    _schedules(app)
    names = {"flow": _workflow(app), "order": _order(app), "waiting": app.send_task("shop.charge", (9,)).id}
    now = app.engine.now()
    put_incident(app, subject="mail", text="2 messages ready, and no live worker reads it")
    write(app.engine, Entry(at=now, who="ana", via="session", action="runs.start", about="run failed", text="Begun"))
    Tokens(app).add("deploy", Role.OPERATOR, by="ana", now=now)
    return names


def _past(app: Horarium) -> None:
    now = app.engine.now()
    ended(app, "failed", state="FAILURE", task="shop.charge", args=Raw(b'[1115,"\xe2\x80\xa2\xe2\x80\xa2"]'), ago=HOUR)
    others = [
        ended_run(f"run-{n}", now - n * 70_000, "FAILURE" if n % 7 == 0 else "SUCCESS", schedule="nightly")
        for n in range(1, 40)
    ]
    app.engine.results.record(others, keep=86_400.0, now=now)
    app.engine.series.add([_counted(now - 10_000 * back, back) for back in range(1, 300)], now=now)


def _counted(at: int, number: int) -> Tally:
    ran = [0] * (len(BOUNDS) + 1)
    for place in range(number % 30):
        ran[bin_of(0.03 * 1.05**place)] += 1
    counts = {"succeeded": number % 30, "failed": int(number % 11 == 0)}
    return Tally(at=at, task="shop.charge", queue="default", counts=counts, ran=tuple(ran), waited=tuple(ran))


def _present(app: Horarium) -> None:
    """Let a worker live which runs ``running``, in a queue of its own; ``mail`` is read by nobody."""
    app.send_task("shop.charge", (7,), task_id="running", queue="default")
    now = app.engine.now()
    common: dict[str, Any] = {"name": "w1@vm", "host": "vm", "started": now - HOUR, "queues": ("default",)}
    busy = (RunningNow(id="running", task="shop.charge", started=now),)
    worker = Member(owner="w", kind="worker", pid=10, slots=4, pool="process", tasks=("shop.charge",), **common)
    child = Member(owner="c", kind="child", pid=11, running=busy, processed=7, rss_bytes=50_000_000, **common)
    beat = Member(owner="s", kind="scheduler", name="beat@vm", host="vm", pid=12, started=now - HOUR)
    app.engine.queue.renew([worker, child, beat], now=now, lease=3600.0)
    [delivery] = app.engine.queue.claim(("default",), "c", 1, now=now)
    assert delivery.message.id == "running"
    for number in range(3):
        app.send_task("shop.add", (number, 2), queue="mail")


def _schedules(app: Horarium) -> None:
    app.conf.beat_schedule = {
        "by-code": {"task": "shop.charge", "schedule": crontab(minute="0", hour="4", day_of_week="1"), "args": [1]}
    }
    create, zone = app.schedules.create, "America/New_York"
    create("nightly", "shop.add", crontab(minute="30", hour="2"), [1, 2], timezone=zone, description="The books.")
    for number in range(3):
        create(f"close {number}", "shop.charge", crontab(minute="30", hour="2"), [number], timezone=zone)
    create("often", "shop.charge", 300.0, [1])
    app.schedules.pause("often", note="audit", by="ana")


def _workflow(app: Horarium) -> str:
    add, charge = app.tasks["shop.add"], app.tasks["shop.charge"]
    sent = chain(add.s(1, 2), chord([add.s(n) for n in range(3)], charge.s(), app=app), app=app).delay()
    [last] = app.engine.results.read([sent.id])
    assert last is not None
    return last.message.root or last.id


def _order(app: Horarium) -> str:
    now = app.engine.now()
    return bulk.place(app, bulk.Order(id="", act="retry", at=now, q="state:failed", zone="UTC", by="ana", matched=1)).id
