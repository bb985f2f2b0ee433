"""``horarium migrate`` as a command: what it says, what it refuses, and which options of Celery's it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shop_words import Shop

from horarium.cli.exits import Exit
from horarium.cli.main import root
from horarium.engines.connect import connect

OLD, NEW = "sqlite:///shop.db", "sqlite:///new.db"


def migrate(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["migrate", *arguments])


def queues_of(url: str) -> dict[str, int]:
    engine = connect(url)
    try:
        return {name: counts.ready + counts.scheduled for name, counts in engine.inspector.counts().queues.items()}
    finally:
        engine.close()


def test_a_dry_run_counts_and_changes_nothing(shop: Shop) -> None:
    shop.send()
    shop.send("shop.mail", countdown=3600)
    result = migrate(OLD, NEW, "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "2 messages would move in SRC\n")
    assert "nothing was changed" in result.stderr and not Path("new.db").exists()


def test_celerys_options_choose_what_moves(shop: Shop) -> None:
    for _ in range(3):
        shop.send()
        shop.send("shop.mail")
    result = migrate(OLD, NEW, "-n", "2", "-T", "shop.charge", "-Q", "default:cash,mail", "-a", "--json")
    assert json.loads(result.stdout)["messages"] == 2
    assert "--ack-messages has no effect: a message that has moved is always gone from SRC" in result.stderr
    assert queues_of(NEW) == {"cash": 2} and queues_of(OLD) == {"default": 1, "mail": 3}
    assert migrate(OLD, NEW).stdout == "4 messages moved\n0 messages left waiting in SRC\n"


def test_what_is_in_hand_is_told(shop: Shop) -> None:
    shop.send()
    shop.claim()
    result = migrate(OLD, NEW)
    assert "1 message in hand of workers of SRC: they end there" in result.stdout


def test_schedules_are_moved_when_asked_for_and_told_when_known(shop: Shop) -> None:
    assert shop("schedules", "pause", "nightly").exit_code == 0
    assert "1 schedule moved" in migrate(OLD, NEW, "--schedules").stdout
    assert "1 schedule known in DST: left as they are there" in migrate(OLD, NEW, "--schedules").stdout


def test_a_wait_for_what_comes_due_soon_can_be_limited(shop: Shop) -> None:
    shop.send(countdown=30)
    assert "1 message left waiting in SRC" in migrate(OLD, NEW, "-t", "0").stdout


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (OLD, OLD, "expected two stores"),
        (OLD, "sqlite:///./shop.db", "expected two stores"),
        ("sqlite:///absent.db", NEW, "expected SRC to be a store that is there"),
        ("amqp://rabbit", NEW, "expected SRC to be the URL of a store"),
        (OLD, "memory://", "expected DST to be a store that processes can share"),
    ],
)
def test_stores_between_which_nothing_can_move_are_refused(shop: Shop, source: str, target: str, words: str) -> None:
    shop.send()
    result = migrate(source, target)
    assert result.exit_code in (Exit.USAGE, Exit.FAILED) and words in result.stderr
    assert queues_of(OLD) == {"default": 1}


def test_a_store_that_is_away_ends_it_with_69(shop: Shop) -> None:
    shop.send()
    result = migrate(OLD, "redis://127.0.0.1:1/0")
    assert result.exit_code == Exit.UNAVAILABLE, result.stderr
