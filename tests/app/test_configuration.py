"""Where an app's settings come from: modules, objects, Django's settings, the environment; when, and what wins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from horarium.app.app import Horarium
from horarium.errors import ConfigurationNotFound, ImproperlyConfigured, InvalidSetting, UnknownSetting

VARIABLES = (
    "HORARIUM_STORE HORARIUM_RESULT_BACKEND HORARIUM_CONFIG_MODULE CELERY_BROKER_URL CELERY_BROKER_READ_URL "
    "CELERY_BROKER_WRITE_URL CELERY_RESULT_BACKEND CELERY_CONFIG_MODULE CELERY_LOADER"
).split()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder, from which modules can be imported, and an environment that says nothing."""
    before = set(sys.modules)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (place := getattr(sys.modules[name], "__file__", None)) and Path(place).is_relative_to(tmp_path):
            del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__dot__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_module_is_read_when_a_setting_is_first_used(folder: Path) -> None:
    app = Horarium("shop")
    assert app.config_from_object("shopconf") is None  # there is none yet
    app.conf.task_default_queue = "code"
    app.conf.update(worker_grace=3)
    write(folder, shopconf="import os\ntask_time_limit = 30\ntask_default_queue = 'file'\n_own = 1\nSITE = 'x'\n")
    assert app.conf.task_time_limit == 30
    assert app.conf.task_default_queue == "code"  # what code sets wins
    assert app.conf.SITE == "x"
    assert "not configured" not in repr(app)


def test_settings_come_from_an_attribute_a_class_an_object_and_a_dict(folder: Path) -> None:
    write(folder, conf__dot__live="class Live:\n    task_time_limit = 40\n    nested = None\n", conf__dot____init__="")
    for source in ("conf.live:Live", "conf.live.Live", SimpleNamespace(task_time_limit=40), {"task_time_limit": 40}):
        app = Horarium("shop")
        app.config_from_object(source)
        assert app.conf["task_time_limit"] == 40


def test_a_later_configuration_replaces_an_earlier_one() -> None:
    app = Horarium("shop")
    app.config_from_object({"task_time_limit": 40, "worker_grace": 1})
    app.config_from_object({"task_time_limit": 50})
    assert app.conf.task_time_limit == 50
    app.config_from_object({"worker_grace": 2})  # settings were used: it is read at once
    assert (app.conf.task_time_limit, app.conf.worker_grace) == (None, 2)


@pytest.mark.parametrize("source", ["nowhere", "nowhere.conf:Live", "shopconf.py", "shopconf:Missing"])
def test_a_configuration_that_is_not_there_is_named_at_the_first_use(folder: Path, source: str) -> None:
    write(folder, shopconf="task_time_limit = 1\n")
    app = Horarium("shop")
    app.config_from_object(source)
    for _ in range(2):
        with pytest.raises(ConfigurationNotFound, match=f"got '{source}'"):
            _ = app.conf.task_time_limit
    with pytest.raises(ImportError):
        Horarium("shop").config_from_object(source, force=True)
    quiet = Horarium("shop")
    quiet.config_from_object(source, silent=True)
    assert quiet.conf.task_time_limit is None


def test_what_the_configuration_itself_misses_is_told_as_it_is(folder: Path) -> None:
    write(folder, shopconf="import no_such_library\n")
    app = Horarium("shop")
    app.config_from_object("shopconf")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        _ = app.conf.timezone


def test_a_slip_and_a_wrong_value_in_a_configuration_are_refused(folder: Path) -> None:
    write(folder, slip="task_timelimit = 5\n", wrong="task_time_limit = 'long'\n")
    for module, error in (("slip", UnknownSetting), ("wrong", InvalidSetting)):
        with pytest.raises(error, match="task_time_limit"):
            Horarium("shop").config_from_object(module, force=True)
    with pytest.raises(UnknownSetting):
        Horarium("shop").config_from_object({"anything": 1}, force=True)


def test_mixed_spellings_in_a_configuration_are_refused(folder: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="CELERYD_CONCURRENCY -> worker_concurrency"):
        Horarium("shop").config_from_object({"CELERYD_CONCURRENCY": 1, "task_time_limit": 5}, force=True)


def test_a_configuration_may_use_the_app_that_reads_it(folder: Path) -> None:
    write(folder, shopconf="from shopapp import app\ntask_default_queue = app.conf.timezone + app.main\n")
    write(folder, shopapp="from horarium import Horarium\napp = Horarium('shop')\napp.config_from_object('shopconf')\n")
    from shopapp import app  # type: ignore[import-not-found]

    assert app.conf.task_default_queue == "UTCshop"


def test_an_environment_variable_names_the_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, shopconf="task_time_limit = 30\n")
    app = Horarium("shop")
    with pytest.raises(ImproperlyConfigured, match="SHOP_CONF"):
        app.config_from_envvar("SHOP_CONF")
    assert app.config_from_envvar("SHOP_CONF", silent=True) is False
    monkeypatch.setenv("SHOP_CONF", "shopconf")
    app.config_from_envvar("SHOP_CONF")
    assert app.conf.task_time_limit == 30


@pytest.mark.parametrize("variable", ["CELERY_CONFIG_MODULE", "HORARIUM_CONFIG_MODULE"])
def test_an_app_without_a_configuration_takes_the_one_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    write(folder, shopconf="task_time_limit = 30\n")
    monkeypatch.setenv(variable, "shopconf")
    assert Horarium("shop").conf.task_time_limit == 30
    named = Horarium("shop")
    named.config_from_object({"task_time_limit": 40})
    assert named.conf.task_time_limit == 40


def test_settings_are_taken_from_arguments() -> None:
    app = Horarium("shop", task_time_limit=5)
    app.config_from_cmdline(
        ["worker.concurrency=4", "task_time_limit=7.5", "worker_redirect_stdouts=off", ".include=a"]
    )
    assert (app.conf.worker_concurrency, app.conf.task_time_limit, app.conf.include) == (4, 7.5, ("a",))
    assert app.conf.worker_redirect_stdouts is False
    app.config_from_cmdline([".concurrency=(int)2", 'task.routes=(json){"a": "b"}'], namespace="worker")
    assert (app.conf.worker_concurrency, app.conf.task_routes) == (2, {"a": "b"})
    for argument, error in (
        ("worker_concurrency", ImproperlyConfigured),
        ("worker_concurency=2", UnknownSetting),
        ("worker_concurrency=many", InvalidSetting),
    ):
        with pytest.raises(error):
            app.config_from_cmdline([argument])


def test_added_defaults_hold_where_nobody_says_otherwise() -> None:
    app = Horarium("shop")
    app.add_defaults({"task_time_limit": 1, "worker_grace": 1, "worker_sweep": 1})
    app.add_defaults(lambda: {"worker_sweep": 2, "worker_lease": 2})
    app.config_from_object({"task_time_limit": 5})
    assert (app.conf.task_time_limit, app.conf.worker_grace) == (5, 1)
    assert (app.conf.worker_sweep, app.conf.worker_lease) == (1, 2)
    app.add_defaults({"worker_crash_limit": 9})
    assert app.conf.worker_crash_limit == 9


def test_the_constructor_takes_celerys_words(folder: Path) -> None:
    write(folder, shopconf="SHOP_TASK_TIME_LIMIT = 30\ntask_time_limit = 1\n")
    app = Horarium(
        "shop",
        broker="redis://host/0",
        backend="redis://host/1",
        config_source="shopconf",
        namespace="SHOP",
        changes={"worker_grace": 2},
    )
    assert (app.conf.store, app.conf.result_backend) == ("redis://host/0", "redis://host/1")
    assert (app.conf.task_time_limit, app.conf.worker_grace) == (30, 2)
    with pytest.raises(InvalidSetting, match="leave one of"):
        Horarium("shop", broker="redis://host/0", store="redis://host/1")


def test_hooks_are_called_before_and_after_the_settings_are_read() -> None:
    seen: list[Any] = []
    app = Horarium("shop")

    @app.on_configure.connect
    def before(sender: Horarium) -> None:
        seen.append("before")

    app.config_from_object(SimpleNamespace(timezone="Asia/Tokyo"))
    app.on_after_configure.connect(lambda sender: seen.append(sender.conf.timezone))
    app.finalize()
    assert seen == ["before", "Asia/Tokyo"]


def test_a_subclass_may_configure_itself() -> None:
    class Shop(Horarium):
        def on_configure(self) -> None:  # type: ignore[override]
            self.conf.task_default_queue = "mine"

    assert Shop("shop").conf.task_default_queue == "mine"


# The environment.


@pytest.mark.parametrize("variable", ["HORARIUM_STORE", "CELERY_BROKER_URL", "CELERY_BROKER_WRITE_URL"])
def test_the_environment_names_the_store_of_any_process_row_21(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "redis://env/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://env/1")
    app = Horarium("shop", broker="redis://code/0", result_backend=None)
    assert (app.conf.store, app.conf.result_backend) == ("redis://env/0", "redis://env/1")


def test_what_is_empty_in_the_environment_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", "")
    assert Horarium("shop", store="redis://code/0").conf.store == "redis://code/0"


def test_the_variables_for_the_store_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://env/0")
    monkeypatch.setenv("CELERY_BROKER_READ_URL", "redis://env/0")
    assert Horarium("shop").conf.store == "redis://env/0"
    monkeypatch.setenv("CELERY_BROKER_READ_URL", "redis://user:secret@replica/0")
    with pytest.raises(InvalidSetting, match="CELERY_BROKER_READ_URL") as refusal:
        _ = Horarium("shop").conf.store
    assert "secret" not in str(refusal.value)


def test_celerys_loader_changes_nothing_and_other_variables_pass_by_row_24(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CELERY_LOADER", "celery.loaders.app:AppLoader")
    monkeypatch.setenv("APP_ROLE", "worker")
    assert Horarium("shop").conf.explain() == []


def test_making_an_app_reads_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Horarium("shop")
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://later/0")
    assert app.conf.store == "redis://later/0"


# Finding tasks.


def package(folder: Path, name: str, **modules: str) -> None:
    write(folder, **{f"{name}__dot__{module}": text for module, text in {"__init__": "", **modules}.items()})


TASKS = "from horarium import shared_task\n@shared_task\ndef work(): return 1\n"


def test_tasks_are_discovered_when_the_app_is_finalized(folder: Path) -> None:
    package(folder, "orders_d", tasks=TASKS)
    package(folder, "no_tasks_d")
    app = Horarium("shop")
    app.autodiscover_tasks(["orders_d", "no_tasks_d"])
    assert "orders_d.tasks" not in sys.modules
    assert "orders_d.tasks.work" in app.tasks


def test_packages_may_be_told_by_a_function_and_the_module_have_another_name(folder: Path) -> None:
    package(folder, "orders_f", jobs=TASKS)
    app = Horarium("shop")
    asked: list[int] = []

    def packages() -> list[str]:
        asked.append(1)
        return ["orders_f"]

    app.autodiscover_tasks(packages, related_name="jobs")
    assert asked == []
    app.finalize()
    app.finalize()
    assert "orders_f.jobs.work" in app.tasks
    assert asked == [1]


def test_discovery_can_be_forced_and_the_package_itself_be_meant(folder: Path) -> None:
    package(folder, "orders_g", __init__=TASKS)
    app = Horarium("shop")
    app.autodiscover_tasks(["orders_g"], related_name=None, force=True)
    assert "orders_g" in sys.modules


def test_a_package_that_is_not_there_and_errors_inside_are_raised(folder: Path) -> None:
    package(folder, "broken_h", tasks="import no_such_library\n")
    for named, missing in (["nowhere_h"], "nowhere_h"), (["broken_h"], "no_such_library"):
        app = Horarium("shop")
        app.autodiscover_tasks(named)
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError, match=missing):
                app.finalize()


def test_without_packages_and_without_django_nothing_is_discovered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    app = Horarium("shop")
    app.autodiscover_tasks()
    app.finalize()


def test_threads_that_come_at_once_all_find_the_configuration(folder: Path) -> None:
    write(folder, shopconf="task_time_limit = 30\n")
    app = Horarium("shop")
    app.config_from_object("shopconf")
    gate = Barrier(8)

    def look() -> tuple[Any, int]:
        gate.wait(10)
        return app.conf.task_time_limit, app.conf.revision

    with ThreadPoolExecutor(8) as pool:
        found = [future.result(10) for future in [pool.submit(look) for _ in range(8)]]
    assert {limit for limit, _ in found} == {30}


def test_words_for_parts_that_are_not_there_are_taken() -> None:
    app = Horarium("shop", loader="app", amqp="x:AMQP", fixups=[], autofinalize=True, strict_typing=False)
    assert app.conf.without_defaults() == {}
    assert app.task(name="a")(lambda x: x).typing is False


def test_old_names_go_with_the_keywords_of_an_app() -> None:
    app = Horarium("shop", broker="redis://host/0", timezone="Asia/Tokyo", CELERYD_CONCURRENCY=2)
    assert (app.conf.store, app.conf.worker_concurrency, app.conf.timezone) == ("redis://host/0", 2, "Asia/Tokyo")
