"""A small shop whose command line runs in this process, over a store that the test can look into."""

from __future__ import annotations

from typing import Any

import msgspec
from click.testing import CliRunner, Result
from msgspec import Raw

from horarium.app.app import Horarium
from horarium.cli.main import root
from horarium.engines.records import MaintenancePolicy, Member, RunningNow
from horarium.outcome import ErrorRecord, Failed, Outcome, Settlement, Succeeded

SHOP = '''
from horarium import Horarium, crontab, every

app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin", set_as_current=False)


@app.task(name="shop.charge")
def charge(order: int, gently: bool = False) -> int:
    """Charge an order."""
    return order


@app.task(name="shop.mail", queue="mail", time_limit=30)
def mail(to: str = "") -> None: ...


app.conf.beat_schedule = {
    "nightly": {"task": "shop.charge", "schedule": crontab(minute=30, hour=2), "args": [7]},
    "often": {"task": "shop.mail", "schedule": every(minutes=5)},
}
'''


class Shop:
    """The app, its store, and its command line."""

    def __init__(self, module: str, app: Horarium) -> None:
        self.module = module
        self.app = app
        self.engine = app.engine

    def __call__(self, *args: str, **options: Any) -> Result:
        return CliRunner().invoke(root, ["-A", self.module, *args], **options)

    def json(self, *args: str) -> Any:
        result = self(*args, "--json")
        return msgspec.json.decode(result.stdout)

    def send(self, name: str = "shop.charge", *args: Any, **options: Any) -> str:
        return self.app.send_task(name, args or ([1] if name == "shop.charge" else []), **options).id

    def join(self, kind: str = "worker", *, running: tuple[RunningNow, ...] = (), **fields: Any) -> Member:
        """Let a member appear in the store, as a live process would."""
        name = "beat@vm" if kind == "scheduler" else "worker@vm"
        chosen = {"owner": f"{kind}-1", "kind": kind, "name": name, "host": "vm", "pid": 42, "running": running}
        if kind != "scheduler":
            chosen |= {"queues": ("default", "mail"), "tasks": ("shop.charge", "shop.mail"), "slots": 1}
        member = Member(**{**chosen, **fields})
        self.engine.queue.renew([member], now=self.engine.now(), lease=60.0)
        return member

    def claim(self, *queues: str) -> Any:
        self.join("child")
        [delivery] = self.engine.queue.claim(queues or ("default",), "child-1", 1, now=self.engine.now())
        return delivery

    def finish(self, outcome: Outcome | None = None, *, logs: tuple[str, ...] = ()) -> str:
        """Let the next waiting message of the default queue end; return its id."""
        delivery, now = self.claim(), self.engine.now()
        settlement = Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=outcome or Succeeded(result=Raw(b'{"total":3}')),
            worker="worker@vm",
            started=now,
            ended=now,
            logs=logs,
        )
        self.engine.queue.settle([settlement], now=now, policy=MaintenancePolicy())
        return delivery.message.id


def failed(text: str = "no such order") -> Failed:
    return Failed(
        error=ErrorRecord(class_path="shop.NoSuchOrder", text=text, traceback=f"Traceback ...\nNoSuchOrder: {text}\n")
    )
