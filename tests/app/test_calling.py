"""From a call to a stored message: what is checked, what is filled in, what is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from horarium.app.app import Horarium
from horarium.clock import ManualClock, to_instant
from horarium.errors import (
    AlreadyRegistered,
    EncodingError,
    ImproperlyConfigured,
    InvalidArguments,
    NotRegistered,
    PayloadTooLarge,
)
from horarium.testing.drain import drain


def add(x: int, y: int = 1) -> int:
    return x + y


class Order:
    """Something that JSON cannot say."""


def test_a_call_is_stored_and_its_result_can_be_read(app: Horarium) -> None:
    task = app.task(add)
    result = task.delay(2, y=3)
    assert (result.state, result.exists(), result.ready()) == ("PENDING", True, False)
    drain(app)
    assert (result.state, result.get(), result.successful()) == ("SUCCESS", 5, True)


def test_a_task_is_named_after_its_module_and_function(app: Horarium) -> None:
    assert app.task(add).name == f"{__name__}.add"


def test_a_task_of_the_main_module_is_named_after_the_app(app: Horarium) -> None:
    def scrape() -> None: ...

    scrape.__module__ = "__main__"
    assert app.task(scrape).name == "shop.scrape"


def test_calling_a_task_runs_the_function_without_a_store() -> None:
    app = Horarium("shop", store="sqlite:////nowhere/at/all.db", set_as_current=False)
    assert app.task(add)(1, y=2) == 3
    assert not app.connection.is_open


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1, 2), {"y": 3}), ((), {"y": 1})]
)
def test_a_call_that_does_not_fit_the_function_is_refused_at_once(
    app: Horarium, args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    task = app.task(add)
    with pytest.raises(InvalidArguments, match=r"expected a call of .*add\(x: "):
        task.delay(*args, **kwargs)
    assert app.engine.inspector.counts().states == {}


def test_typing_false_leaves_the_check_to_the_worker(app: Horarium) -> None:
    result = app.task(typing=False)(add).delay(1, 2, 3)
    drain(app)
    assert result.state == "FAILURE"
    with pytest.raises(TypeError):
        result.get()


def test_an_argument_that_json_cannot_say_is_named_by_its_path(app: Horarium) -> None:
    with pytest.raises(EncodingError, match=r"args\[0\]\.orders\[1\]|args\[0\]\[.orders.\]\[1\]"):
        app.task(add).delay({"orders": [1, Order()]})


def test_a_payload_over_the_limit_is_refused(app: Horarium) -> None:
    app.conf.max_payload_bytes = 1000
    task = app.task(add)
    with pytest.raises(PayloadTooLarge) as caught:
        task.delay("x" * 1000)
    assert caught.value.limit_bytes == 1000


def test_dates_and_decimals_arrive_as_what_they_were(app: Horarium) -> None:
    seen: list[object] = []

    @app.task
    def keep(moment: datetime, wait: timedelta) -> None:
        seen.extend((moment, wait))

    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    keep.delay(moment, timedelta(minutes=2))
    drain(app)
    assert seen == [moment, timedelta(minutes=2)]


def test_countdown_and_eta_hold_a_run_back(app: Horarium, clock: ManualClock) -> None:
    task = app.task(add)
    later = task.apply_async((1,), countdown=60)
    naive_utc = task.apply_async((1,), eta=datetime(2026, 1, 1, 1))  # one hour after the clock's start
    drain(app)
    assert (later.state, naive_utc.state) == ("PENDING", "PENDING")
    clock.advance(60)
    drain(app)
    assert (later.state, naive_utc.state) == ("SUCCESS", "PENDING")
    clock.advance(3540)
    drain(app)
    assert naive_utc.state == "SUCCESS"


def test_an_expired_run_is_not_started(app: Horarium, clock: ManualClock) -> None:
    result = app.task(add).apply_async((1,), expires=10)
    clock.advance(11)
    drain(app)
    assert result.state == "EXPIRED"


def test_the_same_task_id_never_makes_a_second_run(app: Horarium) -> None:
    task = app.task(add)
    first = task.apply_async((1,), task_id="order-1")
    task.apply_async((5,), task_id="order-1")
    assert len(drain(app)) == 1
    task.apply_async((7,), task_id="order-1")
    assert (drain(app), first.get()) == ([], 2)


def test_options_come_from_the_call_then_the_task_then_the_settings(app: Horarium) -> None:
    app.conf.task_default_queue = "slow"
    task = app.task(add)
    quick = app.task(queue="quick", priority=9, name="quick")(add)
    messages = [app.engine.results.read([r.id])[0] for r in (task.delay(1), quick.delay(1))]
    assert [(run.message.queue, run.message.priority) for run in messages if run] == [("slow", 5), ("quick", 9)]
    run = quick.apply_async((1,), queue="other", priority=0).run
    assert run is not None
    assert (run.message.queue, run.message.priority) == ("other", 0)


def test_settings_changed_after_the_declaration_count(app: Horarium) -> None:
    task = app.task(add)
    task.delay(1)
    app.conf.task_default_queue = "elsewhere"
    assert task.delay(1).queue == "elsewhere"


def test_routes_choose_the_queue_by_name_and_by_pattern(app: Horarium) -> None:
    app.conf.task_routes = {"app.heavy": {"queue": "heavy"}, "mail.*": {"queue": "notifications"}}
    queues = [app.send_task(name).queue for name in ("app.heavy", "mail.send", "app.light")]
    assert queues == ["heavy", "notifications", "default"]


@pytest.mark.parametrize("priority", [-1, 10, "high"])
def test_a_priority_outside_0_to_9_is_refused(app: Horarium, priority: int) -> None:
    with pytest.raises(InvalidArguments, match=r"0 \(last\) to 9 \(first\)"):
        app.task(add).apply_async((1,), priority=priority)


def test_an_unknown_call_option_is_refused_with_the_nearest_name(app: Horarium) -> None:
    with pytest.raises(InvalidArguments, match="did you mean 'countdown'"):
        app.task(add).apply_async((1,), count_down=3)


@pytest.mark.parametrize(
    "options",
    [
        {"countdown": "3"},
        {"eta": "tomorrow"},
        {"expires": "soon"},
        {"time_limit": "3"},
        {"time_limit": 0},
        {"soft_time_limit": -1},
        {"queue": 5},
        {"queue": ""},
        {"headers": ["a"]},
        {"ignore_result": "no"},
        {"max_retries": -1},
        {"retry": "yes"},
        {"acks_late": 1},
    ],
    ids=str,
)
def test_a_call_option_of_a_wrong_kind_is_refused_by_its_name(app: Horarium, options: dict[str, object]) -> None:
    task = app.task(add)
    [name] = options
    with pytest.raises(InvalidArguments, match=f"expected {name} of .* to be .*, got "):
        task.apply_async((1,), **options)  # type: ignore[arg-type]
    with pytest.raises(InvalidArguments, match=f"expected {name} of "):
        app.send_many([(task, (1,), {}, options)])


@pytest.mark.parametrize(("args", "kwargs"), [("ab", {}), (5, {}), ((), ["x"])])
def test_what_is_no_list_of_arguments_is_refused(app: Horarium, args: object, kwargs: object) -> None:
    with pytest.raises(InvalidArguments, match=r"expected (kw)?args of "):
        app.send_task("shop.add", args or None, kwargs or None)  # type: ignore[arg-type]


def test_a_link_that_is_no_signature_is_refused(app: Horarium) -> None:
    task = app.task(add)
    for link in ("shop.add", task, [task]):
        with pytest.raises(InvalidArguments, match=r"pass task\.s"):
            task.apply_async((1,), link=link)  # type: ignore[arg-type]


def test_many_calls_are_refused_when_one_is_no_call(app: Horarium) -> None:
    with pytest.raises(InvalidArguments, match="expected a call to be a signature"):
        app.send_many([app.task(add).s(1), 5])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "options",
    [
        {"time_limit": "3"},
        {"time_limit": -3},
        {"soft_time_limit": timedelta(seconds=3)},
        {"max_retries": "3"},
        {"default_retry_delay": "x"},
        {"retry_backoff": "x"},
        {"retry_backoff_max": -1},
        {"autoretry_for": ("OSError",)},
        {"throws": 5},
        {"queue": ""},
        {"priority": "5"},
        {"expires": "x"},
        {"acks_late": "yes"},
    ],
    ids=str,
)
def test_a_task_option_of_a_wrong_kind_is_refused_by_its_name(app: Horarium, options: dict[str, object]) -> None:
    [name] = options
    with pytest.raises(ImproperlyConfigured, match=f"expected {name} of .*add to be .*, got "):
        app.task(**options)(add)


def test_one_exception_class_is_as_good_as_a_tuple_of_one(app: Horarium) -> None:
    task = app.task(autoretry_for=OSError, throws=[KeyError])(add)
    assert (task.autoretry_for, task.throws) == ((OSError,), (KeyError,))


def test_a_soft_limit_above_the_hard_one_is_refused(app: Horarium) -> None:
    with pytest.raises(InvalidArguments, match="soft_time_limit") as caught:
        app.task(add).apply_async((1,), soft_time_limit=5, time_limit=3)
    assert isinstance(caught.value, ValueError)  # as in Celery
    with pytest.raises(ImproperlyConfigured, match="soft_time_limit"):
        app.task(soft_time_limit=5, time_limit=3, name="other")(add)


def test_an_unknown_task_option_is_refused_with_the_nearest_name(app: Horarium) -> None:
    with pytest.raises(ImproperlyConfigured, match="did you mean 'max_retries'"):
        app.task(max_retry=3)(add)


def test_two_functions_cannot_have_one_name(app: Horarium) -> None:
    app.task(name="one")(add)
    with pytest.raises(AlreadyRegistered, match="one"):
        app.task(name="one")(lambda: None)


def test_asking_for_an_unknown_task_names_the_nearest(app: Horarium) -> None:
    app.task(name="shop.charge")(add)
    with pytest.raises(NotRegistered, match=r"did you mean 'shop\.charge'"):
        app.tasks["shop.chrage"]


def test_many_calls_are_sent_at_once(app: Horarium) -> None:
    task = app.task(add)
    results = app.send_many([task.s(1), (task, (2,)), (task.name, (3,), {"y": 4}), (task, (4,), {}, {"priority": 9})])
    drain(app)
    assert [result.get() for result in results] == [2, 3, 7, 5]


def test_one_bad_call_among_many_stores_none(app: Horarium) -> None:
    task = app.task(add)
    with pytest.raises(InvalidArguments):
        app.send_many([task.s(1), task.s(1, 2, 3)])
    assert app.engine.inspector.counts().states == {}


def test_a_call_inside_a_task_knows_its_parent_and_root(app: Horarium) -> None:
    child = app.task(add)

    @app.task
    def parent() -> str:
        return child.delay(1).id

    result = parent.delay()
    drain(app)
    sent = app.AsyncResult(result.get())
    assert sent.parent == result
    assert result.children == [sent]
    assert sent.run is not None
    assert sent.run.message.root == result.id


def test_the_awaitable_twins_do_the_same(app: Horarium) -> None:
    task = app.task(add)

    async def calls() -> list[int]:
        one = await task.adelay(1)
        two = await task.aapply_async((2,), {"y": 3}, priority=9)
        many = await app.asend_many([task.s(5)])
        await asyncio.to_thread(drain, app)
        return [await result.aget(timeout=5) for result in (one, two, *many)]

    assert asyncio.run(calls()) == [2, 5, 6]


def test_always_eager_runs_the_call_in_place(app: Horarium) -> None:
    app.conf.task_always_eager = True
    assert app.task(add).delay(1, 2).get() == 3
    assert app.engine.inspector.counts().states == {}


def test_headers_travel_and_can_be_read_by_the_task(app: Horarium) -> None:
    @app.task(bind=True)
    def who(self: object) -> str:
        return self.request.tenant  # type: ignore[attr-defined]

    result = who.apply_async(headers={"tenant": "acme"})
    drain(app)
    assert result.get() == "acme"


def test_an_eta_in_a_zone_is_the_instant_it_names(app: Horarium) -> None:
    zone_time = datetime(2026, 6, 1, 9, tzinfo=datetime.now().astimezone().tzinfo)
    run = app.task(add).apply_async((1,), eta=zone_time).run
    assert run is not None
    assert run.message.eta == to_instant(zone_time)


def test_the_check_agrees_with_python_for_every_kind_of_parameter(app: Horarium) -> None:
    def every_kind(a, /, b, c=1, *, d, e=2): ...  # type: ignore[no-untyped-def]

    task = app.task(every_kind)
    calls: list[tuple[tuple[int, ...], dict[str, int]]] = [
        ((), {"b": 1, "d": 1}),
        ((1, 2), {}),
        ((1,), {"d": 1}),
        ((1, 2), {"d": 1}),
        ((1,), {"b": 2, "d": 1}),
        ((1, 2, 3, 4), {"d": 1}),
        ((1, 2), {"d": 1, "b": 2}),
        ((1, 2), {"d": 1, "z": 2}),
    ]
    for args, kwargs in calls:
        try:
            every_kind(*args, **kwargs)
            fits = True
        except TypeError:
            fits = False
        if fits:
            task.arguments.check(args, kwargs)
        else:
            with pytest.raises(InvalidArguments):
                task.arguments.check(args, kwargs)


@pytest.mark.parametrize("id", ["", "x" * 201, "two\nlines", 7])
def test_an_id_that_cannot_be_one_is_refused(app: Horarium, id: str) -> None:
    with pytest.raises(InvalidArguments, match="task_id"):
        app.task(add).apply_async((1,), task_id=id)
