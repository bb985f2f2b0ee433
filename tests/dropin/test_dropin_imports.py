"""`import celery` brings Horarium; what there is not says what to use instead."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from types import ModuleType

import pytest

import horarium
from horarium import dropin, dropin_names
from horarium.dropin import names
from horarium.dropin.facade import has_source
from horarium.errors import ImproperlyConfigured

# A program whose environment has no kombu, and one that has a celery.
WITHOUT_KOMBU = """
import sys
from importlib.machinery import PathFinder
class Hiding:
    find_spec = staticmethod(
        lambda name, path=None, target=None:
            None if name.partition(".")[0] in ("kombu", "billiard") else PathFinder.find_spec(name, path, target))
sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
from horarium import dropin
dropin.install()
"""


def program(text: str, *path: str) -> str:
    """Run a program in a process of its own; return what it prints on either stream."""
    prelude = f"import sys; sys.path[:0] = {list(path)!r}\n"
    done = subprocess.run([sys.executable, "-c", prelude + text], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.usefixtures("mode")
def test_the_names_of_celery_are_those_of_horarium() -> None:
    import celery
    from celery import Celery, Task, current_app, shared_task
    from celery.app.task import Task as AppTask
    from celery.contrib.abortable import AbortableTask
    from celery.exceptions import Ignore, OperationalError, Retry
    from celery.result import AsyncResult
    from celery.schedules import crontab
    from celery.utils.log import get_task_logger

    assert Celery is horarium.Horarium is horarium.Celery
    assert Task is AppTask is horarium.Task
    assert shared_task is horarium.shared_task
    assert current_app is horarium.current_app
    assert AsyncResult is horarium.AsyncResult
    assert crontab is horarium.crontab is celery.schedules.crontab
    assert (Ignore, Retry) == (horarium.Ignore, horarium.Retry)
    assert issubclass(OperationalError, Exception) and issubclass(AbortableTask, Task)
    assert get_task_logger("shop").name == "shop"


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    "module", sorted(name for name in names.SHIMS if name.startswith("celery") and has_source(name))
)
def test_every_module_of_the_table_that_is_there_has_the_names_it_lists(module: str) -> None:
    facade = importlib.import_module(module)
    for source, listed in names.sources_of(module):
        if importlib.util.find_spec(source) is not None and source.startswith("horarium.dropin."):
            assert [name for name in listed or () if not hasattr(facade, name)] == []


@pytest.mark.usefixtures("mode")
def test_a_module_can_be_asked_for_its_names_and_its_submodules() -> None:
    import celery

    assert {"Celery", "shared_task", "schedules", "result"} <= set(dir(celery))
    assert celery.contrib.abortable.ABORTED == "ABORTED"
    namespace: dict[str, object] = {}
    exec("from celery import *", namespace)
    assert namespace["shared_task"] is horarium.shared_task
    assert "_read" not in dir(celery.utils)


@pytest.mark.usefixtures("mode")
def test_the_version_passes_the_checks_of_others() -> None:
    import celery

    assert celery.__version__ == f"5.7.0+horarium.{horarium.__version__}"
    assert celery.VERSION >= (5, 4) and celery.version_info.major == 5


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("import celery.bootsteps", "use the signals worker_init"),
        ("from celery import bootsteps", "use the signals worker_init"),
        ("import celery.worker.control", "use signals, hooks of Task"),
        ("from celery.result import Nonsense", "'celery.result.Nonsense'"),
        ("from celery import shred_task", "did you mean 'shared_task'?"),
        ("from celery.exceptions import TaskRevokedEror", "did you mean 'TaskRevokedError'?"),
        ("import celery.security", "protect the way to the store"),
        ("from celery.task import task", "use @app.task or @shared_task"),
    ],
)
def test_an_import_of_what_there_is_not_says_what_to_use(statement: str, said: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement)
    assert said in str(caught.value)
    assert str(caught.value).startswith("expected ")


@pytest.mark.usefixtures("mode")
def test_an_attribute_that_there_is_not_says_so_and_can_be_asked_for() -> None:
    import celery

    assert not hasattr(celery, "nonsense")
    with pytest.raises(AttributeError, match=r"got 'celery\.bootsteps'.*use the signals"):
        _ = celery.bootsteps


@pytest.mark.usefixtures("mode")
def test_a_module_that_another_branch_of_the_table_promises_is_named_until_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(names.SHIMS, "celery.utils.dispatch", ("horarium.not_there:Signal",))
    with pytest.raises(ImportError, match=r"horarium\.not_there"):
        importlib.import_module("celery.utils.dispatch")


def test_the_real_celery_when_imported_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", ModuleType("celery"))
    with pytest.raises(ImproperlyConfigured, match="to begin before celery is imported"):
        dropin.install()
    assert not dropin.is_installed()


def test_a_celery_that_is_only_installed_is_hidden(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "celery").mkdir()
    (folder / "celery" / "__init__.py").write_text("__version__ = 'the real one'\n")
    script = "from horarium import dropin; dropin.install(); import celery; print(celery.__version__)\n"
    told = program(script + "print(dropin.installed_celery())", str(folder))
    assert told.splitlines() == [f"5.7.0+horarium.{horarium.__version__}", str(folder / "celery" / "__init__.py")]


def test_installing_twice_and_ending_it_are_fine() -> None:
    dropin.install()
    dropin.install()
    try:
        assert dropin.is_installed()
        importlib.import_module("celery")
    finally:
        dropin.uninstall()
    dropin.uninstall()
    assert not dropin.is_installed() and "celery" not in sys.modules
    with pytest.raises(ImportError):
        importlib.import_module("celery")


def test_installing_imports_nothing_of_the_app_by_itself() -> None:
    script = "import sys; from horarium.dropin import names, finder; print('horarium.dropin.top' in sys.modules)"
    assert program(script).split() == ["False"]


def test_kombus_words_are_there_where_kombu_is_not() -> None:
    told = program(
        WITHOUT_KOMBU + "from kombu import Exchange, Queue, binding\n"
        "from kombu.utils.uuid import uuid\nfrom kombu.utils.json import dumps, loads\n"
        "from billiard.exceptions import WorkerLostError\n"
        "queue = Queue('mail', Exchange('mail', type='topic'), routing_key='mail.#', durable=True)\n"
        "print(queue.name, queue.exchange.name, queue.exchange.type, queue.routing_key, len(uuid()))\n"
        "print(loads(dumps({'a': 1})), queue == Queue('mail', Exchange('mail', type='topic'), 'mail.#'))\n"
        "from kombu import Connection\n"
    )
    assert told.splitlines()[:2] == ["mail mail topic mail.# 36", "{'a': 1} True"]
    assert "there is no broker: name queues by text" in told


def test_what_kombu_does_and_we_do_not_is_refused_at_the_call() -> None:
    told = program(WITHOUT_KOMBU + "from kombu.serialization import register\nregister('pickle', None, None)")
    assert "expected messages to be JSON, got the serializer 'pickle'" in told
    told = program(WITHOUT_KOMBU + "from kombu.common import Broadcast\nBroadcast('all')")
    assert "expected a queue whose messages go to one worker each" in told


def test_a_kombu_that_is_installed_is_left_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("site")
    (folder / "kombu").mkdir()
    (folder / "kombu" / "__init__.py").write_text("Queue = 'the real one'\n")
    (folder / "kombu" / "pools.py").write_text("")
    script = "from horarium import dropin; dropin.install(); import kombu.pools; print(kombu.Queue)"
    assert program(script, str(folder)).split("\n")[0] == "the real one"


def test_the_two_tables_agree_on_what_they_know() -> None:
    known = {name for name in (*names.SHIMS, *dropin_names.MODULES) if name.startswith("celery")}
    assert [name for name in known if not names.is_known(name)] == []
    assert [name for name in names.SHIMS if not dropin_names.is_theirs(name)] == []
