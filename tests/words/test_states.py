"""States by Celery's names, their sets and their order."""

from __future__ import annotations

from horarium import states
from horarium.outcome import ENDED, State
from horarium.states import precedence, state


def test_the_words_are_those_of_the_engines() -> None:
    assert {str(each) for each in State} == states.ALL_STATES
    assert {str(each) for each in ENDED} == states.READY_STATES


def test_states_are_ordered_by_how_far_they_are() -> None:
    assert state("PENDING") < state("RETRY") < state("STARTED") < state("REVOKED") < state("FAILURE")
    assert state("STARTED") < state("PROGRESS") < state("SUCCESS")
    assert state("SUCCESS") > state("PROGRESS") >= state("ANY OTHER")
    assert not state("PROGRESS") > state("SUCCESS")
    assert max(["PENDING", "SUCCESS", "STARTED"], key=state) == "SUCCESS"


def test_our_states_rank_as_celerys_word_for_them() -> None:
    assert precedence("DEAD") == precedence("FAILURE")
    assert precedence("EXPIRED") == precedence("REVOKED")
    assert states.PROPAGATE_STATES < states.EXCEPTION_STATES
