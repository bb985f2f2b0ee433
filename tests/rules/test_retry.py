"""How long a failed task waits, and when it gives up."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horarium.errors import Ignore, Reject, Retry, SoftTimeLimitExceeded
from horarium.retry import RetryPolicy, delay_before, is_retriable, may_retry

FACTORS = st.one_of(st.just(True), st.floats(0.01, 1000), st.integers(1, 100))


@settings(deadline=None)
@given(FACTORS, st.floats(0, 10_000), st.booleans(), st.integers(0, 100_000), st.integers())
def test_a_wait_is_never_negative_and_never_above_the_cap(
    factor: float, cap: float, jitter: bool, retries: int, seed: int
) -> None:
    policy = RetryPolicy(backoff=factor, backoff_max=cap, jitter=jitter)
    assert 0 <= delay_before(policy, retries, Random(seed)) <= cap


@settings(deadline=None)
@given(FACTORS, st.integers(0, 40))
def test_without_jitter_the_wait_doubles_until_the_cap(factor: float, retries: int) -> None:
    policy = RetryPolicy(backoff=factor, jitter=False)
    now, then = (delay_before(policy, number, Random()) for number in (retries, retries + 1))
    assert now == min(600, factor * 2**retries)
    assert then == min(600, 2 * now)


def test_jitter_spreads_over_the_whole_range() -> None:
    policy = RetryPolicy(backoff=10, backoff_max=10)
    rng = Random(1)
    waits = [delay_before(policy, 0, rng) for _ in range(2000)]
    assert min(waits) < 0.2
    assert max(waits) > 9.8
    assert sum(waits) / len(waits) == pytest.approx(5, abs=0.3)


def test_without_backoff_the_wait_is_the_delay_exactly() -> None:
    for off in (False, 0):
        assert delay_before(RetryPolicy(delay=7, backoff=off), 5, Random()) == 7


def test_a_task_is_retried_as_often_as_it_may_be() -> None:
    policy = RetryPolicy(max_retries=3)
    assert [may_retry(policy, retries) for retries in range(5)] == [True, True, True, False, False]
    assert not may_retry(RetryPolicy(max_retries=0), 0)


def test_without_a_limit_a_task_is_retried_for_ever() -> None:
    assert may_retry(RetryPolicy(max_retries=None), 10**9)


def test_the_exceptions_named_are_retried_but_for_those_named_against() -> None:
    assert is_retriable(ConnectionResetError(), (OSError,))
    assert not is_retriable(ConnectionResetError(), (OSError,), (ConnectionError,))
    assert not is_retriable(ValueError(), (OSError,))
    assert not is_retriable(ValueError(), ())
    assert is_retriable(SoftTimeLimitExceeded(), (Exception,))


@pytest.mark.parametrize("signal", [Retry(), Ignore(), Reject()])
def test_what_a_task_raises_to_steer_its_end_is_never_a_reason_to_retry(signal: Exception) -> None:
    assert not is_retriable(signal, (Exception,))


def test_an_exit_is_retried_only_where_it_is_named() -> None:
    assert not is_retriable(SystemExit(), (Exception,))
    assert is_retriable(SystemExit(), (SystemExit,))
