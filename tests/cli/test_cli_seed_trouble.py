"""The guides' troubleshooting sections: each trouble is made, and one command says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from adopter import Adopter
from shop_words import Shop, failed

from horarium.engines.records import Page, RunFilter


def send_unknown(shop: Shop) -> None:
    shop.join()
    shop.send("shop.chrage", 1)


def send_to_an_unread_queue(shop: Shop) -> None:
    shop.join()
    shop.send("shop.charge", 1, queue="heavy")


def disable(shop: Shop) -> None:
    shop.join("scheduler")
    assert shop("schedules", "sync").exit_code == 0
    assert shop("schedules", "pause", "nightly").exit_code == 0


CAUSES = [
    (lambda shop: shop.send(), "no worker is alive", "worker"),
    (lambda shop: (shop.join(), shop("schedules", "sync")), "no scheduler is alive", "beat"),
    (send_unknown, "shop.chrage", "nearest known name is 'shop.charge'"),
    (send_to_an_unread_queue, "heavy", "-Q"),
    (disable, "schedule 'nightly' is paused", "schedules resume nightly"),
]


@pytest.mark.parametrize(
    ("trouble", "cause", "remedy"), CAUSES, ids=["worker down", "beat down", "unregistered", "no consumer", "disabled"]
)
def test_the_doctor_says_why_nothing_runs_row_127(shop: Shop, trouble: object, cause: str, remedy: str) -> None:
    assert callable(trouble)
    trouble(shop)
    told = shop("doctor").output
    assert cause in told and remedy in told, told


def test_the_doctor_says_that_the_broker_cannot_be_reached_row_127(shop: Shop, tmp_path: Path) -> None:
    told = Adopter(tmp_path).horarium("-A", shop.module, "--store", "redis://127.0.0.1:1/0", "doctor")
    assert told.returncode != 0
    assert "redis://127.0.0.1:1/0" in told.stdout + told.stderr
    assert "refused" in told.stdout + told.stderr


def test_every_live_scheduler_is_reported_row_128(shop: Shop) -> None:
    for number in (1, 2):
        shop.join("scheduler", owner=f"scheduler-{number}", name=f"beat@host{number}")
    told = shop("status").output
    assert "beat@host1" in told and "beat@host2" in told


def test_the_next_five_firings_are_shown_in_the_zone_and_in_utc_row_129(shop: Shop) -> None:
    assert shop("schedules", "sync").exit_code == 0
    lines = [line.split("\t") for line in shop("schedules", "next", "nightly", "-n", "5").stdout.splitlines()]
    assert len(lines) == 5
    for _, local, utc, *_ in lines:
        assert "02:30:00 CE" in local  # CET or CEST: 2:30 in Berlin
        assert utc.endswith(("T01:30:00.000Z", "T00:30:00.000Z"))


@pytest.mark.parametrize("backend", ["store", None])
def test_what_failed_is_kept_with_its_traceback_whatever_becomes_of_results_row_133(
    shop: Shop, backend: str | None
) -> None:
    shop.app.conf.result_backend = backend
    shop.send()
    id = shop.finish(failed("no such order"))
    assert id in shop("runs", "list", "--state", "FAILURE").stdout
    told = shop("runs", "show", id).output
    assert "Traceback" in told and "NoSuchOrder: no such order" in told
    kept = shop.engine.results.search(RunFilter(states=frozenset({"FAILURE"})), Page()).runs
    assert [run.id for run in kept] == [id]
