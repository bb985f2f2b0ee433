"""What adopters' guides rely on, one test per row of the checklist (surface 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from horarium import AsyncResult, Horarium, shared_task
from horarium.app import current
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.errors import EncodingError, ResultTimeout
from horarium.testing.drain import drain


@pytest.fixture
def shop(app: Horarium) -> Iterator[Horarium]:
    app.set_current()
    yield app
    current.set_current(None)


@shared_task
def greet(who: str = "world", *, loudly: bool = False) -> str:
    return f"HELLO {who}" if loudly else f"hello {who}"


def test_a_shared_task_without_options_with_default_parameters_row_50(shop: Horarium) -> None:
    first, second = greet.delay(), greet.delay("you", loudly=True)
    drain(shop)
    assert (first.get(), second.get()) == ("hello world", "HELLO you")


def test_a_task_of_an_app_row_51(shop: Horarium) -> None:
    @shop.task(queue="slow")
    def add(x: int, y: int) -> int:
        return x + y

    result = add.delay(1, 2)
    drain(shop)
    assert (result.get(), result.queue) == (3, "slow")


def test_three_retries_an_hour_apart_end_in_the_original_error_row_52(shop: Horarium, clock: ManualClock) -> None:
    runs: list[int] = []

    def declare(app: Horarium) -> Task:
        @app.task(bind=True, max_retries=3, name="shop.charge")
        def charge(self: Task) -> None:
            runs.append(self.request.retries)
            try:
                raise ConnectionError("the bank is away")
            except ConnectionError as error:
                raise self.retry(exc=error, countdown=3600) from error

        return charge

    result = declare(shop).delay()
    drain(shop)
    clock.advance(3599)
    assert drain(shop) == []
    for _ in range(3):
        clock.advance(3600)
        restarted = Horarium("shop", engine=shop.engine, clock=clock, set_as_current=False)
        declare(restarted)
        assert len(drain(restarted)) == 1
        assert drain(restarted) == []
    assert runs == [0, 1, 2, 3]
    with pytest.raises(ConnectionError, match="the bank is away"):
        result.get()


def test_autoretry_with_a_delay_row_53(shop: Horarium, clock: ManualClock) -> None:
    @shop.task(bind=True, default_retry_delay=60, autoretry_for=(OSError,))
    def fetch(self: Task) -> int:
        if not self.request.retries:
            raise OSError("away")
        return self.request.retries

    result = fetch.delay()
    drain(shop)
    clock.advance(59)
    assert drain(shop) == []
    clock.advance(1)
    drain(shop)
    assert result.get() == 1


def test_both_time_limits_are_taken_row_55(shop: Horarium) -> None:
    @shop.task(time_limit=300, soft_time_limit=270)
    def long() -> None: ...

    assert (long.time_limit, long.soft_time_limit) == (300, 270)


def test_a_name_need_not_be_the_modules_rows_56_and_57(shop: Horarium) -> None:
    @shop.task(name="billing.invoices.send")
    def send() -> None: ...

    assert shop.tasks["billing.invoices.send"] is send
    assert greet.name == f"{__name__}.greet"


def test_annotated_parameters_and_dicts_come_and_go_row_58(shop: Horarium) -> None:
    @shop.task
    def report(user_id: int, names: list[str], since: datetime | None = None) -> dict[str, Any]:
        return {"status": "done", "user": user_id, "names": names, "since": since}

    since = datetime(2026, 1, 2, tzinfo=UTC)
    result = report.delay(7, ["a", "b"], since=since)
    drain(shop)
    assert result.get() == {"status": "done", "user": 7, "names": ["a", "b"], "since": since}


def test_ints_strings_and_lists_of_ids_are_arguments_row_59(shop: Horarium) -> None:
    @shop.task
    def archive(ids: list[int], reason: str, limit: int) -> list[Any]:
        return [ids, reason, limit]

    result = archive.delay([1, 2], "old", 3)
    drain(shop)
    assert result.get() == [[1, 2], "old", 3]


def test_an_object_is_refused_at_the_call_by_its_path_row_60(shop: Horarium) -> None:
    class User:
        """Stands for a model instance."""

    @shop.task
    def mail(user: Any) -> None: ...

    with pytest.raises(EncodingError, match=r"args\[0\]"):
        mail.delay(User())
    with pytest.raises(EncodingError, match="kwargs"):
        mail.apply_async(kwargs={"user": User()})


def test_a_task_that_raises_is_failed_with_its_traceback_row_63(shop: Horarium) -> None:
    @shop.task
    def upload() -> None:
        raise PermissionError("bucket")

    result = upload.delay()
    drain(shop)
    assert (result.state, result.failed()) == ("FAILURE", True)
    assert "PermissionError: bucket" in str(result.traceback)


def test_a_direct_call_returns_the_value_without_a_store_row_64() -> None:
    assert greet("me") == "hello me"


def test_delay_takes_positional_and_keyword_arguments_row_65(shop: Horarium) -> None:
    result = greet.delay("me", loudly=True)
    drain(shop)
    assert result.get() == "HELLO me"


def test_apply_async_takes_args_and_a_countdown_row_66(shop: Horarium, clock: ManualClock) -> None:
    result = greet.apply_async(args=["later"], countdown=60)
    clock.advance(59)
    assert drain(shop) == []
    clock.advance(1)
    drain(shop)
    assert result.get() == "hello later"


def test_a_naive_eta_is_utc_and_fires_once_row_67(shop: Horarium, clock: ManualClock) -> None:
    now = datetime.fromtimestamp(clock.now() / 1000, UTC).replace(tzinfo=None)
    result = greet.apply_async(args=[], eta=now + timedelta(hours=1))
    clock.advance(3599)
    assert drain(shop) == []
    clock.advance(1)
    assert (len(drain(shop)), drain(shop), result.get()) == (1, [], "hello world")


def test_the_handle_says_id_ready_result_and_waits_so_long_row_68(shop: Horarium) -> None:
    result = greet.delay()
    assert (isinstance(result.id, str), result.ready(), result.result) == (True, False, None)
    with pytest.raises(ResultTimeout):
        result.get(timeout=0)
    drain(shop)
    assert (result.ready(), result.result, result.get(), result.get(timeout=300)) == (True, *["hello world"] * 3)
    assert AsyncResult(result.id, app=shop).get(timeout=10) == "hello world"


def test_a_coroutine_sends_and_waits_without_blocking_row_69(shop: Horarium) -> None:
    async def view() -> Any:
        result = await greet.adelay("async")
        await asyncio.to_thread(drain, shop)
        return await result.aget(timeout=10)

    assert asyncio.run(view()) == "hello async"
