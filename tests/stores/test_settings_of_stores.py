"""An app's two stores, as its settings name them; and none for results."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec import Raw

from horarium import Horarium
from horarium.engines.connect import connect
from horarium.engines.pair import PairEngine
from horarium.errors import ImproperlyConfigured, ResultsNotKept, TaskRevokedError
from horarium.testing import drain


def shop(**settings: object) -> Horarium:
    app = Horarium("shop", set_as_current=False, **settings)  # type: ignore[arg-type]  # settings of any type

    @app.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @app.task(name="fail")
    def fail() -> None:
        raise ValueError("no")

    return app


def test_one_store_carries_and_another_one_remembers(tmp_path: Path) -> None:
    carries, remembers = f"sqlite:///{tmp_path}/carries.db", f"sqlite:///{tmp_path}/remembers.db"
    with shop(broker_url=carries, result_backend=f"db+{remembers}") as app:
        result = app.tasks["add"].delay(2, 2)
        failed = app.tasks["fail"].delay()
        assert result.state == "PENDING"
        drain(app)
        assert result.get(timeout=5) == 4
        assert isinstance(app.engine, PairEngine)
        with pytest.raises(ValueError, match="no"):
            failed.get(timeout=5)
    for url, value in ((carries, None), (remembers, Raw(b"4"))):
        engine = connect(url)
        (run,) = engine.results.read([result.id])
        assert run is not None and run.result == value
        engine.close()


def test_the_same_url_twice_is_one_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.db"
    with shop(store=url, result_backend=url) as app:
        assert app.engine.capabilities.name == "sqlite"
    with shop(store=url) as app:
        assert app.engine.capabilities.name == "sqlite"


def test_without_results_get_says_so_at_once_and_names_the_setting() -> None:
    with shop(store="memory://", result_backend=None) as app:
        result = app.tasks["add"].delay(1, 2)
        for ask in (result.get, lambda: result.result, lambda: asyncio.run(result.aget())):
            with pytest.raises(ResultsNotKept, match="the setting result_backend is None"):
                ask()
        drain(app)
        assert result.state == "SUCCESS"
        assert result.ready()
        with pytest.raises(ResultsNotKept):
            result.get()
        (run,) = app.engine.results.read([result.id])
        assert run is not None and run.result is None


def test_without_results_states_errors_and_revocations_are_still_known() -> None:
    with shop(store="memory://", result_backend=None) as app:
        failed, revoked = app.tasks["fail"].delay(), app.tasks["add"].delay(1, 1)
        revoked.revoke()
        drain(app)
        assert (failed.state, revoked.state) == ("FAILURE", "REVOKED")
        assert failed.traceback is not None and "ValueError: no" in failed.traceback


def test_a_call_that_ignores_its_result_is_not_told_about_the_setting() -> None:
    with shop(store="memory://", result_backend=None) as app:
        assert app.tasks["add"].apply_async((1, 2), ignore_result=True).get() is None


def test_eager_results_are_at_hand_whatever_the_settings_say() -> None:
    with shop(store="memory://", result_backend=None, task_always_eager=True) as app:
        assert app.tasks["add"].delay(1, 2).get() == 3


def test_an_end_that_the_store_makes_is_raised_as_with_one_store(tmp_path: Path) -> None:
    with shop(store="memory://", result_backend=f"sqlite:///{tmp_path}/kept.db") as app:
        result = app.tasks["add"].delay(1, 2)
        result.revoke()
        with pytest.raises(TaskRevokedError):
            result.get(timeout=5)


def test_a_wrong_address_is_complained_of_by_the_name_of_its_setting(tmp_path: Path) -> None:
    with (
        shop(store="memory://", result_backend="redis://host/not-a-number") as app,
        pytest.raises(ImproperlyConfigured, match="setting result_backend"),
    ):
        app.tasks["add"].delay(1, 2)
