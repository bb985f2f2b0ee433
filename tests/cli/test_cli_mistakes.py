"""What a person gets wrong: each mistake is answered where it is made, and nothing is changed by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from shop_words import Shop

from horarium.cli.exits import Exit
from horarium.engines.connect import absent_file


def test_check_refuses_an_option_that_no_firing_could_use(shop: Shop) -> None:
    shop.app.conf.beat_schedule = {
        "wrong": {"task": "shop.mail", "schedule": 60.0, "options": {"queu": "x"}},
        "right": {"task": "shop.mail", "schedule": 60.0, "options": {"queue": "x", "expires": 30}},
    }
    [finding] = shop.json("check")
    assert finding["cause"] == "schedule-options" and "did you mean 'queue'" in finding["text"]
    assert shop("check").exit_code == Exit.FAILED


@pytest.mark.parametrize("name", ["odd", "o" * 120])
def test_check_names_a_schedule_once(shop: Shop, name: str) -> None:
    shop.app.conf.beat_schedule = {name: {"task": "shop.mail", "schedule": "often"}}
    [finding] = shop.json("check")
    assert finding["text"].count("schedule 'o") == 1


def test_a_call_to_a_store_of_one_process_is_refused(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "memory://"
    result = shop("call", "shop.charge", "-a", "[1]")
    assert (result.exit_code, result.stdout) == (Exit.REFUSED, "")
    assert "memory:// lives in one process" in result.stderr and "--store sqlite:///" in result.stderr


def test_a_misspelt_state_is_answered_with_the_nearest(shop: Shop) -> None:
    shop.send()
    assert "did you mean: SUCCESS" in shop("runs", "list", "--state", "sucess").stderr
    assert "did you mean" not in shop("runs", "list", "--state", "BREWING,SUCCESS").stderr


def test_a_purge_of_nothing_need_not_ask(shop: Shop) -> None:
    result = shop("purge")
    assert (result.exit_code, result.stderr) == (Exit.OK, "there is nothing to cancel\n")
    assert shop.json("purge") == {"purged": 0, "queues": []}


@pytest.mark.parametrize("runner", ["worker", "dev"])
def test_an_unknown_pool_is_wrong_usage_and_names_the_pools(shop: Shop, runner: str) -> None:
    result = shop(runner, "-P", "gevnt")
    assert result.exit_code == Exit.USAGE
    assert all(pool in result.stderr for pool in ("process", "thread", "async", "prefork", "solo", "threads"))


def test_advice_in_an_error_names_the_app(shop: Shop) -> None:
    run_id = shop.send()
    late = shop("result", run_id, "--timeout", "0.01")
    assert late.exit_code == Exit.TIMED_OUT and f"`horarium -A {shop.module} runs show {run_id}`" in late.stderr
    unknown = shop("result", "0" * 36)
    assert unknown.exit_code == Exit.NOT_FOUND and f"horarium -A {shop.module} runs list" in unknown.stderr


def test_an_unknown_schedule_is_an_error_first_and_a_hint_second(shop: Shop) -> None:
    result = shop("schedules", "run", "nightley")
    error, hint = result.stderr.splitlines()
    assert result.exit_code == Exit.NOT_FOUND
    assert error.startswith("error: ") and f"`horarium -A {shop.module} schedules list`" in error
    assert hint.strip() == "did you mean: nightly"


def test_a_schedule_in_error_has_no_next_firing(shop: Shop) -> None:
    assert shop("schedules", "pause", "nightly").exit_code == 0
    [stored] = shop.engine.schedules.get(["nightly"])
    assert stored is not None and stored.next_fire is not None
    shop.engine.schedules.save([replace(stored, paused_by=None, error="no such zone")], now=shop.engine.now())
    [row] = [row for row in shop.json("schedules", "list") if row["name"] == "nightly"]
    assert (row["status"], row["next_fire"]) == ("error: no such zone", None)


@pytest.mark.parametrize(
    "arguments", [["status"], ["runs", "list"], ["runs", "show", "0"], ["purge"], ["result", "0"], ["inspect", "ping"]]
)
def test_whoever_only_looks_makes_no_store(shop: Shop, arguments: list[str]) -> None:
    shop.app.close()
    shop.app.conf.store = "sqlite:///elsewhere.db"
    result = shop(*arguments)
    assert result.exit_code == Exit.NOT_FOUND and "a worker or the first call makes it" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and str(Path("elsewhere.db").absolute()) in result.stderr
    assert not list(Path().glob("elsewhere.db*"))


def test_doctor_says_that_there_is_no_store_yet_and_makes_none(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "sqlite:///elsewhere.db"
    [finding] = shop.json("doctor")
    assert finding["cause"] == "store-absent" and finding["remedy"].startswith(f"horarium -A {shop.module} worker")
    assert not Path("elsewhere.db").exists()


def test_schedules_of_the_code_are_shown_without_a_store(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "sqlite:///elsewhere.db"
    assert len(shop.json("schedules", "list")) == 2 and len(shop.json("schedules", "next", "nightly")) == 10
    assert not Path("elsewhere.db").exists()


@pytest.mark.parametrize("url", ["memory://", "sqlite:shop.db", "sqlite:///gone/shop.db", "sqlite:///:memory:"])
def test_a_store_that_opening_explains_is_not_called_absent(url: str) -> None:
    assert absent_file(url) is None
