"""The model test is put to the test: it finds engines that deviate on purpose."""

from __future__ import annotations

import pytest
from deviations import DEVIATIONS, deviant
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from model import SideBySide

from horarium.engines.memory.store import Store

QUICK = settings(
    deadline=None,
    database=None,
    derandomize=True,
    max_examples=400,  # most are found within thirty; one was once not found in two hundred
    stateful_step_count=30,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


@pytest.mark.parametrize("kind", DEVIATIONS, ids=lambda kind: kind.__name__)
def test_a_deviation_is_found(kind: type[Store]) -> None:
    class Deviant(SideBySide):
        open_subject = staticmethod(lambda path: deviant(kind))

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Deviant, settings=QUICK)
