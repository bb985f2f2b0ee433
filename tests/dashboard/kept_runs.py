"""Runs as a store keeps them, for the pages to show."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from horarium import Horarium
from horarium.message import Message
from horarium.outcome import ErrorRecord, Run


def record(shop: Horarium, *runs: Run) -> None:
    shop.engine.results.record(runs, keep=86_400.0, now=shop.engine.now())


def ended(shop: Horarium, id: str, state: str = "FAILURE", *, ago: int = 60_000, **fields: Any) -> Run:
    now = shop.engine.now()
    own = {name: fields.pop(name) for name in list(fields) if name in Message.__struct_fields__}
    base: dict[str, Any] = {"id": id, "task": "shop.charge", "args": Raw(b"[1115]"), "created": now - ago}
    if state == "FAILURE":
        fields.setdefault(
            "error", ErrorRecord(class_path="shop.GatewayError", text=f"refused {id}", traceback="Tb\n  x")
        )
    run = Run(
        message=Message(**(base | own)),
        state=state,
        changed=now - ago + 1500,
        started=now - ago + 1000,
        ended=now - ago + 1500,
        worker="w1@vm",
    )
    return msgspec.structs.replace(run, **fields)
