"""``horarium runs watch`` and ``call --follow``: a run, followed to its end."""

from __future__ import annotations

import io
import os
from threading import Thread
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace
from rich.console import Console
from shop_words import Shop, failed

from horarium.cli import following, progress_bar
from horarium.engines.records import MaintenancePolicy
from horarium.outcome import Outcome, Progress, Reported, Run, Settlement, Succeeded


def report(shop: Shop, delivery: Any, outcome: Outcome, **more: Any) -> None:
    settlement = Settlement(
        id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, worker="worker@vm", **more
    )
    shop.engine.queue.settle([settlement], now=shop.engine.now(), policy=MaintenancePolicy())


def test_a_run_that_has_ended_is_told_whole_and_its_result_printed(shop: Shop) -> None:
    id = shop.send()
    shop.finish(logs=("INFO asked the bank", "WARNING it \x1b[31mtook\x1b[0m long"))
    result = shop("runs", "watch", id[:8])
    assert result.exit_code == 0
    assert result.stdout == '{"total":3}\n'
    assert "✔ succeeded" in result.stderr
    assert "  INFO asked the bank" in result.stderr
    assert "\x1b[31m" not in result.stderr


def test_the_exit_code_is_that_of_the_run(shop: Shop) -> None:
    id = shop.send()
    shop.finish(failed("no such <order>"))
    result = shop("runs", "watch", id)
    assert result.exit_code == 1
    assert "attempt 1 failed: NoSuchOrder: no such <order>" in result.stderr


def test_one_that_goes_on_beyond_the_timeout_is_left_alone(shop: Shop) -> None:
    id = shop.send()
    result = shop("runs", "watch", id, "--timeout", "0.01")
    assert result.exit_code == 124
    assert f"run {id} has not ended within 0.01 s; it goes on" in result.stderr
    assert shop.engine.results.read([id])[0] is not None


def test_one_that_nobody_begins_says_why(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "EXPLAIN_AFTER", 0.0)
    id = shop.send()
    result = shop("runs", "watch", id, "--timeout", "0.01")
    assert "it waits for a worker: none is alive; horarium " in result.stderr  # and what to call


def test_an_unknown_one_is_not_found(shop: Shop) -> None:
    assert shop("runs", "watch", "0123").exit_code == 3


def test_call_follow_tells_states_progress_and_lines_as_they_come(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is this test, in a thread: each step waits until the one before it has been told."""
    shop.join("child")
    told: list[str] = []
    reads = shop.engine.results.read
    looks: list[int] = []

    def read(ids: list[str]) -> Any:
        looks.append(1)
        return reads(ids)

    def look_again() -> None:
        seen = len(looks)
        while len(looks) < seen + 2:
            told.append("waited")
            listener = shop.engine.notifier.listen(["results"])
            listener.wait(0.02)
            listener.close()

    def work() -> None:
        while not (claimed := shop.engine.queue.claim(("default",), "child-1", 1, now=shop.engine.now())):
            pass
        [delivery] = claimed
        report(shop, delivery, Reported(state="STARTED"))
        look_again()
        report(shop, delivery, Reported(progress=Progress(done=34, total=50, note="page 34 of 50")))
        look_again()
        report(shop, delivery, Succeeded(result=b"7"), logs=("INFO done",))  # type: ignore[arg-type]

    monkeypatch.setattr(shop.engine.results, "read", read)
    worker = Thread(target=work, daemon=True)
    worker.start()
    result = shop("call", "shop.charge", "-a", "[7]", "--follow", "--timeout", "30")
    worker.join(10)
    lines = result.stderr.splitlines()
    assert result.stdout == "7\n"
    assert any("running" in line for line in lines), lines
    assert "  68% (34 of 50) page 34 of 50" in lines
    assert lines.index("  68% (34 of 50) page 34 of 50") < lines.index("  INFO done")


@pytest.mark.parametrize("how", [("runs", "watch"), ("runs", "watch", "--json")])
def test_what_may_not_be_seen_is_not_told(shop: Shop, how: tuple[str, ...]) -> None:
    """What is stored is not what is shown: arguments are whole, and what older versions wrote was not redacted."""
    id = shop.send("shop.charge", {"id": 7, "password": "tiger-4711-x"})
    shop.join("child")
    [delivery] = shop.engine.queue.claim(("default",), "child-1", 1, now=shop.engine.now())
    note = Progress(done=1, total=2, note="logs in with tiger-4711-x")
    report(shop, delivery, Reported(progress=note))
    report(shop, delivery, failed("no money on tiger-4711-x"), logs=("INFO password=tiger-4711-x",))
    result = shop(*how, id, "--timeout", "20")
    assert result.exit_code == 1
    assert "no money on [redacted]" in result.output
    assert "tiger-4711-x" not in result.output


def test_call_with_json_hides_arguments_and_gives_the_result_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_it(session: object, id: str, *, timeout: float | None) -> Run:
        shop.finish(Succeeded(result=Raw(b'{"token":"t-0815-abc"}')))
        [run] = shop.engine.results.read([id])
        assert run is not None
        return run

    monkeypatch.setattr(following, "follow", end_it)
    given = ("-a", '[{"id": 7, "password": "tiger-4711-x"}]')
    result = shop("call", "shop.charge", *given, "--follow", "--json")
    assert result.exit_code == 0, result.output
    assert "tiger-4711-x" not in result.output
    assert '"token":"t-0815-abc"' in result.stdout.replace(" ", "")


def test_lines_of_a_run_that_floods_are_told_once(shop: Shop) -> None:
    """What is kept of many lines is their beginning and their end: with each look the lines between are fewer known."""
    told: list[str] = []

    class Listens:
        def progress(self, progress: Progress) -> None: ...

        def line(self, text: str) -> None:
            told.append(text.strip())

    [run] = shop.engine.results.read([shop.send()])
    assert run is not None
    teller = following.Told(Listens())
    for newest in (4, 6, 9, 30):
        gap = (f"... {newest - 4} lines are left out here",) if newest > 4 else ()
        tail = tuple(f"line {number}" for number in range(max(3, newest - 1), newest + 1))
        logs = ("line 1", "line 2", *gap, *tail)
        teller.tell(replace(run, logs=logs), shop.engine.now())
    lines = [line for line in told if line.startswith("line")]
    assert lines == [f"line {number}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 29, 30)]


def test_lines_of_another_attempt_are_told_even_where_they_are_the_same(shop: Shop) -> None:
    told: list[str] = []

    class Listens:
        def progress(self, progress: Progress) -> None: ...

        def line(self, text: str) -> None:
            told.append(text.strip())

    [run] = shop.engine.results.read([shop.send()])
    assert run is not None
    teller = following.Told(Listens())
    for logs in (("a", "b"), ("c",), ("c", "d")):
        teller.tell(replace(run, logs=logs), shop.engine.now())
    assert [line for line in told if len(line) == 1] == ["a", "b", "c", "d"]


def test_on_a_terminal_progress_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress_bar, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100))
    with progress_bar.Bar(color=True) as bar:
        bar.progress(Progress(done=34, total=50, note="page [red]34[/red]"))
        bar.line("  INFO [bold]as it is[/bold]")
    drawn = screen.getvalue()
    assert "68%" in drawn
    assert "page [red]34[/red]" in drawn
    assert "[bold]as it is[/bold]" in drawn


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "COLUMNS", "120")
