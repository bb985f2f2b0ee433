"""Ids, results of canvases, and what becomes of them: points 13, 15, 16, 17 and 20 of what is easy to get wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from canvas_words import Shop

from horarium import chain, chord, group
from horarium.app.result import AsyncResult
from horarium.app.result_set import GroupResult, result_from_tuple
from horarium.errors import ResultsNotKept, ResultTimeout, RunNotFound, TaskRevokedError


def test_point_13_a_single_task_is_its_own_root(shop: Shop) -> None:
    result = shop.ids.delay()
    shop.run()
    assert result.get(timeout=0) == {"id": result.id, "root": result.id, "parent": None}


def test_point_13_one_root_for_the_whole_and_the_parent_is_the_task_before(shop: Shop) -> None:
    result = (shop.ids.s() | shop.ids.s() | shop.ids.s()).apply_async()
    shop.run()
    first, second = result.parent.parent, result.parent
    assert first.get(timeout=0) == {"id": first.id, "root": first.id, "parent": None}
    assert second.get(timeout=0) == {"id": second.id, "root": first.id, "parent": first.id}
    assert result.get(timeout=0) == {"id": result.id, "root": first.id, "parent": second.id}


def test_point_13_a_groups_members_have_the_task_before_it_as_their_parent(shop: Shop) -> None:
    result = (shop.ids.s() | group(shop.ids.s(), shop.ids.s())).apply_async()
    shop.run()
    first = result.parent
    assert [value["parent"] for value in result.get(timeout=0)] == [first.id, first.id]
    assert {value["root"] for value in result.get(timeout=0)} == {first.id}


def test_point_13_a_body_has_one_of_its_header_tasks_as_its_parent(shop: Shop) -> None:
    result = chord([shop.ids.s(), shop.ids.s()], shop.ids.s()).apply_async()
    shop.run()
    members = [member.id for member in result.parent]
    assert result.get(timeout=0)["parent"] in members
    roots = {result.get(timeout=0)["root"], *(member.get(timeout=0)["root"] for member in result.parent)}
    assert len(roots) == 1


def test_point_13_parents_are_walked_from_results_over_groups_to_results(shop: Shop) -> None:
    result = (shop.echo.s(1) | group(shop.echo.s(), shop.echo.s()) | shop.total.s()).apply_async()
    assert [type(each) for each in (result, result.parent, result.parent.parent)] == [
        AsyncResult,
        GroupResult,
        AsyncResult,
    ]
    assert result.parent.parent.parent is None


def test_point_13_what_a_task_sends_has_its_root_and_it_for_a_parent(shop: Shop) -> None:
    @shop.app.task(name="sender", bind=True)
    def sender(self: Any) -> Any:
        chain(shop.ids.s(), shop.ids.s()).apply_async()
        return self.request.id

    result = (shop.echo.s(1) | sender.si()).apply_async()
    shop.run()
    [first] = result.children
    assert first.get(timeout=0) == {"id": first.id, "root": result.parent.id, "parent": result.id}


@pytest.mark.parametrize("kind", ["task", "chain", "group", "chord"])
def test_point_13_freeze_fixes_the_id_beforehand(shop: Shop, kind: str) -> None:
    canvas: Any = {
        "task": shop.echo.s(1),
        "chain": shop.echo.s(1) | shop.echo.s() | shop.echo.s(),
        "group": group(shop.echo.s(1), shop.echo.s(2)),
        "chord": chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()),
    }[kind]
    frozen = canvas.freeze()
    result = canvas.apply_async()
    shop.run()
    assert frozen.id == result.id
    assert frozen.get(timeout=0) == result.get(timeout=0)
    assert [each.id for each in frozen.parents()] == [each.id for each in result.parents()]


def test_point_13_a_request_knows_its_place(shop: Shop) -> None:
    @shop.app.task(name="place", bind=True)
    def place(self: Any, *given: Any) -> Any:
        assert self.request.chain is None
        return [self.request.group, self.request.group_index, bool(self.request.chord)]

    result = chord([place.s(), place.s()], shop.echo.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == [[result.parent.id, 0, True], [result.parent.id, 1, True]]


def test_point_15_a_member_that_retries_arrives_once_and_keeps_its_id(shop: Shop) -> None:
    attempts: list[str] = []

    @shop.app.task(name="shaky", bind=True, autoretry_for=(KeyError,), retry_kwargs={"max_retries": 3, "countdown": 0})
    def shaky(self: Any, n: int) -> int:
        attempts.append(self.request.id)
        if self.request.retries < n:
            raise KeyError(n)
        return n

    result = chord([shaky.s(n) for n in range(3)], shop.echo.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == [0, 1, 2]
    assert len(attempts) == 6
    assert set(attempts) == {member.id for member in result.parent}


@pytest.mark.parametrize("which", [0, 1, 2])
def test_point_16_a_revoked_step_ends_what_comes_after_it(shop: Shop, which: int) -> None:
    result = (shop.echo.s(1) | shop.echo.s() | shop.echo.s()).apply_async()
    handles = [result.parent.parent, result.parent, result]
    handles[which].revoke()
    shop.run()
    assert [each.state for each in handles] == ["SUCCESS"] * which + ["REVOKED"] * (3 - which)
    assert (result.ready(), result.failed(), result.successful()) == (True, False, False)
    with pytest.raises(TaskRevokedError):
        result.get(timeout=0)


def test_point_16_a_group_result_is_revoked_as_a_whole(shop: Shop) -> None:
    result = chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()).apply_async()
    result.parent.revoke()
    shop.run()
    assert [member.state for member in result.parent] == ["REVOKED", "REVOKED"]
    assert result.ready()
    assert shop.diary == []


@pytest.mark.parametrize("expires", [10, "at"])
def test_point_16_what_has_expired_in_a_chain_ends_the_rest(shop: Shop, expires: Any) -> None:
    when = datetime.fromtimestamp(shop.app.now() / 1000, UTC) + timedelta(seconds=10) if expires == "at" else expires
    result = (shop.echo.s(1).set(expires=when) | shop.echo.s()).apply_async()
    shop.app.clock.advance(11)
    shop.run()
    assert (result.ready(), result.failed(), result.successful()) == (True, False, False)
    with pytest.raises(TaskRevokedError):
        result.get(timeout=0)
    assert shop.diary == []


def test_the_expiry_of_a_later_step_counts_from_when_it_may_start(shop: Shop) -> None:
    result = (shop.echo.s(1).set(countdown=60) | shop.echo.s().set(expires=10)).apply_async()
    shop.app.clock.advance(60)
    shop.run()
    assert result.get(timeout=0) == 1


def test_point_17_a_countdown_in_the_middle_of_a_chain_counts_from_there(shop: Shop) -> None:
    result = (shop.echo.s(1) | shop.echo.s().set(countdown=30)).apply_async()
    shop.run()
    shop.app.clock.advance(29)
    shop.run()
    assert (result.state, result.ready()) == ("PENDING", False)
    shop.app.clock.advance(1)
    shop.run()
    assert result.get(timeout=0) == 1


def test_point_17_a_group_and_a_chain_may_start_at_an_eta(shop: Shop) -> None:
    when = datetime.fromtimestamp(shop.app.now() / 1000, UTC) + timedelta(seconds=60)
    members = group(shop.echo.s(1), shop.echo.s(2)).apply_async(eta=when)
    chained = (group(shop.echo.s(1), shop.echo.s(2)) | shop.total.s()).apply_async(eta=when)
    shop.run()
    assert shop.diary == []
    shop.app.clock.advance(60)
    shop.run()
    assert (members.get(timeout=0), chained.get(timeout=0)) == ([1, 2], 3)


def test_point_17_members_that_ignore_their_result_still_give_it_to_the_body(shop: Shop) -> None:
    result = chord([shop.echo.s(n).set(ignore_result=True) for n in range(3)], shop.total.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == 3
    assert [member.get(timeout=0) for member in result.parent] == [None, None, None]


def test_point_17_a_whole_canvas_may_ignore_its_results(shop: Shop) -> None:
    result = (shop.echo.s(1) | shop.add.s(1)).apply_async(ignore_result=True)
    shop.run()
    assert shop.said("add") == [(1, 1)]
    assert result.get(timeout=0) == 2


def test_point_20_the_result_of_a_group_that_a_task_returns_comes_as_a_tuple(shop: Shop) -> None:
    @shop.app.task(name="sends")
    def sends() -> Any:
        return group(shop.echo.s(1), shop.echo.s(2)).apply_async()

    result = sends.delay()
    shop.run()
    inner = result_from_tuple(result.get(timeout=0), app=shop.app)
    assert isinstance(inner, GroupResult)
    assert inner.get(timeout=0) == [1, 2]


def test_point_20_the_priority_of_a_signature_wins_inside_a_chain(shop: Shop) -> None:
    result = (shop.echo.s(1).set(priority=2) | shop.echo.s().set(priority=7)).apply_async()
    assert (result.parent.run.message.priority, result.run.message.priority) == (2, 7)


def test_with_inheritance_a_step_without_a_priority_has_that_of_the_step_before(shop: Shop) -> None:
    shop.app.conf.task_inherit_parent_priority = True
    steps = shop.echo.s(1).set(priority=2) | shop.echo.s() | shop.echo.s().set(priority=7) | shop.echo.s()
    result = steps.apply_async()
    assert [each.run.message.priority for each in (*result.parents(), result)] == [2, 2, 7, 7]
    linked = shop.echo.s(1).set(priority=3, link=shop.note.s()).apply_async()
    shop.run()
    assert linked.children[0].run.message.priority == 3


def test_results_are_plain_data_and_come_back_from_it(shop: Shop) -> None:
    result = (shop.echo.s(1) | group(shop.echo.s(), shop.echo.s()) | shop.total.s()).apply_async()
    again = result_from_tuple(result.as_tuple(), app=shop.app)
    assert again == result
    assert [each.id for each in again.parents()] == [each.id for each in result.parents()]
    assert result_from_tuple(result.parent.as_tuple(), app=shop.app) == result.parent


def test_a_group_is_saved_restored_and_deleted(shop: Shop) -> None:
    result = group(shop.echo.s(1), shop.echo.s(2) | shop.echo.s()).apply_async()
    result.save()
    shop.run()
    restored = GroupResult.restore(result.id, app=shop.app)
    assert restored == result
    assert restored is not None
    assert restored.get(timeout=0) == [1, 2]
    restored.delete()
    assert GroupResult.restore(result.id, app=shop.app) is None


def test_a_group_result_tells_how_far_it_is(shop: Shop) -> None:
    result = group(shop.echo.s(1), shop.echo.s(2).set(countdown=60), shop.fail.s()).apply_async()
    assert (result.completed_count(), result.waiting(), result.ready(), result.failed()) == (0, True, False, False)
    shop.run()
    assert (result.completed_count(), result.waiting(), result.ready(), result.failed()) == (1, True, False, True)
    assert [each.state for each in result] == ["SUCCESS", "PENDING", "FAILURE"]
    with pytest.raises(ValueError, match="no such amount"):
        result.get(timeout=0)  # at once, though one still waits
    shop.app.clock.advance(60)
    shop.run()
    assert (result.ready(), result.successful(), result.failed()) == (True, False, True)
    values = result.get(timeout=0, propagate=False)
    assert values[:2] == [1, 2]
    assert isinstance(values[2], ValueError)


def test_a_group_is_iterated_and_joined_with_a_callback(shop: Shop) -> None:
    result = group(shop.echo.s(n) for n in range(5)).apply_async()
    shop.run()
    seen: list[Any] = []
    result.join(callback=lambda id, value: seen.append((id, value)))
    assert seen == [(result[n].id, n) for n in range(5)]
    assert sorted(value["result"] for _, value in result.iter_native()) == list(range(5))
    assert len(result) == 5


def test_a_result_set_adds_and_removes(shop: Shop) -> None:
    one, two = shop.echo.delay(1), shop.echo.delay(2)
    both = shop.app.ResultSet([one])
    both.add(two)
    both.add(two)
    shop.run()
    assert both.get(timeout=0) == [1, 2]
    both.remove(one.id)
    both.discard(one)
    assert both.results == [two]
    with pytest.raises(KeyError):
        both.remove(one)
    both.clear()
    assert both.get(timeout=0) == []


def test_the_timeout_of_a_group_is_for_the_whole(shop: Shop) -> None:
    result = group(shop.echo.s(1), shop.echo.s(2)).apply_async()
    with pytest.raises(ResultTimeout):
        result.get(timeout=0)


def test_an_unknown_member_is_told_at_once(shop: Shop) -> None:
    with pytest.raises(RunNotFound):
        shop.app.ResultSet([shop.app.AsyncResult("nobody")]).get(timeout=0)


def test_a_chain_of_a_thousand_has_a_result_that_can_be_walked(shop: Shop) -> None:
    result = chain([shop.echo.s(0), *[shop.add.s(1) for _ in range(999)]]).apply_async()
    shop.run()
    assert result.get(timeout=0) == 999
    assert len(result.parents()) == 999
    assert result_from_tuple_of(result) == result.id
    failing = chain([shop.fail.s(), *[shop.echo.s() for _ in range(999)]]).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="no such amount"):
        failing.get(timeout=0)


def result_from_tuple_of(result: Any) -> str:
    found: str = result_from_tuple(result.as_tuple(), app=result.app).id
    return found


def test_without_results_a_chord_works_and_get_says_that_nothing_is_kept(shop: Shop) -> None:
    shop.app.conf.result_backend = "disabled://"
    result = chord([shop.echo.s(1), shop.echo.s(2)], shop.total.s()).apply_async()
    shop.run()
    assert shop.said("total") == [[1, 2]]
    with pytest.raises(ResultsNotKept):
        result.get(timeout=0)


def test_without_results_errbacks_are_called_in_both_styles(shop: Shop) -> None:
    shop.app.conf.result_backend = "disabled://"
    result = shop.fail.s().set(link_error=[shop.on_failed_id.s(), shop.on_failed_call.s()]).apply_async()
    shop.run()
    assert shop.said("on_failed_id") == [result.id]
    [(id, error, _)] = shop.said("on_failed_call")
    assert (id, type(error)) == (result.id, ValueError)


def test_a_graph_shows_what_came_of_a_call(shop: Shop) -> None:
    call = shop.echo.s(1)
    call.link(shop.echo.s() | shop.note.s())
    result = call.apply_async()
    shop.run()
    graph = result.graph
    assert len(graph) == 3
    assert graph.topsort()[0] == result
    assert [value for _, value in result.collect()] == [1, 1, "noted"]
    assert result.get_leaf() == "noted"
