"""Percentiles are read from histograms: they say no more than the durations in them can have taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horarium.tally import BOUNDS, bin_of, quantile


def read(durations: list[float], share: float) -> float:
    histogram = [0] * (len(BOUNDS) + 1)
    for each in durations:
        histogram[bin_of(each)] += 1
    found = quantile(histogram, share, sum(durations))
    assert found is not None
    return found


@pytest.mark.parametrize(("took", "number"), [(0.0004, 1), (0.7, 1), (4000.0, 1), (60.01, 1), (60.01, 100)])
def test_no_percentile_is_longer_than_what_ran_can_have_taken(took: float, number: int) -> None:
    assert read([took] * number, 0.95) <= took * 1.01


def test_without_their_sum_it_is_interpolated_within_the_bin() -> None:
    histogram = [0] * (len(BOUNDS) + 1)
    histogram[bin_of(61.0)] = 4
    assert quantile(histogram, 0.5) == 180.0
    assert quantile([], 0.5, 0.0) is None


@given(
    durations=st.lists(st.floats(1e-6, 90_000.0), min_size=1, max_size=40),
    share=st.sampled_from((0.25, 0.5, 0.95, 0.99)),
)
def test_it_stays_within_the_bin_and_below_what_they_took_together(durations: list[float], share: float) -> None:
    found = read(durations, share)
    assert found <= sum(durations) * (1 + 1e-9) + 1e-9
    assert bin_of(found * (1 - 1e-9)) <= bin_of(max(durations))
