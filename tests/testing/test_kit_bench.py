"""The kit without pytest's fixtures: context managers, the mixin of unittest, and what its parts promise."""

from __future__ import annotations

import asyncio
import gc
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread, get_ident
from unittest.mock import ANY
from weakref import ref

import pytest

from horarium import Horarium, current_app, shared_task
from horarium.app import current
from horarium.errors import EncodingError, InvalidArguments, SoftTimeLimitExceeded, TimeLimitExceeded
from horarium.testing import (
    NeverIdle,
    ThreadWorker,
    UsesHorarium,
    assert_enqueued,
    captured,
    celery,
    eager,
    enqueued,
    run_until_idle,
    start_worker,
)


@dataclass
class Order:
    number: int


@shared_task
def note(value: object) -> object:
    return value


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("shop", store="sqlite:////nowhere/at/all.db") as app:
        yield app
        assert not app.connection.is_open  # the kit never touches the real store


def test_captured_keeps_calls_until_they_are_run(app: Horarium) -> None:
    """Row 137: no broker, no worker, and the real road."""
    with captured(app) as bench:
        assert current_app() is app
        handle = note.delay(7)
        bench.assert_enqueued(note, args=[7], count=1)
        assert handle.state == "PENDING"
        assert bench.run_until_idle() == [handle]
        assert handle.get() == 7


def test_eager_runs_calls_before_they_return_and_what_they_set_off(app: Horarium) -> None:
    """Row 46, TE1: as task_always_eager is meant, but stored, claimed, performed and settled."""
    order: list[str] = []

    @app.task
    def first() -> str:
        second.delay()
        order.append("first")
        return "one"

    @app.task
    def second() -> None:
        order.append("second")

    with eager(app) as bench:
        handle = first.apply_async(link=note.si("linked"))
        assert (handle.state, order) == ("SUCCESS", ["first", "second"])
        assert [sent.task for sent in bench.enqueued()] == [first.name, second.name, note.name]
        assert {sent.state for sent in bench.enqueued()} == {"SUCCESS"}
        later = note.apply_async([1], countdown=60)
        assert later.state == "PENDING"
    with eager(app, advance=True):
        assert note.apply_async([1], countdown=60).state == "SUCCESS"


def test_the_road_is_the_real_one(app: Horarium) -> None:
    """TE1: what eager mode hides: encoding, type hints, the check of arguments."""

    @app.task
    def ship(order: Order) -> str:
        return type(order).__name__

    with eager(app):
        assert ship.delay(Order(7)).get() == "Order"
        with pytest.raises(EncodingError, match=r"args\[0\]"):
            note.delay(object())
        with pytest.raises(InvalidArguments):
            ship.delay()


def test_always_eager_contacts_no_store_row_46(app: Horarium) -> None:
    """Celery's setting as it is; ``captured`` switches it off, or there would be nothing to see."""
    app.conf.task_always_eager = True
    app.set_current()
    try:
        assert note.delay(3).get() == 3
        with captured(app) as bench:
            assert note.delay(4).state == "PENDING"
            bench.assert_enqueued(note, args=[4])
        assert app.conf.task_always_eager is True
    finally:
        current.set_current(None)


def test_apps_of_the_kit_are_let_go(app: Horarium) -> None:
    with captured(app), start_worker(app):
        note.delay(1).get(timeout=10)
    made = [celery.TestApp(f"app{number}") for number in range(3)]
    for each in made:
        with captured(each) as bench:
            bench.run_until_idle()
    left = [ref(each) for each in made]
    del made, each, bench
    gc.collect()
    assert [each() for each in left] == [None] * 3


def test_a_task_called_directly_needs_no_app_and_no_store() -> None:
    """Row 64."""
    assert note(3) == 3


def test_limits_are_enforced_in_the_calling_thread(app: Horarium) -> None:
    @app.task(soft_time_limit=0.05)
    def softly() -> None:
        while True:
            pass

    @app.task(time_limit=0.05)
    def hard() -> None:
        while True:
            pass

    with captured(app):
        with pytest.raises(SoftTimeLimitExceeded):
            softly.delay().get()
        with pytest.raises(TimeLimitExceeded):
            hard.delay().get()


def test_runs_share_the_threads_of_the_test(app: Horarium) -> None:
    """So they see its database transaction, and a debugger stops in them."""

    @app.task
    def where() -> int:
        return get_ident()

    with captured(app):
        assert where.delay().get() == get_ident()


def test_async_tests_may_drive_and_wait(app: Horarium) -> None:
    @app.task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    async def test() -> tuple[int, int, int]:
        one = double.delay(1)
        run_until_idle(app)
        two = await double.apply_async([2]).aget(timeout=10)
        with start_worker(app):
            three = await double.apply_async([3]).aget(timeout=10)
        return one.get(), two, three

    with captured(app):
        assert asyncio.run(test()) == (2, 4, 6)


def test_calls_from_other_threads_go_to_the_app_under_test(app: Horarium) -> None:
    """As those of a web framework's test client, which runs its handlers in threads."""
    Horarium("another", store="sqlite:////nowhere/at/all.db")
    with captured(app) as bench:
        thread = Thread(target=note.delay, args=("from a handler",))
        thread.start()
        thread.join()
        bench.assert_enqueued(note, args=["from a handler"])


def test_a_handler_that_waits_for_a_result_gets_it_in_its_thread(app: Horarium) -> None:
    answers: list[object] = []
    with captured(app):
        thread = Thread(target=lambda: answers.append(note.delay("x").get(timeout=10)))
        thread.start()
        thread.join()
    assert answers == ["x"]


def test_arguments_are_compared_after_their_road(app: Horarium) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with captured(app):
        note.delay(Order(7))
        note.delay((1, moment))
        assert_enqueued(note, args=[Order(7)], count=1)
        assert_enqueued(note, args=[(1, moment)], count=1)
        assert len(assert_enqueued(note, args=[ANY])) == 2
        with pytest.raises(AssertionError, match=r"args: expected 2 of them, got 1"):
            assert_enqueued(note, args=[1, 2])
        with pytest.raises(AssertionError, match=r"kwargs: expected value=1, got no value"):
            assert_enqueued(note, kwargs={"value": 1})


def test_what_was_enqueued_is_listed_in_order_and_as_it_was_sent(app: Horarium) -> None:
    @app.task(bind=True)
    def again(self, n: int) -> int:  # type: ignore[no-untyped-def]  # as users write it
        if self.request.retries == 0:
            raise self.retry(countdown=5, args=[n + 1])
        return n

    with captured(app, frozen=True) as bench:
        for number in range(20):
            note.delay(number)
        handle = again.delay(1)
        bench.run_until_idle(advance=True)
        assert [sent.args[0] for sent in bench.enqueued(note)] == list(range(20))
        [sent] = enqueued(app, again)
        assert (sent.args, sent.eta, sent.countdown, sent.state) == ((1,), None, None, "SUCCESS")
        assert handle.get() == 2


def test_a_task_that_waits_for_another_one_gets_it(app: Horarium) -> None:
    @app.task
    def outer() -> object:
        return note.delay("inner").get(disable_sync_subtasks=False)

    with captured(app):
        assert outer.delay().get() == "inner"


def test_a_worker_that_cannot_stop_names_the_task(app: Horarium) -> None:
    begun, end = Event(), Event()

    @app.task
    def slow() -> None:
        begun.set()
        assert end.wait(30)

    with captured(app):
        worker = ThreadWorker(app)
        worker.start()
        slow.delay()
        assert begun.wait(10)
        with pytest.raises(NeverIdle, match=r"idle within 0.05 s[^$]*test_kit_bench\.slow"):
            run_until_idle(app, timeout=0.05)
        with pytest.raises(RuntimeError, match=r"test_kit_bench\.slow"):
            worker.stop(0.05)
        end.set()
        worker.stop()


def test_a_worker_hears_that_a_run_is_terminated(app: Horarium) -> None:
    begun = Event()

    @app.task
    def endless() -> None:
        begun.set()
        while True:
            pass

    with captured(app), start_worker(app):
        handle = endless.delay()
        assert begun.wait(10)
        handle.revoke(terminate=True)
        handle.get(timeout=10, propagate=False)
        assert handle.state == "REVOKED"


def test_a_worker_with_queues_serves_only_those(app: Horarium) -> None:
    with captured(app) as bench, start_worker(app, queues=("first",)):
        other = note.apply_async([1], queue="second")
        assert note.apply_async([2], queue="first").get(timeout=10) == 2
        assert other.state == "PENDING"
        assert bench.enqueued()[0].queue == "second"


def test_nothing_is_left_of_the_kit_afterwards(app: Horarium) -> None:
    import threading

    before = set(threading.enumerate())
    with eager(app), captured(app), start_worker(app):
        assert note.delay(1).get(timeout=10) == 1
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread.name
    assert app.producer.after_sending is None


class WithTheMixin(UsesHorarium, unittest.TestCase):
    """Row 137."""

    horarium_app = Horarium("unit", store="sqlite:////nowhere/at/all.db", set_as_current=False)

    def test_a_call_is_kept(self) -> None:
        handle = note.delay(1)
        self.horarium.assert_enqueued(note, args=[1], count=1)
        self.horarium.run_until_idle()
        self.assertEqual(handle.get(), 1)


class WithTheEagerMixin(UsesHorarium, unittest.TestCase):
    horarium_app = WithTheMixin.horarium_app
    horarium_eager = True

    def test_a_call_is_run(self) -> None:
        self.assertEqual(note.delay(1).state, "SUCCESS")


def test_code_that_closes_the_app_stays_on_the_tests_store(app: Horarium) -> None:
    with captured(app) as bench:
        note.delay(1)
        app.close()
        note.delay(2)
        assert [sent.args[0] for sent in bench.enqueued()] == [1, 2]
