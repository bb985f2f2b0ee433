"""Celery's fixtures and testing helpers by their names."""

from __future__ import annotations

from threading import Event

import pytest

from horarium.app.current import current_app, find_current_app
from horarium.errors import ImproperlyConfigured
from horarium.testing import captured, celery

CONFTEST = 'pytest_plugins = ("horarium.testing.celery_fixtures",)\n'


def test_celerys_fixtures_are_there_by_their_names(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST)
    project.makepyfile("""
        import pytest
        from shop import add, mail

        from horarium import Task, current_app

        class Shout(Task):
            name = "shout"

            def run(self, text):
                return text.upper()

        @pytest.fixture(scope="session")
        def celery_config():
            return {"broker_url": "memory://", "result_backend": "cache+memory://", "task_default_queue": "shop"}

        @pytest.fixture(scope="session")
        def celery_parameters():
            return {"main": "shop"}

        @pytest.fixture(scope="session")
        def celery_includes():
            return ["shop"]

        @pytest.fixture(scope="session")
        def celery_worker_parameters():
            return {"concurrency": 2, "shutdown_timeout": 20}

        @pytest.fixture(scope="session")
        def celery_worker_pool():
            return "prefork"

        @pytest.fixture(scope="session")
        def celery_class_tasks():
            return [Shout]

        @pytest.fixture(scope="session")
        def celery_enable_logging():
            return True

        def test_a_task_that_the_test_defines(celery_app, celery_worker):
            @celery_app.task
            def mul(x, y):
                return x * y

            celery_worker.reload()
            assert mul.delay(4, 4).get(timeout=10) == 16

        def test_shared_tasks(celery_app, celery_worker):
            assert add.delay(1, 2).get(timeout=10) == 3
            assert celery_app.main == "shop" and celery_app.conf.task_default_queue == "shop"

        @pytest.mark.celery(task_default_queue="other", result_backend=None)
        def test_the_mark(celery_app):
            assert celery_app.conf.task_default_queue == "other" and celery_app.conf.result_backend is None

        @pytest.mark.usefixtures("depends_on_current_app")
        def test_the_current_app(celery_app):
            assert current_app() is celery_app

        def test_the_session(celery_session_app, celery_session_worker):
            assert celery_session_app.tasks["shout"].delay("hey").get(timeout=10) == "HEY"
    """)
    project.runpytest("--strict-markers").assert_outcomes(passed=5)


def test_the_trap_raises_when_the_current_app_is_used(project: pytest.Pytester) -> None:
    project.makeconftest(CONFTEST)
    project.makepyfile("""
        import pytest
        from shop import mail

        @pytest.fixture(scope="session")
        def use_celery_app_trap():
            return True

        def test_it(celery_app):
            with pytest.raises(RuntimeError, match="pass its app on"):
                mail.delay("ana")

        def test_unless_it_is_asked_for(celery_app, depends_on_current_app):
            assert mail.delay("ana").state == "PENDING"
    """)
    project.runpytest().assert_outcomes(passed=2)


def test_no_worker_is_started_where_the_environment_says_so(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_WORKER", "1")
    project.makeconftest(CONFTEST)
    project.makepyfile("def test_it(celery_worker): assert celery_worker is None")
    project.runpytest().assert_outcomes(passed=1)


def test_start_worker_takes_celerys_options() -> None:
    app = celery.TestApp("shop", config={"task_default_queue": "shop"})
    ready = Event()

    @app.task
    def hello() -> str:
        ready.set()
        return "hello"

    with (
        captured(app),
        celery.start_worker(
            app,
            concurrency=2,
            pool="threads",
            queues="a, b",
            hostname="w@test",
            without_heartbeat=True,
            loglevel="INFO",
        ) as worker,
    ):
        assert worker.hostname == "w@test"
        handle = hello.apply_async(queue="b")
        assert handle.get(timeout=10) == "hello" and ready.is_set()
        assert handle.worker == "w@test"


def test_the_default_app_is_set_up_and_taken_away_again() -> None:
    app = celery.TestApp("shop", set_as_current=False)
    before = find_current_app()
    with celery.setup_default_app(app):
        assert current_app() is app
        with celery.set_trap(app), pytest.raises(RuntimeError, match="current app for 'tasks'"):
            _ = current_app().tasks
    with celery.setup_default_app(app, use_trap=True), pytest.raises(RuntimeError):
        _ = current_app().tasks
    assert find_current_app() is before


def test_an_option_or_a_pool_that_is_not_known_is_refused() -> None:
    app = celery.TestApp()
    with pytest.raises(ImproperlyConfigured, match=r"expected pool to be one of solo, .*got 'gevent'"):
        celery.start_worker(app, pool="gevent").__enter__()
    with pytest.raises(ImproperlyConfigured, match="got 'quues'"):
        celery.start_worker(app, quues="a").__enter__()
