"""Groups and chords of generators: they are sent as they yield, and nothing of them is kept. Point 12."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from canvas_words import Shop

from horarium import chord, group
from horarium.app.producer import PUBLISH_BATCH
from horarium.errors import EncodingError, InvalidArguments
from horarium.message import Message

MANY = 30_000
MOST_BYTES = 12_000_000  # 120 bytes a member; their messages alone would take 500 each


class CountingQueue:
    """The queue of an engine that counts and forgets what it is given: a store that is somewhere else."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.count = 0
        self.largest = 0

    def put(self, messages: Any, **options: Any) -> list[bool]:
        self.count += len(messages)
        self.largest = max(self.largest, len(messages))
        return [True] * len(messages)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


@pytest.fixture
def far(shop: Shop) -> CountingQueue:
    queue = CountingQueue(shop.app.engine.queue)
    shop.app.engine.queue = queue
    return queue


def calls(shop: Shop, number: int) -> Iterator[Any]:
    return (shop.echo.s(n) for n in range(number))


def test_point_12_the_first_task_has_run_before_the_last_is_made(shop: Shop) -> None:
    def tasks() -> Iterator[Any]:
        for n in range(PUBLISH_BATCH + 1):
            if n == PUBLISH_BATCH:
                shop.run()
                assert len(shop.diary) == PUBLISH_BATCH
            yield shop.echo.s(n)

    result = chord(tasks(), shop.total.s()).apply_async()
    assert shop.counts["total"] == 0
    shop.run()
    assert result.get(timeout=0) == sum(range(PUBLISH_BATCH + 1))


@pytest.mark.parametrize("number", [0, 1, 2, PUBLISH_BATCH, 2 * PUBLISH_BATCH + 7])
def test_a_streamed_chord_is_as_any_other(shop: Shop, number: int) -> None:
    result = chord(calls(shop, number), shop.echo.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == list(range(number))
    assert len(result.parent) == number
    assert shop.counts["echo"] == number + 1


@pytest.mark.parametrize("number", [0, 1, PUBLISH_BATCH + 1])
def test_a_streamed_group_is_as_any_other(shop: Shop, number: int) -> None:
    result = group(calls(shop, number)).apply_async()
    shop.run()
    assert result.get(timeout=0) == list(range(number))
    assert [member.get(timeout=0) for member in result] == list(range(number))


def test_a_streamed_group_may_have_canvases_in_it(shop: Shop) -> None:
    parts = (
        part
        for part in [shop.echo.s(0), shop.echo.s(1) | shop.add.s(0), chord([shop.echo.s(2)], shop.total.s()), group([])]
    )
    result = chord(parts, shop.echo.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == [0, 1, 2]


def test_a_streamed_chords_body_may_be_a_canvas(shop: Shop) -> None:
    result = chord(calls(shop, 3), shop.total.s() | group(shop.add.s(1), shop.add.s(2))).apply_async()
    other = chord(calls(shop, 3), group(shop.total.s(), shop.echo.s())).apply_async()
    shop.run()
    assert result.get(timeout=0) == [4, 5]
    assert other.get(timeout=0) == [3, [0, 1, 2]]


def test_the_errback_of_a_streamed_chord_is_called_once(shop: Shop) -> None:
    work = chord((shop.fail.s(n) for n in range(5)), shop.total.s().on_error(shop.on_failed_id.s()))
    result = work.apply_async()
    shop.run()
    assert shop.said("on_failed_id") == [result.id]


def test_a_member_that_fails_while_the_header_is_still_sent_fails_the_body(shop: Shop) -> None:
    def tasks() -> Iterator[Any]:
        for n in range(PUBLISH_BATCH + 1):
            if n == PUBLISH_BATCH:
                shop.run()
            yield shop.fail.s() if n == 0 else shop.echo.s(n)

    result = chord(tasks(), shop.total.s()).apply_async()
    shop.run()
    with pytest.raises(ValueError, match="no such amount"):
        result.get(timeout=0)


def test_members_that_have_ids_of_their_own_are_found(shop: Shop) -> None:
    result = group(shop.echo.s(n).set(task_id=f"mine-{n}") for n in range(3)).apply_async()
    shop.run()
    assert [member.id for member in result] == ["mine-0", "mine-1", "mine-2"]


def test_arguments_and_options_reach_every_member_of_a_stream(shop: Shop) -> None:
    result = group(shop.add.s(n) for n in range(3)).apply_async((10,), queue="slow")
    assert [member.queue for member in result] == ["slow"] * 3
    shop.run()
    assert result.get(timeout=0) == [10, 11, 12]


def test_a_generator_inside_of_another_canvas_is_read_when_it_is_sent(shop: Shop) -> None:
    result = (shop.echo.s(1) | group(shop.add.s(n) for n in range(3)) | shop.total.s()).apply_async()
    shop.run()
    assert result.get(timeout=0) == 6


def test_a_generator_that_was_used_is_refused_the_second_time(shop: Shop) -> None:
    work = group(calls(shop, 3))
    work.apply_async()
    with pytest.raises(InvalidArguments, match="used before"):
        work.apply_async()


def test_what_cannot_be_sent_is_told_at_the_call(shop: Shop) -> None:
    with pytest.raises(EncodingError):
        group(shop.echo.s(object()) for _ in range(3)).apply_async()
    assert shop.run() == []


@pytest.mark.parametrize("kind", ["group", "chord"])
def test_a_generator_of_tens_of_thousands_takes_bounded_memory(shop: Shop, far: CountingQueue, kind: str) -> None:
    tasks = calls(shop, MANY)
    work: Any = group(tasks) if kind == "group" else chord(tasks, shop.total.s())
    tracemalloc.start()
    try:
        result = work.apply_async()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert far.count == MANY + (kind == "chord")
    assert far.largest <= PUBLISH_BATCH
    assert peak < MOST_BYTES
    header = result if kind == "group" else result.parent
    assert len(header) == MANY
    assert header[MANY - 1].id != header[0].id


def test_a_streamed_member_knows_its_place(shop: Shop) -> None:
    result = group(calls(shop, PUBLISH_BATCH + 2)).apply_async()
    message: Message = result[PUBLISH_BATCH + 1].run.message
    assert (message.group, message.group_index) == (result.id, PUBLISH_BATCH + 1)
