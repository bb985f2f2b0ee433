"""Workers that share a name: none hides another."""

from __future__ import annotations

from shop_words import Shop


def test_workers_of_one_name_are_all_shown_each_with_its_own_children(shop: Shop) -> None:
    for number in (1, 2):
        shop.join(owner=f"w{number}", pid=number, started=number, slots=0)
        shop.join("child", owner=f"w{number}/1", pid=number * 10, started=number, processed=number)
    assert set(shop.json("inspect", "reserved", "-t", "0.1")) == {"worker@vm", "worker@vm#2"}
    assert set(shop.json("inspect", "reserved", "-t", "0.1", "-d", "worker@vm#2")) == {"worker@vm"}
    assert [worker["pid"] for worker in shop.json("status")["workers"]] == [1, 2]
    text = shop("status").stdout
    assert "worker@vm (pid 1): OK" in text and "worker@vm (pid 2): OK" in text
