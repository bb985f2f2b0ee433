"""Tasks of a Flask application."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, current_app, g

from horarium import Horarium, Task, shared_task
from horarium.app.current import chosen
from horarium.contrib.flask import flask_task_class, init_app
from horarium.errors import ImproperlyConfigured, UnknownSetting
from horarium.testing import start_worker

PATIENCE = 20.0


@pytest.fixture
def flask() -> Flask:
    flask = Flask("shop")
    flask.config["HORARIUM"] = {"store": "memory://", "task_default_queue": "shop"}
    flask.config["GREETING"] = "hello"
    return flask


@pytest.fixture
def app(flask: Flask) -> Iterator[Horarium]:
    app = init_app(flask, set_as_current=False)
    with chosen(app):
        yield app
    app.close()


def test_tasks_run_inside_the_applications_context(flask: Flask, app: Horarium) -> None:
    ended: list[Any] = []

    @flask.teardown_appcontext
    def end(error: BaseException | None) -> None:
        ended.append(error)

    @app.task(bind=True)
    def greet(self: Any, name: str) -> list[str]:
        g.calls = [*g.get("calls", []), name]
        return [current_app.config["GREETING"], *g.calls, self.request.id]

    @app.task
    async def greet_later(name: str) -> list[str]:
        g.calls = [*g.get("calls", []), name]
        return [current_app.config["GREETING"], *g.calls]

    @app.task
    def fail() -> None:
        raise ValueError(current_app.name)

    assert flask.extensions["horarium"] is app
    with start_worker(app):
        sent = [greet.delay("ana"), greet.delay("ben")]
        assert [each.get(timeout=PATIENCE) for each in sent] == [
            ["hello", "ana", sent[0].id],
            ["hello", "ben", sent[1].id],
        ]
        assert greet_later.delay("cem").get(timeout=PATIENCE) == ["hello", "cem"]
        with pytest.raises(ValueError, match="shop"):
            fail.delay().get(timeout=PATIENCE)
    assert len(ended) == 4
    assert greet("dora")[:2] == ["hello", "dora"]


def test_settings_come_from_flask_and_from_keywords(flask: Flask, app: Horarium) -> None:
    assert (app.main, app.conf.task_default_queue) == ("shop", "shop")
    other = init_app(flask, set_as_current=False, task_default_queue="other")
    assert other.conf.task_default_queue == "other"
    with pytest.raises(UnknownSetting):
        init_app(flask, set_as_current=False, task_default_qeue="x")


def test_an_app_that_is_made_elsewhere_runs_shared_tasks_in_the_context_too(flask: Flask) -> None:
    app = Horarium("made", set_as_current=False)

    @shared_task(name="shop.shared")
    def shared() -> str:
        name: str = current_app.name
        return name

    assert init_app(flask, app) is app
    assert (app.connection.urls, app.conf.task_default_queue) == (("memory://",), "shop")
    with chosen(app), start_worker(app):
        assert shared.delay().get(timeout=PATIENCE) == "shop"
    app.close()


def test_an_app_whose_tasks_would_run_outside_is_refused(flask: Flask) -> None:
    app = Horarium("made", store="memory://", set_as_current=False)
    app.task(name="early")(lambda: None)
    with pytest.raises(ImproperlyConfigured, match="one with early, which would run outside"):
        init_app(flask, app)


def test_a_class_of_ones_own_keeps_its_call(flask: Flask) -> None:
    calls: list[str] = []

    class Counted(Task):
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            calls.append(current_app.name)
            return self.run(*args, **kwargs)

    app = Horarium("made", store="memory://", set_as_current=False, task_cls=flask_task_class(flask, Counted))
    task = app.task(name="counted")(lambda: 1)
    with app, start_worker(app):
        assert task.delay().get(timeout=PATIENCE) == 1
    assert calls == ["shop"]


def test_the_recipe_of_flasks_own_guide_works_as_it_is() -> None:
    """With Celery's name replaced, as `migrate-project` does."""

    def celery_init_app(flask: Flask) -> Horarium:
        class FlaskTask(Task):
            def __call__(self, *args: Any, **kwargs: Any) -> Any:
                with flask.app_context():
                    return self.run(*args, **kwargs)

        made = Horarium(flask.name, task_cls=FlaskTask)
        made.config_from_object(flask.config["CELERY"])
        made.set_default()
        flask.extensions["celery"] = made
        return made

    flask = Flask("guide")
    flask.config.from_mapping(CELERY={"broker_url": "memory://", "task_ignore_result": False})
    app = celery_init_app(flask)

    @shared_task(name="guide.who", ignore_result=False)
    def who() -> str:
        name: str = current_app.name
        return name

    with app, chosen(app), start_worker(app):
        assert who.delay().get(timeout=PATIENCE) == "guide"
