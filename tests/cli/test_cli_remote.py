"""Asking and telling workers from the command line, where none lives: what the store tells, and what is refused."""

from __future__ import annotations

import sys

import pytest
from shop_words import Shop

from horarium.cli.exits import Exit


def test_ping_without_a_worker_exits_with_69_row_109(shop: Shop) -> None:
    result = shop("inspect", "ping", "-t", "0.1")
    assert result.exit_code == Exit.UNAVAILABLE and "no live worker" in result.stderr


def test_a_heartbeat_alone_is_no_answer_to_a_ping(shop: Shop) -> None:
    """RC3: nobody is said to live who does not answer."""
    shop.join()
    result = shop("inspect", "ping", "-t", "0.2", "-d", "worker@vm")
    assert result.exit_code == Exit.UNAVAILABLE and "worker@vm replied within 0.2 s" in result.stderr


def test_what_the_store_knows_is_told_for_a_worker_that_is_silent_row_110(shop: Shop) -> None:
    shop.send()
    taken = shop.claim().message.id
    shop.send()
    shop.join()
    document = shop.json("inspect", "reserved", "-t", "0.2")
    assert [item["id"] for item in document["worker@vm"]] == [taken]
    result = shop("inspect", "reserved", "-t", "0.2")
    assert taken in result.stdout and "1 message more in the queues" in result.stderr
    assert "runs list --state PENDING" in result.stderr


def test_inspect_scheduled_shows_etas_and_points_to_the_schedules_row_107(shop: Shop) -> None:
    later = shop.send(countdown=60)
    shop.send()
    result = shop("inspect", "scheduled", "-t", "0.2")
    assert later in result.stdout and result.stdout.startswith("->  store: OK\n    * {")
    assert "schedules list" in result.stderr


@pytest.mark.parametrize(("group", "named"), [("inspect", "query_task [id1"), ("control", "pool_grow [N=1]")])
def test_the_commands_for_workers_are_listed(shop: Shop, group: str, named: str) -> None:
    result = shop(group, "--list")
    assert result.exit_code == 0 and named in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["control", "entrails"],
        ["control", "ping"],
        ["inspect", "shutdown"],
        ["control", "pool_grow", "many"],
        ["control", "shutdown", "now"],
        ["inspect", "conf", "perhaps"],
    ],
)
def test_a_command_for_workers_that_makes_no_sense_is_wrong_usage(shop: Shop, words: list[str]) -> None:
    result = shop(*words)
    assert result.exit_code == Exit.USAGE and "expected" in result.stderr


def test_a_control_command_without_a_worker_exits_with_69(shop: Shop) -> None:
    assert shop("control", "pool_grow", "-t", "0.1").exit_code == Exit.UNAVAILABLE


def test_control_revoke_holds_although_nobody_replies(shop: Shop) -> None:
    id = shop.send()
    assert shop("control", "revoke", id, "-t", "0.1").exit_code == Exit.UNAVAILABLE
    [run] = shop.engine.results.read([id])
    assert run is not None and run.state == "REVOKED"


def test_events_end_when_none_come(shop: Shop) -> None:
    result = shop("events", "--dump", "--timeout", "0.1")
    assert result.exit_code == Exit.TIMED_OUT and result.stdout == ""


def test_a_camera_that_is_not_there_is_wrong_usage(shop: Shop) -> None:
    assert shop("events", "-c", "no.such.Camera").exit_code == Exit.USAGE


def test_the_screen_names_the_extra_that_it_needs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "textual"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "horarium.cli.screen", raising=False)
    monkeypatch.setitem(sys.modules, "textual", None)
    result = shop("events")
    assert result.exit_code == Exit.FAILED and "horarium[tui]" in result.stderr
