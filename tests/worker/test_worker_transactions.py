"""A worker whose tasks end in database transactions of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from yard import Yard

from postgres_stores import postgres_server, postgres_url  # noqa: F401  # fixtures


@pytest.fixture
def postgres_yard(tmp_path: Path, postgres_url: str) -> Iterator[Yard]:  # noqa: F811  # the fixture itself
    yard = Yard(tmp_path, store=postgres_url)
    yield yard
    yard.close()


def test_an_end_in_a_transaction_is_recorded_once_and_nothing_is_said_of_it(postgres_yard: Yard) -> None:
    worker = postgres_yard.start()
    runs = postgres_yard.ends(*(postgres_yard.send("finish_in", f"w{number}") for number in range(20)))
    assert {bytes(run.result or b"") for run in runs} == {b'"w%d"' % number for number in range(20)}
    assert [[attempt.outcome for attempt in run.attempts] for run in runs] == [["succeeded"]] * 20
    assert len(postgres_yard.saw("finished")) == 20
    assert "too late" not in worker.text and "ERROR" not in worker.text


def test_a_rollback_is_told_in_the_run(postgres_yard: Yard) -> None:
    postgres_yard.start()
    (run,) = postgres_yard.ends(postgres_yard.send("finish_in", "w", "roll back"))
    assert run.state == "FAILURE"
    assert run.error is not None and run.error.class_path.endswith("NotCommittedError")


def test_a_child_that_dies_before_its_commit_has_not_ended_its_task(postgres_yard: Yard) -> None:
    postgres_yard.start()
    (run,) = postgres_yard.ends(postgres_yard.send("finish_in", "w", "die"), timeout=60)
    assert run.state == "DEAD"
    assert {attempt.outcome for attempt in run.attempts} == {"crashed"}
