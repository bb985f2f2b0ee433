"""``tasks pause``, ``queues pause`` and what shows it; the queues of a worker on its command line."""

from __future__ import annotations

import click
import pytest
from shop_words import Shop

from horarium.app.switches import Switches
from horarium.cli.commands.worker import weighed
from horarium.cli.exits import Exit


def test_a_task_is_paused_shown_and_resumed(shop: Shop) -> None:
    assert shop.engine is not None
    result = shop("tasks", "pause", "shop.mail", "--reason", "the provider is down", "--by", "ana")
    assert result.stdout == "task shop.mail is paused\n"
    rows = {row["name"]: row["paused"] for row in shop.json("tasks", "list")}
    assert rows == {"shop.charge": None, "shop.mail": "by ana: the provider is down"}
    assert "the provider is down" in shop("doctor").stdout
    assert shop("tasks", "resume", "shop.mail").exit_code == Exit.OK
    assert Switches(shop.app.connection).read().switches == ()


def test_resuming_what_is_not_paused_says_so(shop: Shop) -> None:
    result = shop("tasks", "resume", "shop.mail")
    assert result.exit_code == Exit.NOT_FOUND
    assert "no task was paused as 'shop.mail'" in result.stderr


def test_a_queue_is_paused_shown_and_resumed(shop: Shop) -> None:
    shop("call", "shop.charge", "-a", "[1]")
    assert shop("queues", "pause", "default", "--reason", "audit", "--by", "bo").exit_code == Exit.OK
    (row,) = shop.json("queues", "list")
    assert (row["queue"], row["ready"], row["read_by"], row["paused"]) == ("default", 1, 0, "by bo: audit")
    [id] = [row["id"] for row in shop.json("runs", "list")]
    assert "queue 'default' is paused by bo" in shop("doctor", id).stdout
    assert shop.json("queues", "resume", "default") == {"name": "default", "paused": None}


def test_queues_of_a_worker_may_have_weights() -> None:
    assert weighed(("high:5", "low:1", "mail")) == (("high", "low", "mail"), {"high": 5, "low": 1})
    assert weighed(("a:b", "c")) == (("a:b", "c"), {})


@pytest.mark.parametrize("wrong", ["high:0", ":5"])
def test_a_weight_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="NAME:WEIGHT"):
        weighed((wrong,))
