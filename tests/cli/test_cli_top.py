"""``horarium top``: the screen, driven without a terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from shop_words import Shop, failed

pytest.importorskip("textual")
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from horarium.app.switches import read_switches
from horarium.cli.top import Ask, Top
from horarium.engines.records import Page, RunFilter, RunningNow
from horarium.errors import EngineUnavailable


async def shown(pilot: Pilot[int], fact: Callable[[], bool]) -> None:
    for _ in range(400):
        if fact():
            return
        await pilot.pause(0.025)  # between two looks at a fact
    raise AssertionError("it is not shown")


def test_it_shows_queues_workers_and_runs(shop: Shop) -> None:
    id = shop.send()
    shop.finish(failed("no such order"))
    shop.send("shop.mail", queue="mail")
    shop.join(running=(RunningNow(id="x", task="shop.charge", started=shop.engine.now()),))

    async def watch() -> None:
        screen = Top(shop.app, "Europe/Berlin")
        async with screen.run_test(size=(160, 40)) as pilot:
            runs, queues = screen.query_one("#runs", DataTable), screen.query_one("#queues", DataTable)
            await shown(pilot, lambda: runs.row_count == 2)
            assert [str(cell) for cell in runs.get_row(id)[:2]] == ["✖ failed", "shop.charge"]
            assert str(runs.get_row(id)[-1]).endswith(("CET", "CEST"))
            assert [str(cell) for cell in queues.get_row("mail")[:2]] == ["mail", "1"]
            assert [str(cell) for cell in queues.get_row("default")[4:6]] == ["–", "–"]  # nothing waits there
            assert "worker@vm" in str(screen.query_one("#workers", DataTable).get_row_at(0)[0])
            if folder := os.environ.get("SHOW_SCREEN"):
                await pilot.pause(0.5)  # for the picture only: tables are laid out when nothing else is to be done
                Path(folder, "top.svg").write_text(screen.export_screenshot())
            await pilot.press("q")
        assert screen.return_value == 0

    asyncio.run(watch())


def test_each_change_asks_first_and_happens_only_after_yes(shop: Shop) -> None:
    shop.send()
    shop.finish(failed())
    shop.send("shop.mail", queue="mail")

    def all_runs() -> int:
        return len(shop.engine.results.search(RunFilter(tasks=("shop.charge",)), Page()).runs)

    async def act() -> None:
        screen = Top(shop.app, "UTC")
        async with screen.run_test(size=(160, 40)) as pilot:
            runs, queues = screen.query_one("#runs", DataTable), screen.query_one("#queues", DataTable)
            await shown(pilot, lambda: runs.row_count == 2)
            runs.move_cursor(row=1)
            await pilot.press("e")
            await shown(pilot, lambda: isinstance(screen.screen, Ask))
            await pilot.press("n")
            await shown(pilot, lambda: not isinstance(screen.screen, Ask))
            assert all_runs() == 1
            await pilot.press("e", "y")
            await shown(pilot, lambda: all_runs() == 2)
            queues.focus()
            queues.move_cursor(row=queues.get_row_index("mail"))
            await pilot.press("p", "y")
            await shown(pilot, lambda: read_switches(shop.engine, now=shop.engine.now()).of_queue("mail") is not None)
            await shown(pilot, lambda: "❚❚" in str(queues.get_row("mail")[0]))
            await pilot.press("p", "y")
            await shown(pilot, lambda: read_switches(shop.engine, now=shop.engine.now()).of_queue("mail") is None)

    asyncio.run(act())


def test_a_store_that_is_away_leaves_what_was_seen_and_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send()

    def away(**_: object) -> None:
        raise EngineUnavailable("no route to host")

    async def watch() -> None:
        screen = Top(shop.app, "UTC")
        async with screen.run_test(size=(160, 40)) as pilot:
            runs = screen.query_one("#runs", DataTable)
            await shown(pilot, lambda: runs.row_count == 1)
            monkeypatch.setattr(shop.engine.inspector, "workers", away)
            trouble = screen.query_one("#trouble", Static)
            await shown(pilot, lambda: trouble.has_class("on"))
            assert "no route to host" in str(trouble.render())
            assert runs.row_count == 1
            monkeypatch.undo()
            await shown(pilot, lambda: not trouble.has_class("on"))

    asyncio.run(watch())


def test_it_goes_on_looking_while_it_asks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send()

    async def watch() -> None:
        screen = Top(shop.app, "UTC")
        async with screen.run_test(size=(160, 40)) as pilot:
            runs = screen.query_one("#runs", DataTable)
            await shown(pilot, lambda: runs.row_count == 1)
            await pilot.press("c")
            await shown(pilot, lambda: isinstance(screen.screen, Ask))
            shop.send()
            await shown(pilot, lambda: runs.row_count == 2)
            await pilot.press("n")
            await shown(pilot, lambda: not isinstance(screen.screen, Ask))

    asyncio.run(watch())


def test_a_worker_that_is_gone_is_not_asked_to_stop(shop: Shop) -> None:
    shop.join()
    told: list[str] = []

    async def stop(name: str) -> None:
        screen = Top(shop.app, "UTC")
        screen.notify = lambda message, **_: told.append(message)  # type: ignore[method-assign, assignment]
        async with screen.run_test(size=(160, 40)) as pilot:
            workers = screen.query_one("#workers", DataTable)
            await shown(pilot, lambda: workers.row_count > 0)
            place = next(place for place in range(workers.row_count) if name in str(workers.get_row_at(place)[0]))
            workers.focus()
            workers.move_cursor(row=place)
            await pilot.press("d", "y")
            await shown(pilot, lambda: bool(told))

    asyncio.run(stop("worker@vm"))
    assert told == ["asked worker@vm to stop"]
    told.clear()
    shop.engine.inspector.leave(["worker-1"], now=shop.engine.now())
    asyncio.run(stop("worker@vm"))
    assert told == ["nothing done: worker@vm is gone already"]
    told.clear()
    shop.join("scheduler")
    asyncio.run(stop("beat@vm"))
    assert told == ["nothing done: beat@vm takes no commands; end the scheduler where it was started"]


def test_without_a_terminal_it_says_what_to_call_instead(shop: Shop) -> None:
    shop.send()
    result = shop("top")
    assert result.exit_code == 4
    assert "status" in result.stderr
