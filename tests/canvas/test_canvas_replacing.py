"""``replace`` and ``add_to_chord``: points 10 and 11 of what is easy to get wrong."""

from __future__ import annotations

from typing import Any

import pytest
from canvas_words import ONE_ARGUMENT, Shop

from horarium import chain, chord, group
from horarium.app.signature import Signature


@pytest.fixture
def swap(shop: Shop) -> Any:
    """A task that is replaced by the signature that it is given as a dict."""

    @shop.app.task(name="swap", bind=True)
    def swap(self: Any, *given: Any) -> Any:
        shop.diary.append(("swap", list(given[:-1])))
        raise self.replace(Signature.from_dict(given[-1], app=shop.app))

    return swap


def value_of(shop: Shop, canvas: Any) -> Any:
    result = canvas.apply_async()
    shop.run()
    return result.get(timeout=0)


def test_point_10_the_callers_result_is_the_replacements(shop: Shop, swap: Any) -> None:
    assert value_of(shop, swap.s(shop.add.s(1, 2))) == 3


def test_point_10_it_may_be_returned_instead_of_raised(shop: Shop) -> None:
    @shop.app.task(name="returns", bind=True)
    def returns(self: Any) -> Any:
        return self.replace(shop.echo.s(4))

    assert value_of(shop, returns.s()) == 4


def test_point_10_in_a_chain_the_rest_follows_it(shop: Shop, swap: Any) -> None:
    assert value_of(shop, swap.s(shop.echo.s(1) | shop.add.s(1)) | shop.add.s(10)) == 12


def test_point_10_in_a_header_it_counts_as_one_and_keeps_its_place(shop: Shop, swap: Any) -> None:
    work = chord([shop.echo.s(0), swap.s(shop.echo.s(1) | shop.add.s(0)), shop.echo.s(2)], shop.echo.s())
    assert value_of(shop, work) == [0, 1, 2]


def test_point_10_in_a_group_it_keeps_its_place(shop: Shop, swap: Any) -> None:
    assert value_of(shop, group(shop.echo.s(0), swap.s(shop.echo.s(1)), shop.echo.s(2))) == [0, 1, 2]


def test_point_10_a_group_has_the_list_of_its_values_in_order(shop: Shop, swap: Any) -> None:
    inner = group(shop.echo.s(n) for n in range(20))
    assert value_of(shop, swap.s(inner)) == list(range(20))
    work = chord([shop.echo.s(0), swap.s(group(shop.echo.s(1), shop.echo.s(2)))], shop.echo.s())
    assert value_of(shop, work) == [0, [1, 2]]


def test_point_10_by_a_chord(shop: Shop, swap: Any) -> None:
    inner = chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s())
    assert value_of(shop, swap.s(inner) | shop.add.s(1)) == 4


def test_point_10_by_a_chain_that_ends_in_a_group(shop: Shop, swap: Any) -> None:
    inner = shop.echo.s(1) | group(shop.add.s(1), shop.add.s(2))
    assert value_of(shop, swap.s(inner) | shop.total.s()) == 5


def test_point_10_links_of_both_are_sent_once(shop: Shop, swap: Any) -> None:
    replacement = shop.echo.s(1)
    replacement.link(shop.note.s("new"))
    swap.s(replacement).set(link=shop.note.s("old")).apply_async()
    shop.run()
    assert sorted(shop.said("note")) == [[1, "new"], [1, "old"]]


@pytest.mark.parametrize("kind", ["task", "chain", "group", "chord"])
def test_point_10_errbacks_of_both_are_called_once(shop: Shop, swap: Any, kind: str) -> None:
    replacement: Any = {
        "task": shop.fail.s(),
        "chain": shop.echo.s(1) | shop.fail.s() | shop.echo.s(),
        "group": group(shop.echo.s(1), shop.fail.s()),
        "chord": chord([shop.fail.s(), shop.fail.s()], shop.total.s()),
    }[kind]
    replacement.link_error(shop.on_failed_id.s())
    result = swap.s(replacement).on_error(shop.note.s("old")).apply_async()
    shop.run()
    assert shop.counts[ONE_ARGUMENT] == 1
    assert shop.counts["note"] == 1
    assert result.failed()


def test_point_10_replacing_inside_a_replacement_runs_in_that_order(shop: Shop) -> None:
    @shop.app.task(name="c")
    def c() -> str:
        shop.diary.append(("c", None))
        return "c"

    @shop.app.task(name="after")
    def after(value: Any, name: str) -> Any:
        shop.diary.append((name, value))
        return f"{value}{name}"

    @shop.app.task(name="b", bind=True)
    def b(self: Any) -> Any:
        raise self.replace(c.s() | after.s("b again"))

    @shop.app.task(name="a", bind=True)
    def a(self: Any) -> Any:
        raise self.replace(b.s() | after.s("a again"))

    assert value_of(shop, a.s() | after.s("end")) == "cb againa againend"
    assert [name for name, _ in shop.diary] == ["c", "b again", "a again", "end"]


def test_point_10_replacing_three_times_in_a_header(shop: Shop, swap: Any) -> None:
    deep = swap.s(swap.s(swap.s(group(shop.echo.s(1), swap.s(shop.echo.s(2))))))
    assert value_of(shop, chord([deep, shop.echo.s(3)], shop.echo.s())) == [[1, 2], 3]


def test_point_10_the_replacement_keeps_id_root_and_parent(shop: Shop, swap: Any) -> None:
    result = (shop.echo.s(0) | swap.s(shop.ids.si()) | shop.echo.s()).apply_async()
    shop.run()
    chain_of_ids = {"id": result.parent.id, "root": result.parent.parent.id, "parent": result.parent.parent.id}
    assert result.get(timeout=0) == chain_of_ids


def test_point_10_a_failing_replacement_fails_the_caller(shop: Shop, swap: Any) -> None:
    result = (swap.s(shop.echo.s(1) | shop.fail.s() | shop.echo.s()) | shop.echo.s()).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="no such amount"):
        result.get(timeout=0)


def test_replacing_by_a_generator_is_no_trouble(shop: Shop) -> None:
    @shop.app.task(name="spread", bind=True)
    def spread(self: Any) -> Any:
        raise self.replace(group(shop.echo.s(n) for n in range(3)))

    assert value_of(shop, spread.s() | shop.total.s()) == 3


def test_replacing_by_an_empty_group_has_an_empty_list(shop: Shop, swap: Any) -> None:
    assert value_of(shop, swap.s(group([]))) == []


def test_replacing_by_a_group_of_one_or_a_chunk(shop: Shop) -> None:
    @shop.app.task(name="by", bind=True)
    def by(self: Any, kind: str) -> Any:
        canvases = {
            "one": group(shop.echo.s(1)),
            "chunks": shop.add.chunks([(1, 1), (2, 2), (3, 3)], 2),
            "map": shop.echo.map([1, 2]),
        }
        raise self.replace(canvases[kind])

    assert value_of(shop, by.s("one")) == [1]
    assert value_of(shop, by.s("chunks")) == [[2, 4], [6]]
    assert value_of(shop, by.s("map")) == [1, 2]


def test_point_11_the_body_waits_for_what_a_header_task_adds_and_sees_it(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True)
    def adds(self: Any, n: int) -> int:
        self.add_to_chord(shop.echo.s(n * 10))
        self.add_to_chord(shop.echo.s(n * 100) | shop.add.s(1))
        return n

    result = chord([adds.s(1), shop.echo.s(2), adds.s(3)], shop.echo.s()).apply_async()
    shop.run()
    value = result.get(timeout=0)
    assert value[:3] == [1, 2, 3]
    assert sorted(value[3:]) == [10, 30, 101, 301]


def test_point_11_a_whole_chord_can_be_added(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True)
    def adds(self: Any) -> int:
        self.add_to_chord(chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()))
        self.add_to_chord(group(shop.echo.s(5), shop.echo.s(6)))
        return 0

    assert value_of(shop, chord([adds.s()], shop.echo.s())) == [0, 3, [5, 6]]


def test_point_11_what_is_added_may_add_too(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True)
    def adds(self: Any, n: int) -> int:
        if n:
            self.add_to_chord(adds.s(n - 1))
        return n

    assert sorted(value_of(shop, chord([adds.s(3)], shop.echo.s()))) == [0, 1, 2, 3]


def test_point_11_a_task_that_adds_and_is_replaced(shop: Shop) -> None:
    @shop.app.task(name="both", bind=True)
    def both(self: Any) -> int:
        self.add_to_chord(shop.echo.s(5))
        raise self.replace(shop.echo.s(1))

    assert value_of(shop, chord([both.s()], shop.echo.s())) == [1, 5]


def test_point_11_the_failure_of_what_was_added_is_the_chords(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True)
    def adds(self: Any) -> int:
        self.add_to_chord(shop.fail.s())
        return 0

    result = chord([adds.s()], shop.echo.s()).apply_async()
    shop.run()
    assert result.failed()


def test_adding_outside_of_a_header_is_refused(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True)
    def adds(self: Any) -> None:
        self.add_to_chord(shop.echo.s(1))

    result = chain(shop.echo.si(1), adds.si()).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="header of a chord"):
        result.get(timeout=0)


def test_a_header_task_that_retries_after_it_has_added_adds_once(shop: Shop) -> None:
    @shop.app.task(name="adds", bind=True, max_retries=1, default_retry_delay=0)
    def adds(self: Any) -> int:
        self.add_to_chord(shop.echo.s(5))
        if not self.request.retries:
            raise self.retry()
        return 1

    assert value_of(shop, chord([adds.s()], shop.echo.s())) == [1, 5]
