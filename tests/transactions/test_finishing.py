"""A task that ends in its own transaction: what it wrote and its end become true together, or neither does."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from desk import Desk
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from horarium import Horarium
from horarium.engines.records import DeadOwner, MaintenancePolicy
from horarium.errors import AttemptSuperseded, CannotJoinTransaction, NotCommittedError, PayloadTooLarge
from horarium.message import Delivery
from horarium.testing import drain


def test_the_end_and_what_was_written_are_there_together(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].delay(7)
    linked = desk.app.tasks["pay"].apply_async((8,), link=desk.app.tasks["ship"].s())
    assert len(drain(desk.app)) == 3
    assert desk.orders() == [7, 8]
    assert handle.get(timeout=5) == {"paid": 7}
    assert [child.name for child in linked.children] == ["ship"]
    assert [attempt.outcome for attempt in handle.run.attempts] == ["succeeded"]


def test_an_exception_before_the_commit_takes_both_back(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].delay(7, "raise before commit")
    drain(desk.app)
    assert desk.orders() == []
    with pytest.raises(ValueError, match="no"):
        handle.get(timeout=5)


def test_an_exception_after_the_commit_changes_nothing(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].delay(7, "raise after commit")
    drain(desk.app)
    assert (desk.orders(), handle.get(timeout=5)) == ([7], {"paid": 7})


def test_returning_without_a_commit_fails_the_run(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].delay(7, "roll back")
    drain(desk.app)
    assert desk.orders() == []
    with pytest.raises(NotCommittedError, match="to be committed before it returned"):
        handle.get(timeout=5)


@pytest.mark.parametrize("how", ["return", "raise"])
def test_a_transaction_that_the_task_leaves_open_is_rolled_back(desk: Desk, how: str) -> None:
    connection = desk.connect()  # kept open for longer than the task

    @desk.app.task(name="careless", bind=True)
    def careless(task) -> None:
        connection.execute("INSERT INTO orders VALUES (9, 'paid')")
        task.finish_in(connection)
        if how == "raise":
            raise ValueError("no")

    handle = careless.delay()
    drain(desk.app)
    connection.commit()
    connection.close()
    assert desk.orders() == []
    with pytest.raises(NotCommittedError if how == "return" else ValueError):
        handle.get(timeout=5)


def test_finishing_twice_is_refused(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].delay(7, "twice")
    drain(desk.app)
    assert desk.orders() == []
    with pytest.raises(RuntimeError, match="to finish once"):
        handle.get(timeout=5)


def test_an_attempt_whose_lease_was_lost_cannot_finish_and_its_work_is_rolled_back(desk: Desk) -> None:
    seen: list[BaseException] = []

    @desk.app.task(name="slow", bind=True)
    def slow(task) -> None:
        engine, delivery = desk.app.engine, task.request.delivery
        assert isinstance(delivery, Delivery)
        try:
            with desk.connect() as connection:
                connection.execute("INSERT INTO orders VALUES (%s, 'paid')", [task.request.fence])
                if task.request.fence == 1:  # the store has given its owner up meanwhile
                    dead = [DeadOwner(owner=delivery.owner)]
                    engine.queue.maintain(now=engine.now(), policy=MaintenancePolicy(), dead=dead)
                task.finish_in(connection)
        except AttemptSuperseded as error:
            seen.append(error)
            raise

    handle = slow.delay()
    drain_whoever_is_left(desk)
    assert [type(error) for error in seen] == [AttemptSuperseded]
    assert desk.orders() == []
    assert handle.state == "PENDING"
    drain(desk.app)
    assert (desk.orders(), handle.state) == ([2], "SUCCESS")


def test_a_sqlalchemy_session_will_do(desk: Desk) -> None:
    engine = create_engine(desk.sqlalchemy)

    @desk.app.task(name="modern", bind=True)
    def modern(task) -> None:
        with Session(engine) as session, session.begin():
            session.execute(text("INSERT INTO orders VALUES (3, 'paid')"))
            task.finish_in(session, result="done")

    handle = modern.delay()
    drain(desk.app)
    engine.dispose()
    assert (desk.orders(), handle.get(timeout=5)) == ([3], "done")


def test_called_directly_or_eagerly_only_the_callers_transaction_counts(desk: Desk) -> None:
    desk.app.tasks["pay"](7)
    assert desk.app.tasks["pay"].apply((8,)).get() == "what is returned does not count"
    assert desk.orders() == [7, 8]


def test_a_result_that_cannot_be_kept_is_refused_before_anything_is_recorded(desk: Desk) -> None:
    desk.app.conf.max_result_bytes = 10

    @desk.app.task(name="large", bind=True)
    def large(task) -> None:
        with desk.connect() as connection:
            connection.execute("INSERT INTO orders VALUES (1, 'paid')")
            task.finish_in(connection, result="x" * 100)

    handle = large.delay()
    drain(desk.app)
    assert desk.orders() == []
    with pytest.raises(PayloadTooLarge):
        handle.get(timeout=5)


def test_with_another_store_for_results_it_is_refused_by_name(desk: Desk, tmp_path: Path) -> None:
    results = f"sqlite:///{tmp_path}/kept.db"
    with Horarium("two", store=desk.app.conf.store, result_backend=results, set_as_current=False) as app:

        @app.task(name="pay", bind=True)
        def pay(task) -> None:
            with desk.connect() as connection:
                task.finish_in(connection)

        handle = pay.delay()
        drain(app)
        with pytest.raises(CannotJoinTransaction, match="the setting result_backend names another one"):
            handle.get(timeout=5)


def test_a_process_killed_before_the_commit_leaves_nothing_behind(desk: Desk) -> None:
    handle = desk.app.tasks["pay"].apply_async((7,), task_id="killed")
    pid = os.fork()
    if pid == 0:
        try:
            with desk.connect() as connection:
                desk.connect = lambda: connection  # type: ignore[method-assign,assignment]
                connection.commit = lambda: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
                drain(desk.app)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    assert desk.orders() == []
    assert handle.state == "RECEIVED"  # until its lease lapses, as after any death
    [owner] = [record.member.owner for record in desk.app.engine.inspector.workers(now=desk.app.now())]
    desk.app.engine.queue.maintain(now=desk.app.now(), policy=MaintenancePolicy(), dead=[DeadOwner(owner=owner)])
    drain(desk.app)
    assert (desk.orders(), handle.get(timeout=5)) == ([7], {"paid": 7})


def drain_whoever_is_left(desk: Desk) -> None:
    """Run one delivery of an owner that is given up in the middle of it: it cannot settle, and may not claim again."""
    from horarium.errors import OwnerLost

    with pytest.raises(OwnerLost):
        drain(desk.app)
