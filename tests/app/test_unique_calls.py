"""Unique calls, debounced ones, and slots: what becomes of the arguments."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from horarium import Horarium, chain, chord, group
from horarium.clock import ManualClock
from horarium.errors import ImproperlyConfigured, InvalidArguments
from horarium.message import Slot
from horarium.outcome import State
from horarium.testing import drain


def declared(app: Horarium, **options: Any) -> Any:
    return app.task(name="sync", **options)(_sync)


def _sync(user: int, depth: int = 1, *more: int, mode: str = "full") -> list[Any]:
    return [user, depth, mode]


def test_a_second_call_is_the_first_ones_run_row_ld8(app: Horarium) -> None:
    sync = declared(app, unique_for=60)
    first, second = sync.delay(1), sync.delay(1)
    assert second.id == first.id
    assert (first.is_new, second.is_new) == (True, False)
    assert sync.delay(2).is_new
    drain(app)
    assert second.get(timeout=5) == [1, 1, "full"]


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1, 1), {}), ((), {"user": 1}), ((1,), {"mode": "full"}), ((), {"depth": 1, "user": 1})]
)
def test_one_call_written_in_two_ways_is_one_call(app: Horarium, args: tuple[int, ...], kwargs: dict[str, Any]) -> None:
    sync = declared(app, unique_for=60)
    first = sync.delay(1)
    assert sync.delay(*args, **kwargs).id == first.id


def test_a_key_is_free_when_the_run_has_ended_or_its_time_has_passed(app: Horarium, clock: ManualClock) -> None:
    sync = declared(app, unique_for=60)
    first = sync.delay(1)
    drain(app)
    second = sync.delay(1)
    assert second.is_new
    clock.advance(61)
    third = sync.delay(1)
    assert third.is_new
    assert len({first.id, second.id, third.id}) == 3


def test_until_start_lets_the_next_one_wait_while_the_first_one_runs(app: Horarium) -> None:
    seen: list[bool] = []

    @app.task(name="again", unique_until="start", bind=True)
    def again(self: Any) -> None:
        if not seen:
            seen.append(self.delay().is_new)

    again.delay()
    drain(app)
    assert seen == [True]


def test_until_done_holds_while_it_runs(app: Horarium) -> None:
    seen: list[bool] = []

    @app.task(name="again", unique_until="done", bind=True)
    def again(self: Any) -> None:
        seen.append(self.delay().is_new)

    again.delay()
    drain(app)
    assert seen == [False]


@pytest.mark.parametrize("key", ["user-{user}", ["user"], lambda user, *_, **__: user])
def test_a_key_may_look_at_some_arguments_only(app: Horarium, key: Any) -> None:
    sync = declared(app, unique_key=key)
    first = sync.delay(1, 2)
    assert sync.delay(user=1, depth=5).id == first.id
    assert sync.delay(2).is_new


def test_a_function_that_gives_no_key_lets_the_call_be_one_of_many(app: Horarium) -> None:
    sync = declared(app, unique_key=lambda user, **_: None if user < 0 else user)
    assert sync.delay(-1).id != sync.delay(-1).id


def test_keys_of_two_tasks_do_not_meet(app: Horarium) -> None:
    one = app.task(name="one", unique_key="{user}")(lambda user: None)
    two = app.task(name="two", unique_key="{user}")(lambda user: None)
    one.delay(1)
    assert two.delay(1).is_new


@pytest.mark.parametrize("key", ["{nobody}", ["nobody"]])
def test_a_key_that_asks_for_an_argument_which_is_not_there_is_refused_at_the_call(app: Horarium, key: Any) -> None:
    sync = declared(app, unique_key=key)
    with pytest.raises(InvalidArguments, match=r"unique_key of sync to name arguments .*depth, mode, user.*nobody"):
        sync.delay(1)


def test_a_call_may_be_unique_by_itself_also_of_a_task_that_is_not_known_here(app: Horarium) -> None:
    first = app.send_task("far.away", [1], unique_key="import", unique_for=60)
    assert app.send_task("far.away", [2], unique_key="import").id == first.id
    assert app.send_task("far.away", [2]).is_new


def test_of_many_calls_in_one_step_each_is_told_which_run_it_has(app: Horarium) -> None:
    sync = declared(app, unique_for=60)
    one, two, other = app.send_many([sync.s(1), sync.s(1), sync.s(2)])
    assert (one.is_new, two.is_new, other.is_new) == (True, False, True)
    assert two.id == one.id != other.id


def test_of_two_threads_one_is_first(app: Horarium) -> None:
    sync = declared(app, unique_for=60)
    sent: list[Any] = []
    threads = [threading.Thread(target=lambda: sent.append(sync.delay(1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({result.id for result in sent}) == 1
    assert sum(result.is_new for result in sent) == 1


def test_a_retry_keeps_the_key(app: Horarium, clock: ManualClock) -> None:
    @app.task(name="flaky", bind=True, unique_for=3600, default_retry_delay=10)
    def flaky(self: Any) -> None:
        self.retry()

    first = flaky.delay()
    drain(app)
    assert first.state == State.RETRY
    assert flaky.delay().id == first.id


def test_members_of_a_group_are_unique_too(app: Horarium) -> None:
    sync = declared(app, unique_for=60)
    first = sync.delay(1)
    sent = group(sync.si(1), sync.si(2)).apply_async()
    assert sent.results[0].id == first.id
    assert [result.is_new for result in sent.results] == [False, True]
    drain(app)
    assert sent.get(timeout=5) == [[1, 1, "full"], [2, 1, "full"]]


@pytest.mark.parametrize("canvas", [lambda s: chain(s.si(1), s.si(2)), lambda s: chord([s.si(1)], s.si(2))])
def test_a_step_that_others_wait_for_is_stored_in_any_case(app: Horarium, canvas: Callable[[Any], Any]) -> None:
    sync = declared(app, unique_for=60)
    first = sync.delay(1)
    result = canvas(sync).apply_async()
    drain(app)
    assert first.state == State.SUCCESS
    assert result.get(timeout=5) == [2, 1, "full"]


def test_a_link_is_unique_too(app: Horarium) -> None:
    sync = declared(app, unique_for=60)
    first = sync.delay(1)
    parent = app.task(name="parent")(lambda: None)
    parent.apply_async(link=sync.si(1), priority=9)
    drain(app, limit=2)
    assert first.state == State.SUCCESS


def test_a_debounced_call_takes_the_place_of_the_one_that_waits(app: Horarium, clock: ManualClock) -> None:
    seen: list[int] = []
    index = app.task(name="index", debounce=5, unique_key="{document}")(lambda document, version: seen.append(version))
    first = index.delay(1, 1)
    clock.advance(4)
    second = index.delay(1, 2)
    assert second.id == first.id
    assert not second.is_new
    clock.advance(4)
    drain(app)
    assert seen == []  # the second has put it off
    clock.advance(1.1)
    drain(app)
    assert seen == [2]


def test_a_key_of_concurrency_becomes_a_slot(app: Horarium) -> None:
    sync = declared(app, concurrency=2, concurrency_key="customer:{user}")
    run = sync.delay(7).run
    assert run is not None
    assert run.message.slot == Slot(key="customer:7", size=2)
    (member,) = group(sync.si(8)).apply_async().results
    assert member.run.message.slot == Slot(key="customer:8", size=2)


def test_a_slot_that_needs_the_result_of_another_run_is_refused_at_the_call(app: Horarium) -> None:
    sync = declared(app, concurrency=1, concurrency_key="{user}")
    with pytest.raises(InvalidArguments, match="result of the step before"):
        chain(sync.s(1), sync.s()).apply_async()


def test_a_slot_whose_arguments_are_passed_by_name_goes_with_a_link(app: Horarium) -> None:
    sync = declared(app, concurrency=1, concurrency_key="{mode}")
    result = chain(sync.si(1), sync.s(mode="x")).apply_async()
    run = result.run
    assert run is not None
    assert run.message.slot == Slot(key="x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_limit": "10/d"},
        {"rate_limit": -1},
        {"rate_limit_scope": "queue"},
        {"rate_limit_burst": 0},
        {"concurrency": 0},
        {"concurrency_key": "x"},
        {"unique_for": 0},
        {"unique_until": "end"},
        {"unique_key": 7},
        {"debounce": -1},
    ],
)
def test_what_is_wrong_in_a_declaration_is_refused_there(app: Horarium, wrong: dict[str, Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"{next(iter(wrong))}"):
        declared(app, **wrong)
    with pytest.raises(ImproperlyConfigured):
        app.task(name="n", rate_limit="fast")(lambda: None)
