"""Connections around tasks: fresh ones, none of a parent's, none in a transaction touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from depot import tasks
from django.db import transaction
from postgres_database import ALIAS, second_database
from site_process import Site

from horarium import signals
from horarium.contrib.django import hygiene
from servers import PostgresServer

ASK = """
import sys
from site_project.celery import app
print(app.send_task(sys.argv[1]).get(timeout=30))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def ask(site: Site, task: str) -> list[int]:
    """Return which session of the server and which process have run a task."""
    session, process = site.run("-c", ASK, f"depot.tasks.{task}").strip("[]\n").split(", ")
    return [int(session), int(process)]


@pytest.mark.once
@pytest.mark.parametrize("pool", ["process", "thread", "async"])
def test_a_server_that_restarts_between_two_tasks_costs_nothing_row_61(
    server: PostgresServer, tmp_path: Path, pool: str
) -> None:
    site = Site(tmp_path, database=server.url, SITE_CONN_MAX_AGE="600")
    task = "abackend" if pool == "async" else "backend"
    with site.start("manage.py", "horarium", "--skip-checks", "worker", "-c", "1", "-P", pool) as worker:
        worker.says("ready")
        before = ask(site, task)
        assert ask(site, task) == before  # the connection is kept, as CONN_MAX_AGE says
        server.stop("fast")
        server.start()
        after = ask(site, task)
    assert after[1] == before[1]  # it is the same child, which has opened a new connection


@pytest.mark.once
def test_a_connection_serves_so_many_tasks_as_db_reuse_max_says(server: PostgresServer, tmp_path: Path) -> None:
    site = Site(tmp_path, database=server.url, SITE_DB_REUSE_MAX="2")
    program = (
        "from horarium.contrib.django import hygiene; hygiene.keep_connections_clean()\n"
        "from horarium.testing import captured\n"
        "from site_project.celery import app\n"
        "with captured(app) as bench:\n"
        "    handles = [tasks.backend.delay() for _ in range(5)]\n"
        "    bench.run_until_idle()\n"
        "    print([handle.get()[0] for handle in handles])\n"
    )
    one, two, three, four, five = site.python(program).strip("[]\n").split(", ")
    assert one == two != three == four != five


FORK = """
import os
from django.db import connection
from django.core.cache import cache
from horarium import signals
from site_project.celery import app
mine = tasks.backend()
cache.set("a", 1)
if os.fork() == 0:
    signals.worker_process_init.send(None)
    print("child", tasks.backend()[0] != mine[0], flush=True)
    connection.close()
    os._exit(0)
os.wait()
print("parent", tasks.backend() == mine, cache.get("a"))
"""


@pytest.mark.once
def test_a_child_never_uses_or_ends_its_parents_connection(server: PostgresServer, tmp_path: Path) -> None:
    assert Site(tmp_path, database=server.url).python(FORK) == "child True\nparent True 1\n"


@pytest.fixture
def clean() -> Iterator[None]:
    """Connections are kept clean in this process, as in a worker's child."""
    hygiene.keep_connections_clean()
    yield
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.disconnect(dispatch_uid=hygiene.UID)
    hygiene.connection_created.disconnect(dispatch_uid=hygiene.UID)


def test_an_eager_run_leaves_the_connections_of_its_caller_alone(
    server: PostgresServer, clean: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), second_database(server) as connection:
        connection.ensure_connection()
        session = connection.connection
        tasks.nothing.apply()
        assert connection.connection is session
        with transaction.atomic(using=ALIAS), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            tasks.nothing.apply()
            hygiene_of_a_task(tasks.nothing.for_app(tasks.nothing.app))
            assert connection.connection is session


def test_a_connection_is_closed_after_a_task_as_after_a_request(
    server: PostgresServer, clean: None, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), second_database(server, CONN_MAX_AGE=0) as connection:
        connection.ensure_connection()
        hygiene_of_a_task(tasks.nothing.for_app(tasks.nothing.app))
        assert connection.connection is None


def hygiene_of_a_task(task: Any) -> None:
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.send(task, task=task)
