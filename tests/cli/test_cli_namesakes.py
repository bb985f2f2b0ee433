"""Workers that share a name: none hides another."""

from __future__ import annotations

from shop_words import Shop


def test_workers_of_one_name_are_all_shown_each_with_its_own_children(shop: Shop) -> None:
    for number in (1, 2):
        shop.join(owner=f"w{number}", pid=number, started=number, slots=0)
        shop.join("child", owner=f"w{number}/1", pid=number * 10, started=number, processed=number)
    stats = shop.json("inspect", "stats")
    assert {key: (node["processed"], node["processes"]) for key, node in stats.items()} == {
        "worker@vm": (1, [10]),
        "worker@vm#2": (2, [20]),
    }
    for action in ("ping", "active", "registered", "active_queues"):
        assert set(shop.json("inspect", action)) == {"worker@vm", "worker@vm#2"}
    assert shop("inspect", "ping", "-d", "worker@vm#2").stdout == "worker@vm#2\tpong\n"
    text = shop("status").stdout
    assert "worker@vm (pid 1): OK" in text and "worker@vm (pid 2): OK" in text
