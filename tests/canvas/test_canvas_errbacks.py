"""Errbacks and failures: points 1, 2, 4, 5 and 6 of what is easy to get wrong."""

from __future__ import annotations

from typing import Any

import pytest
from canvas_words import ONE_ARGUMENT, THREE_ARGUMENTS, Shop

from horarium import chain, chord, group
from horarium.errors import ChordError


def test_point_01_an_errback_of_one_argument_is_a_task_that_is_given_the_failed_id(shop: Shop) -> None:
    result = shop.fail.s().on_error(shop.on_failed_id.s()).apply_async()
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.id]


def test_point_01_an_errback_of_three_arguments_is_given_request_exception_and_traceback(shop: Shop) -> None:
    result = shop.fail.s(7).on_error(shop.on_failed_call.s()).apply_async()
    shop.run()
    [(id, error, traceback)] = shop.said(THREE_ARGUMENTS)
    assert (id, type(error), error.args) == (result.id, ValueError, ("no such amount", 7))
    assert "ValueError" in traceback


def test_point_01_an_errback_of_three_arguments_that_only_the_worker_knows_is_given_them_too(shop: Shop) -> None:
    errback = shop.app.signature(THREE_ARGUMENTS)
    other = type(shop.app)("caller", engine=shop.app.engine, clock=shop.app.clock, set_as_current=False)
    result = other.signature("fail").on_error(errback.clone()).apply_async()
    shop.run()
    assert [given[0] for given in shop.said(THREE_ARGUMENTS)] == [result.id]


def test_point_01_an_immutable_errback_is_sent_as_it_is(shop: Shop) -> None:
    shop.fail.s().on_error(shop.note.si("alarm")).apply_async()
    shop.run()
    assert shop.said("note") == [["alarm"]]


def test_point_01_the_errback_of_a_chords_header_is_given_the_bodys_id(shop: Shop) -> None:
    body = shop.total.s().on_error(shop.on_failed_id.s())
    result = chord([shop.add.s(1, 1), shop.fail.s()], body).apply_async()
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.id]


def test_point_01_the_errback_of_a_chords_body_is_given_the_id_of_the_task_that_failed(shop: Shop) -> None:
    work = chord([shop.add.s(1, 1)], shop.echo.s() | shop.fail.s() | shop.echo.s())
    work.link_error(shop.on_failed_id.s())
    result = work.apply_async()
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.parent.id]


@pytest.mark.parametrize("errback", ["on_failed_id", "on_failed_call"])
@pytest.mark.parametrize("children", [1, 7])
def test_point_02_a_groups_errback_is_called_once_for_each_child_that_fails(
    shop: Shop, errback: str, children: int
) -> None:
    work = group([shop.fail.s(n) for n in range(children)] + [shop.add.s(1, 1)])
    work.link_error(getattr(shop, errback).s())
    work.apply_async()
    shop.run()
    assert shop.counts[errback] == children


@pytest.mark.parametrize("errback", ["on_failed_id", "on_failed_call"])
def test_point_02_a_chord_with_many_failing_header_tasks_calls_its_errback_once(shop: Shop, errback: str) -> None:
    work = chord([shop.fail.s(n) for n in range(42)], shop.total.s())
    work.link_error(getattr(shop, errback).s())
    work.apply_async()
    shop.run()
    assert shop.counts[errback] == 1


def test_point_02_a_chord_whose_body_is_a_group_calls_it_once_for_each_failing_body_task(shop: Shop) -> None:
    work = chord([shop.add.s(1, 1), shop.add.s(2, 2)], group(shop.fail.s(), shop.fail.s(), shop.echo.s()))
    work.link_error(shop.on_failed_id.s())
    result = work.apply_async()
    shop.run()
    assert sorted(shop.said(ONE_ARGUMENT)) == sorted(result.results[i].id for i in range(2))


def test_point_02_a_chain_calls_its_errback_once_and_the_rest_never_runs(shop: Shop) -> None:
    work = shop.add.s(1, 1) | shop.fail.s() | shop.echo.s() | shop.echo.s()
    result = work.apply_async(link_error=shop.on_failed_id.s())
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.parent.parent.id]
    assert shop.counts["echo"] == 0


def test_point_02_with_the_setting_each_failing_header_task_and_the_body_call_it(shop: Shop) -> None:
    shop.app.conf.task_allow_error_cb_on_chord_header = True
    work = chord([shop.fail.s(1), shop.add.s(1, 1), shop.fail.s(2)], shop.total.s())
    work.link_error(shop.on_failed_id.s())
    result = work.apply_async()
    shop.run()
    members = [member.id for member in result.parent]
    assert sorted(shop.said(ONE_ARGUMENT)) == sorted([members[0], members[2], result.id])


def test_point_02_of_nested_chords_the_outer_errback_is_called_once(shop: Shop) -> None:
    inner = chord([shop.fail.s(), shop.fail.s()], shop.total.s())
    outer = chord([inner, shop.add.s(1, 1)], shop.total.s())
    outer.link_error(shop.on_failed_id.s())
    result = outer.apply_async()
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.id]


def test_point_04_a_failure_in_a_chain_ends_the_waiting_for_all_of_it(shop: Shop) -> None:
    result = (shop.fail.s(3) | shop.echo.s() | shop.echo.s()).apply_async()
    shop.run()
    for waited_for in (result, result.parent, result.parent.parent):
        with pytest.raises(ValueError, match="no such amount"):
            waited_for.get(timeout=0)


def test_point_04_a_body_that_can_never_run_has_failed(shop: Shop) -> None:
    result = (chord([shop.fail.s(), shop.add.s(1, 1)], shop.total.s()) | shop.echo.s()).apply_async()
    shop.run()
    assert result.failed()
    assert shop.counts["total"] == shop.counts["echo"] == 0


def test_point_04_a_failure_deep_inside_ends_everything_that_waits_for_it(shop: Shop) -> None:
    inner = chord([shop.add.s(1) | shop.fail.s(), shop.echo.si(1)], shop.total.s())
    result = (shop.echo.s(0) | group(inner, shop.echo.s()) | shop.echo.s() | shop.echo.s()).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="no such amount"):
        result.get(timeout=0)


def test_point_05_get_raises_the_headers_exception_and_the_stored_result_is_a_chord_error(shop: Shop) -> None:
    result = chord([shop.add.s(1, 1), shop.fail.s()], shop.total.s()).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="no such amount"):
        result.get(timeout=0)
    failed = result.parent[1].id
    assert isinstance(result.result, ChordError)
    assert f"Dependency {failed} raised ValueError" in str(result.result)


def test_point_05_propagate_false_returns_the_exception(shop: Shop) -> None:
    result = (shop.fail.s() | shop.echo.s()).apply_async()
    shop.run()
    assert isinstance(result.get(timeout=0, propagate=False), ValueError)


def test_an_errback_that_fails_is_a_failed_run_of_its_own(shop: Shop) -> None:
    @shop.app.task(name="hopeless")
    def hopeless(failed: str) -> None:
        raise KeyError("hopeless")

    result = shop.fail.s().on_error(hopeless.s()).apply_async()
    shop.run()
    assert isinstance(result.result, ValueError)
    assert [child.state for child in result.children] == ["FAILURE"]


def test_an_errback_can_be_a_canvas(shop: Shop) -> None:
    alarm = shop.echo.s() | group(shop.echo.s(), shop.note.s())
    result = shop.fail.s().on_error(alarm).apply_async()
    shop.run()
    assert shop.said("echo") == [result.id, result.id]
    assert shop.said("note") == [[result.id]]


def test_an_errback_that_fails_on_three_arguments_leaves_the_first_failure_as_it_was(shop: Shop) -> None:
    @shop.app.task(name="hopeless")
    def hopeless(request: Any, exc: Any, traceback: Any) -> None:
        raise KeyError("hopeless")

    result = shop.fail.s().on_error(hopeless.s()).apply_async()
    shop.run()
    assert isinstance(result.result, ValueError)
    assert [child.state for child in result.children] == ["FAILURE"]


def test_point_16_what_is_revoked_in_a_chain_calls_no_errback_and_ends_the_rest(shop: Shop) -> None:
    result = (shop.echo.s(1) | shop.echo.s()).apply_async(link_error=shop.on_failed_id.s())
    result.parent.revoke()
    shop.run()
    assert result.state == "REVOKED"
    assert shop.diary == []


def test_link_error_at_send_time_is_called_for_a_chords_body(shop: Shop) -> None:
    result = chord([shop.fail.s()], shop.total.s()).apply_async(link_error=shop.on_failed_id.s())
    shop.run()
    assert shop.said(ONE_ARGUMENT) == [result.id]


def test_a_chain_with_group_in_it_calls_the_errback_for_each_failing_child(shop: Shop) -> None:
    work = chain(shop.echo.s(1), group(shop.fail.s(), shop.fail.s()))
    work.apply_async(link_error=shop.on_failed_id.s())
    shop.run()
    assert shop.counts[ONE_ARGUMENT] == 2
