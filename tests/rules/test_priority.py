"""Priorities written for Celery's brokers."""

from __future__ import annotations

import pytest

from horarium.priority import OwnPriority, read_priority


def test_on_redis_0_is_first_and_is_what_is_not_said() -> None:
    assert [read_priority(written, "redis", None) for written in (0, 3, 6, 9)] == [5, 3, 2, 0]


def test_on_rabbitmq_the_highest_is_first_and_0_is_what_is_not_said() -> None:
    assert [read_priority(written, "rabbitmq", None) for written in (0, 4, 9)] == [5, 7, 9]


@pytest.mark.parametrize("highest", [1, 5, 10, 255])
def test_a_longer_scale_keeps_its_order_and_its_ends(highest: int) -> None:
    read = [read_priority(written, "rabbitmq", highest) for written in range(256)]
    assert read == sorted(read)
    assert (read[0], read[highest], read[255]) == (5, 9, 9)


@pytest.mark.parametrize("scheme", ["horarium", "redis", "rabbitmq"])
def test_what_a_scheme_has_not_is_refused_with_what_it_has(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"0 .*9"):
        read_priority(10, scheme, None)


def test_as_written_here_they_stay() -> None:
    assert [read_priority(written, "horarium", None) for written in range(10)] == list(range(10))


@pytest.mark.parametrize("scheme", ["horarium", "redis", "rabbitmq"])
def test_one_of_our_own_is_itself_in_every_scheme(scheme: str) -> None:
    read = [read_priority(OwnPriority(each), scheme, None) for each in range(10)]
    assert read == list(range(10))
    assert {type(each) for each in read} == {int}
    with pytest.raises(ValueError, match="9"):
        read_priority(OwnPriority(10), scheme, None)
