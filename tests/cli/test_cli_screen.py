"""The screen of ``horarium events``, driven without a terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw, json
from shop_words import Shop

pytest.importorskip("textual")
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from horarium.cli.screen import Screen


def tell(shop: Shop, type: str, **fields: Any) -> None:
    now = shop.engine.now()
    event = {"type": type, "hostname": "w1@vm", "pid": 1, "clock": now, "timestamp": now / 1000, **fields}
    shop.engine.journal.append([Raw(json.encode(event))], now=now)
    shop.engine.notifier.notify(["events"])


async def shown(pilot: Pilot[int], fact: Callable[[], bool]) -> None:
    for _ in range(400):
        if fact():
            return
        await pilot.pause(0.025)  # between two looks at a fact
    raise AssertionError("it is not shown")


def test_the_screen_shows_workers_and_tasks_and_what_is_known_of_one(shop: Shop) -> None:
    async def watch() -> None:
        screen = Screen(shop.app)
        async with screen.run_test(size=(120, 32)) as pilot:
            tasks, workers = screen.query_one("#tasks", DataTable), screen.query_one("#workers", DataTable)
            await shown(pilot, lambda: bool(shop.engine.notes.read("command/", now=shop.engine.now())))
            tell(shop, "worker-heartbeat", freq=2.0, active=1, processed=41, loadavg=[0.5, 0.4, 0.3])
            tell(shop, "task-received", uuid="id-1", name="shop.charge", args="(7,)", kwargs="{}")
            tell(shop, "task-failed", uuid="id-1", exception="NoMoney('[7]')", traceback="Traceback ...")
            tell(shop, "task-received", uuid="id-2", name="shop.mail", args="()", kwargs="{}")
            tell(shop, "task-succeeded", uuid="id-2", result="'sent'", runtime=0.25)
            await shown(pilot, lambda: tasks.row_count == 2 and workers.row_count == 1)
            await shown(pilot, lambda: [str(cell) for cell in tasks.get_row("id-2")[1:3]] == ["SUCCESS", "shop.mail"])
            assert [str(cell) for cell in workers.get_row_at(0)[:4]] == ["w1@vm", "ONLINE", "1", "41"]
            assert [str(cell) for cell in tasks.get_row("id-1")[1:4]] == ["FAILURE", "shop.charge", "id-1"]
            tasks.move_cursor(row=tasks.get_row_index("id-1"))
            await pilot.press("enter")
            detail = screen.query_one("#detail", Static)
            await shown(pilot, lambda: detail.has_class("open"))
            assert "NoMoney('[7]')" in str(detail.render())
            if folder := os.environ.get("SHOW_SCREEN"):
                Path(folder, "events.svg").write_text(screen.export_screenshot())
            await pilot.press("x")
            await shown(pilot, lambda: tasks.row_count == 0)
            await pilot.press("q")
        assert screen.return_value == 0

    asyncio.run(watch())
