"""`current_app` and `current_task` stand for what is there when they are used."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

import horarium
from horarium import Horarium, current_app, current_task
from horarium.abortable import AbortableAsyncResult, AbortableTask
from horarium.app import current
from horarium.app.stand_in import StandIn
from horarium.log import get_logger, get_task_logger
from horarium.testing import drain, isolated


@pytest.fixture(autouse=True)
def nobody_has_chosen() -> Iterator[None]:
    """An app that another test has set for this thread is not meant here."""
    token = current._current.set(None)
    yield
    current._current.reset(token)


def test_current_app_is_the_app_for_whoever_asks_it_anything() -> None:
    app = Horarium("shop", store="memory://")
    assert current_app.main == "shop"
    assert current_app() is app
    assert current_app == app and hash(current_app) == hash(app) and repr(current_app) == repr(app)
    assert isinstance(current_app, Horarium)
    assert bool(current_app)
    assert "conf" in dir(current_app)
    current_app.main = "other"
    assert app.main == "other"


def test_current_task_is_the_task_that_runs_and_false_where_none_does() -> None:
    app = Horarium("shop", store="memory://")

    @app.task(name="shop.who")
    def who() -> object:
        return current_task.name, current_task.request.called_directly, bool(current_task)

    assert not current_task
    assert who() == ("shop.who", True, True)
    assert tuple(who.apply().get()) == ("shop.who", False, True)


def test_a_stand_in_does_what_the_other_can() -> None:
    things: dict[str, int] = {"a": 1}
    stand_in = StandIn(lambda: things)
    stand_in["b"] = 2
    del stand_in["a"]
    assert ("b" in stand_in, len(stand_in), list(stand_in), stand_in["b"], str(stand_in)) == (
        True,
        1,
        ["b"],
        2,
        "{'b': 2}",
    )
    assert StandIn(lambda: int)("7") == 7


def test_the_loggers_of_tasks_have_one_parent_and_tell_which_run_wrote(caplog: pytest.LogCaptureFixture) -> None:
    app = Horarium("shop", store="memory://")
    logger = get_task_logger("shop.tasks")
    assert get_task_logger("shop.tasks") is logger and len(logger.filters) == 1
    assert logger.parent is logging.getLogger("celery.task")
    assert get_logger("shop") is logging.getLogger("shop")

    @app.task(name="shop.say")
    def say() -> None:
        logger.warning("hello")

    result = say.apply()
    logger.warning("outside")
    inside, outside = caplog.records
    assert (inside.task_name, inside.task_id) == ("shop.say", result.id)  # type: ignore[attr-defined]
    assert (outside.task_name, outside.task_id) == ("???", "???")  # type: ignore[attr-defined]


def test_a_task_logger_cannot_be_its_own_parent() -> None:
    with pytest.raises(ValueError, match="pass __name__"):
        get_task_logger("celery.task")


def test_an_abortable_task_sees_that_it_was_told_to_stop() -> None:
    app = Horarium("shop", store="memory://")
    seen: list[bool] = []

    @app.task(name="shop.long", bind=True, base=AbortableTask)
    def long(self: AbortableTask) -> None:
        seen.append(self.is_aborted())
        self.AsyncResult(self.request.id or "").abort()
        seen.append(self.is_aborted())

    with isolated(app):
        result = long.delay()
        assert isinstance(long.AsyncResult(result.id), AbortableAsyncResult)
        drain(app)
        assert seen == [False, True]
        assert result.state == "SUCCESS"
    assert long.apply().state == "SUCCESS"


def test_an_app_has_celerys_words_and_says_where_the_others_went() -> None:
    app = Horarium("shop", store="memory://", timezone="Europe/Berlin", include=["json"])
    app.loader.import_default_modules()
    assert app.loader.import_task_module("json").__name__ == "json"
    assert app.log.get_default_logger().name == "horarium"
    assert str(app.timezone) == "Europe/Berlin"
    assert app.gen_task_name("add", "__main__") == "shop.add" and app.gen_task_name("add", "a.b") == "a.b.add"
    assert app.current_task is None and app.current_worker_task is None
    Horarium("newer", store="memory://").set_default()
    app.set_default()
    assert current_app() is app
    with pytest.raises(AttributeError, match=r"got 'amqp', which is Celery's; there is no broker"):
        _ = app.amqp
    assert not hasattr(app, "nonsense")


def test_celery_is_another_name_of_horarium() -> None:
    assert horarium.Celery is horarium.Horarium
