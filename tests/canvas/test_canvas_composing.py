"""How canvases are composed: points 7, 8, 9, 12 and 14 of what is easy to get wrong."""

from __future__ import annotations

from typing import Any

import pytest
from canvas_words import Shop

from horarium import chain, chord, group
from horarium.app.result_set import GroupResult
from horarium.app.signature import Signature
from horarium.errors import EncodingError, ImproperlyConfigured, InvalidArguments, PayloadTooLarge


def value_of(shop: Shop, canvas: Any) -> Any:
    result = canvas.apply_async()
    shop.run()
    return result.get(timeout=0)


def test_point_07_a_task_after_a_group_makes_the_two_a_chord(shop: Shop) -> None:
    work = group(shop.echo.s(1), shop.echo.s(2)) | shop.total.s()
    assert isinstance(work, chord)
    assert value_of(shop, work) == 3


@pytest.mark.parametrize("how", ["pipe", "chain"])
def test_point_07_groups_after_groups_are_nested_chords_and_each_task_runs_once(shop: Shop, how: str) -> None:
    first = group(shop.echo.s(n) for n in range(1, 4))
    others = [group(shop.echo.s() for _ in range(3)) for _ in range(2)]
    end = shop.echo.s()
    work = first | others[0] | others[1] | end if how == "pipe" else chain(first, *others, end)
    assert value_of(shop, work) == [[[1, 2, 3]] * 3] * 3
    assert shop.counts["echo"] == 10


def test_point_07_a_one_task_group_at_the_end_is_that_task(shop: Shop) -> None:
    work = group(shop.echo.s(1), shop.echo.s(2)) | group(shop.echo.s())
    assert value_of(shop, work) in ([1, 2], [[1, 2]])
    assert shop.counts["echo"] == 3


def test_point_07_echoes_run_once_each_however_the_upgrade_happened(shop: Shop) -> None:
    for n in range(1, 10):
        shop.diary.clear()
        value_of(shop, chain(group(shop.echo.s(i) for i in range(n)), shop.echo.s(), group(shop.note.s())))
        assert shop.counts == {"echo": n + 1, "note": 1}


def test_point_08_a_group_in_a_group_is_flattened(shop: Shop) -> None:
    assert value_of(shop, group(group(shop.echo.s(1), shop.echo.s(2)))) == [1, 2]
    assert value_of(shop, group(shop.echo.s(0), group(shop.echo.s(1), shop.echo.s(2)))) == [0, 1, 2]


def test_point_08_a_group_in_a_chords_header_is_flattened(shop: Shop) -> None:
    work = chord([shop.echo.s(0), group(shop.echo.s(1), group(shop.echo.s(2)))], shop.echo.s())
    assert value_of(shop, work) == [0, 1, 2]


def test_point_08_a_group_in_a_chain_in_a_header_is_one_member_with_a_list(shop: Shop) -> None:
    inner = chain(shop.echo.s(5), group(shop.echo.s(), shop.add.s(1)))
    assert value_of(shop, chord(group(inner), shop.echo.s())) == [[5, 6]]


def test_point_08_a_group_of_one_chord_has_a_list_of_one_list(shop: Shop) -> None:
    assert value_of(shop, group(chord([shop.echo.s(1)], shop.echo.s()))) == [[1]]


@pytest.mark.parametrize("kind", ["chain", "group", "chord", "mixed"])
def test_point_08_a_header_of_42_nested_ones_is_waited_for_as_a_whole(shop: Shop, kind: str) -> None:
    def part(n: int) -> Any:
        kinds: dict[str, Any] = {
            "chain": shop.echo.s(n) | shop.add.s(0),
            "group": group(shop.echo.s(n)),
            "chord": chord([shop.echo.s(n)], shop.total.s()),
        }
        return kinds[kind] if kind != "mixed" else kinds[["chain", "group", "chord"][n % 3]]

    assert value_of(shop, chord([part(n) for n in range(42)], shop.total.s())) == sum(range(42))
    assert len(shop.said("total")[-1]) == 42


def test_point_09_a_chord_without_a_header_runs_its_body_with_an_empty_list(shop: Shop) -> None:
    assert value_of(shop, chord([], shop.echo.s())) == []
    assert value_of(shop, group([]) | shop.echo.s()) == []


def test_point_09_an_empty_group_has_an_empty_result_that_saves_and_restores(shop: Shop) -> None:
    result = group([]).apply_async()
    assert (list(result), result.get(timeout=0), result.ready(), result.successful()) == ([], [], True, True)
    result.save()
    assert GroupResult.restore(result.id, app=shop.app) == result


def test_point_09_a_chain_of_one_chain_works(shop: Shop) -> None:
    assert value_of(shop, chain([chain(shop.echo.s(4))])) == 4


def test_point_09_an_empty_chain_in_a_group_is_left_out(shop: Shop) -> None:
    assert value_of(shop, group(shop.echo.s(1), chain(), shop.echo.s(2))) == [1, 2]


def test_point_09_replacing_with_an_empty_chain_is_refused(shop: Shop) -> None:
    @shop.app.task(name="swap", bind=True)
    def swap(self: Any) -> Any:
        return self.replace(chain())

    result = swap.delay()
    shop.run()
    with pytest.raises(ImproperlyConfigured, match="Cannot replace with an empty chain"):
        result.get(timeout=0)


def test_point_12_the_values_of_a_header_are_in_its_order_whatever_ends_first(shop: Shop) -> None:
    work = chord([shop.echo.s(n).set(priority=n) for n in range(10)], shop.echo.s())
    assert value_of(shop, work) == list(range(10))
    assert shop.said("echo")[:10] == list(range(9, -1, -1))


def test_point_12_a_header_of_a_thousand(shop: Shop) -> None:
    assert value_of(shop, chord([shop.echo.s(n) for n in range(1000)], shop.total.s())) == sum(range(1000))


def test_point_14_arguments_at_send_time_reach_the_header_and_not_the_body(shop: Shop) -> None:
    result = (group(shop.add.s(1), shop.add.s(2)) | shop.total.s()).apply_async(args=(10,))
    shop.run()
    assert result.get(timeout=0) == 23
    result = (group(shop.total.s([1]), shop.total.s([2])) | shop.echo.s()).apply_async(kwargs={"more": 5})
    shop.run()
    assert result.get(timeout=0) == [6, 7]


def test_point_14_partial_arguments_are_put_in_front(shop: Shop) -> None:
    @shop.app.task(name="minus")
    def minus(x: int, y: int) -> int:
        return x - y

    result = minus.s(3).apply_async((10,))
    chained = (minus.s(3) | minus.s(1)).apply_async((10,))
    shop.run()
    assert (result.get(timeout=0), chained.get(timeout=0)) == (7, 6)


def test_point_14_a_wrong_call_is_refused_at_the_call(shop: Shop) -> None:
    with pytest.raises(TypeError):
        shop.add.delay(1)
    with pytest.raises(TypeError):
        shop.add.s(1).delay()
    for canvas in (group(shop.add.s(1)), shop.add.s(1) | shop.echo.s(), group(shop.add.s(n) for n in range(3))):
        with pytest.raises(TypeError):
            canvas.apply_async()
    with pytest.raises(ValueError, match="soft_time_limit"):
        shop.add.s(1, 2).apply_async(soft_time_limit=9, time_limit=3)


def test_an_argument_that_json_cannot_say_is_refused_and_nothing_is_stored(shop: Shop) -> None:
    work = chord([shop.echo.s(1), shop.echo.s(object())], shop.total.s())
    with pytest.raises(EncodingError):
        work.apply_async()
    assert shop.run() == []


def test_a_signature_that_contains_itself_is_refused_and_nothing_is_stored(shop: Shop) -> None:
    ring = group(shop.echo.s(1), shop.echo.s(2))
    ring.tasks.append(ring)
    with pytest.raises(InvalidArguments, match="contains itself"):
        ring.apply_async()
    call = shop.echo.s(1)
    call.link(call)
    with pytest.raises(InvalidArguments, match="contains itself"):
        call.apply_async()
    argument: list[Any] = []
    argument.append(argument)
    with pytest.raises((InvalidArguments, EncodingError)):
        shop.echo.s(argument).apply_async()
    assert shop.run() == []


def test_what_is_no_signature_is_refused(shop: Shop) -> None:
    with pytest.raises(InvalidArguments, match="signature"):
        group(shop.echo.s(1), 5)


def test_a_signature_travels_inside_of_keyword_arguments(shop: Shop) -> None:
    @shop.app.task(name="carry")
    def carry(*, call: Any, calls: Any) -> Any:
        work = Signature.from_dict(call, app=shop.app)
        assert isinstance(work, chord)
        return [type(work).__name__, len(work.tasks), [each["task"] for each in calls]]

    work = group(shop.echo.s(1), shop.echo.s(2)) | shop.total.s()
    result = carry.delay(call=work, calls=[shop.echo.s(1)])
    other = carry.s(call=work, calls=[shop.echo.s(1)]).apply_async()
    shop.run()
    assert result.get(timeout=0) == other.get(timeout=0) == ["chord", 2, ["echo"]]


def test_options_of_a_chain_at_send_time_are_for_its_first_task(shop: Shop) -> None:
    result = (shop.echo.s(1) | shop.echo.s()).apply_async(queue="slow", priority=9)
    assert (result.parent.queue, result.queue) == ("slow", "default")


def test_options_of_a_group_at_send_time_are_for_each_of_its_tasks(shop: Shop) -> None:
    result = group(shop.echo.s(1), shop.echo.s(2).set(queue="fast")).apply_async(queue="slow")
    assert [member.queue for member in result] == ["slow", "slow"]


def test_options_of_a_chord_at_send_time_are_for_header_and_body_but_its_delay_is_for_the_header(shop: Shop) -> None:
    result = chord([shop.echo.s(1)], shop.total.s()).apply_async(queue="slow", countdown=60)
    assert [member.queue for member in result.parent] == ["slow"]
    assert result.queue == "slow"
    assert result.parent[0].run.message.eta == shop.app.now() + 60_000
    shop.app.clock.advance(60)
    shop.run()
    assert result.get(timeout=0) == 1


def test_options_of_a_step_travel_with_it(shop: Shop) -> None:
    step = shop.echo.s().set(acks_late=False, routing_key="slow", time_limit=9, max_retries=2, headers={"a": 1})
    message = (shop.echo.s(1) | step).apply_async().run.message
    assert (message.at_most_once, message.queue, message.time_limit) == (True, "slow", 9)
    assert (message.max_retries, message.headers) == (2, {"a": 1})


def test_a_router_sees_the_members_of_a_canvas(shop: Shop) -> None:
    shop.app.conf.task_routes = lambda name, args, kwargs, options, task=None, **kw: {"queue": f"q{args[0]}"}
    result = group(shop.echo.s(1), shop.echo.s(2)).apply_async()
    assert [member.queue for member in result] == ["q1", "q2"]


def test_an_argument_that_is_too_large_is_refused_in_a_canvas_as_well(shop: Shop) -> None:
    shop.app.conf.max_payload_bytes = 100
    with pytest.raises(PayloadTooLarge):
        group(shop.echo.s("x" * 200)).apply_async()


def test_a_group_takes_no_links_at_send_time(shop: Shop) -> None:
    for option in ("link", "link_error"):
        with pytest.raises(TypeError, match="group"):
            group(shop.echo.s(1)).apply_async(**{option: shop.note.s()})
    assert shop.run() == []


def test_the_id_of_a_canvas_can_be_chosen(shop: Shop) -> None:
    work = shop.echo.s(1) | shop.echo.s()
    assert work.apply_async(task_id="the-last").id == "the-last"
    assert chord([shop.echo.s(1)], shop.total.s()).apply_async(task_id="the-body").id == "the-body"
    assert group(shop.echo.s(1)).apply_async(task_id="the-group").id == "the-group"


def test_a_canvas_of_a_chosen_id_that_is_sent_twice_runs_once(shop: Shop) -> None:
    for _ in range(2):
        work = group(shop.echo.s(1), shop.echo.s(2)) | group(shop.total.s(), shop.total.s()) | shop.total.s()
        result = work.apply_async(task_id="once")
    shop.run()
    assert result.get(timeout=0) == 6
    assert shop.counts == {"echo": 2, "total": 3}


def test_an_immutable_chain_keeps_its_first_tasks_arguments_only(shop: Shop) -> None:
    work = shop.echo.s(1) | chain(shop.note.s("a"), shop.note.s("b")).set(immutable=True)
    work.apply_async()
    shop.run()
    assert shop.said("note") == [["a"], ["noted", "b"]]
