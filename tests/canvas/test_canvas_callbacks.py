"""Callbacks: point 3 of what is easy to get wrong."""

from __future__ import annotations

from canvas_words import Shop

from horarium import chain, chord, group


def test_point_03_a_link_on_each_child_of_a_group_is_sent_once_per_child(shop: Shop) -> None:
    group([shop.echo.s(n).set(link=shop.note.s()) for n in range(42)]).apply_async()
    shop.run()
    assert shop.counts["note"] == 42


def test_point_03_a_link_on_each_step_of_a_chain_is_sent_once_per_step(shop: Shop) -> None:
    steps = [shop.echo.s(0), *[shop.add.s(1) for _ in range(41)]]
    for step in steps:
        step.link(shop.note.s())
    chain(steps).apply_async()
    shop.run()
    assert sorted(shop.said("note")) == [[n] for n in range(42)]


def test_point_03_a_groups_link_is_sent_exactly_once(shop: Shop) -> None:
    work = group(shop.echo.s(n) for n in range(5))
    work.link(shop.note.s("done"))
    work.apply_async()
    shop.run()
    assert shop.said("note") == [["done"]]


def test_point_03_a_link_on_an_empty_group_is_never_sent(shop: Shop) -> None:
    work = group([])
    work.link(shop.note.s())
    assert len(work.apply_async()) == 0
    shop.run()
    assert shop.diary == []


def test_point_03_a_chains_link_is_sent_after_the_last_task(shop: Shop) -> None:
    work = shop.add.s(1, 1) | shop.add.s(1)
    work.link(shop.note.s())
    work.apply_async()
    shop.run()
    assert shop.said("note") == [[3]]


def test_point_03_the_link_of_an_inner_chain_survives_in_an_outer_one(shop: Shop) -> None:
    inner = shop.add.s(1, 1) | shop.add.s(1)
    inner.link(shop.note.s())
    (inner | shop.add.s(10)).apply_async()
    chain(shop.echo.s(1), chain(shop.add.s(1), shop.add.s(2)).set(link=shop.note.s()), shop.add.s(20)).apply_async()
    shop.run()
    assert sorted(shop.said("note")) == [[3], [4]]
    assert [given for given in shop.said("add") if given[1] in (10, 20)] == [(3, 10), (4, 20)]


def test_a_chords_link_is_sent_after_the_body(shop: Shop) -> None:
    chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()).apply_async(link=shop.note.s())
    shop.run()
    assert shop.said("note") == [[3]]


def test_a_chains_link_at_send_time_is_sent_after_the_last_task(shop: Shop) -> None:
    (shop.echo.s(1) | shop.add.s(1)).apply_async(link=[shop.note.s(), shop.echo.s()])
    shop.run()
    assert shop.said("note") == [[2]]
    assert shop.said("echo") == [1, 2]


def test_a_link_can_be_a_canvas(shop: Shop) -> None:
    result = shop.echo.s(1).set(link=chord([shop.add.s(1), shop.add.s(2)], shop.total.s())).apply_async()
    shop.run()
    assert shop.said("total") == [[2, 3]]
    assert shop.counts["add"] == 2
    assert len(result.children) == 2


def test_an_immutable_link_is_given_nothing(shop: Shop) -> None:
    shop.echo.s(1).set(link=shop.note.si("x")).apply_async()
    shop.run()
    assert shop.said("note") == [["x"]]


def test_a_link_given_twice_is_sent_once(shop: Shop) -> None:
    call = shop.echo.s(1)
    call.link(shop.note.s())
    call.link(shop.note.s())
    call.apply_async()
    shop.run()
    assert shop.counts["note"] == 1
