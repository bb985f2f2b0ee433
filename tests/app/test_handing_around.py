"""Results and signatures in the hands of other code: pickled, copied, tied in knots."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy

import pytest

from horarium.app import current
from horarium.app.app import Horarium, shared_task
from horarium.app.canvas import chain, group
from horarium.errors import InvalidArguments
from horarium.testing.drain import drain


def inc(x: int, me: object = None) -> int:
    return x + 1


@shared_task
def everywhere(x: int) -> int:
    return x


def test_tasks_can_be_pickled_and_copied_for_pools_of_processes(app: Horarium) -> None:
    task = app.task(inc)
    for kept in (task, everywhere):
        assert pickle.loads(pickle.dumps(kept)) is kept
        assert deepcopy([kept]) == [kept]
    assert pickle.loads(pickle.dumps(task.delay))(1).state == "PENDING"


def test_results_can_be_pickled_and_copied(app: Horarium) -> None:
    task = app.task(inc)
    one, several = task.delay(1), group(task.s(1), task.s(2)).delay()
    drain(app)
    for again in (pickle.loads(pickle.dumps(one)), copy(one), deepcopy(one)):
        assert (again.app, again.get()) == (app, 2)
    for again in (pickle.loads(pickle.dumps(several)), deepcopy(several)):
        assert (again.id, again.get()) == (several.id, [2, 3])
    assert pickle.loads(pickle.dumps(task.apply((1,)))).get() == 2


def test_a_signature_can_be_pickled(app: Horarium) -> None:
    task = app.task(inc)
    again = pickle.loads(pickle.dumps(chain(task.s(1), task.s())))
    token = current._current.set(app)  # an unpickled one belongs to the current app, whichever test has made the last
    try:
        result = again.delay()
    finally:
        current._current.reset(token)
    drain(app)
    assert result.get(timeout=10) == 3


def test_a_signature_that_contains_itself_is_refused_at_the_call(app: Horarium) -> None:
    task = app.task(inc)
    argument, linked, several = task.s(1), task.s(1), group(task.s(1))
    argument.kwargs["me"] = argument
    linked.set(link=linked)
    several.tasks.append(several)
    for knot in (argument, linked, several):
        with pytest.raises(InvalidArguments, match="contains itself"):
            knot.delay()
        with pytest.raises(InvalidArguments, match="contains itself"):
            group(task.s(1), knot).delay()
