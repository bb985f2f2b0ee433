"""What Django's transactions add to a call, and clean connections to a task: ``python bench/django_on_commit.py``.

Prints microseconds for each of 10,000 ``delay_on_commit`` in one transaction, beside what the store alone takes for
such a put, and what is open before and after. PostgreSQL is a server of its own (tests/servers.py) on tmpfs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

CALLS = 10_000
TASKS = 20_000


def main() -> None:
    """Measure, and print one line for each figure."""
    from servers import PostgresServer

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder, PostgresServer() as server:
        connections = _django(Path(folder), server)
        for name, alias, store, outbox in (
            ("memory, after the commit", "default", "memory://", False),
            ("SQLite, after the commit", "default", f"sqlite:///{folder}/store.db", False),
            ("SQLite, by the outbox", "default", f"sqlite:///{folder}/store.db", True),
            ("PostgreSQL, in the transaction", "bank", server.url, False),
        ):
            _sending(name, alias, store, outbox)
        _hygiene(connections["bank"])


def _django(folder: Path, server: Any) -> Any:
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    bank = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": "127.0.0.1"}
    settings.configure(
        INSTALLED_APPS=["horarium.contrib.django"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "site.sqlite3"},
            "bank": {**bank, "PORT": server.port, "CONN_MAX_AGE": None},
        },
        HORARIUM_OUTBOX=False,
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    return connections


def _sending(name: str, alias: str, store: str, outbox: bool) -> None:
    from django.conf import settings
    from django.db import connections, transaction

    from horarium import Horarium
    from horarium.contrib.django.task import DjangoTask

    settings.HORARIUM_OUTBOX = outbox
    app = Horarium(name, store=store, task_cls=DjangoTask)

    @app.task(name="nothing")
    def nothing(number: int) -> None: ...

    task: Any = nothing
    with transaction.atomic(using=alias):
        task.apply_async_on_commit((0,), using=alias)
    before = _open_files()
    messages = [app.producer.announced("nothing", nothing, (number,), {}, {}) for number in range(CALLS // 5)]
    if alias == "bank":
        with transaction.atomic(using=alias):
            raw = connections[alias].connection
            alone = _each(lambda number: app.engine.queue.put_in(raw, [messages[number]], now=app.now(), is_fresh=True))
    else:
        alone = _each(lambda number: app.producer.dispatch([messages[number]]))
    watch = Watch()
    with transaction.atomic(using=alias):
        for number in range(CALLS):
            task.apply_async_on_commit((number,), using=alias)
    wall, cpu = watch.read(CALLS)
    print(
        f"{name:32} {wall:7.1f} us a call, {cpu:6.1f} of CPU; a put alone {alone[0]:7.1f} and {alone[1]:6.1f}: "
        f"{wall - alone[0]:6.1f} beyond, {cpu - alone[1]:5.1f} of CPU; files open {before} -> {_open_files()}"
    )
    app.close()


def _hygiene(connection: Any) -> None:
    from django.db import connections

    from horarium import Horarium, signals
    from horarium.contrib.django import hygiene

    app = Horarium("hygiene", store="memory://")

    @app.task(name="idle")
    def idle() -> None: ...

    hygiene.keep_connections_clean()
    connection.ensure_connection()
    connections["default"].ensure_connection()
    watch = Watch()
    for _ in range(TASKS):
        for signal in (signals.task_prerun, signals.task_postrun):
            signal.send(idle, task=idle)
    wall, cpu = watch.read(TASKS)
    print(f"clean connections, with two databases open: {wall:.1f} us a task, {cpu:.1f} of CPU")


def _each(put: Callable[[int], Any]) -> tuple[float, float]:
    """Return how many microseconds one call takes, on the wall's clock and of this process's CPU."""
    watch = Watch()
    for number in range(CALLS // 5):
        put(number)
    return watch.read(CALLS // 5)


class Watch:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self, number: int) -> tuple[float, float]:
        """Return the microseconds of each of so many things."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return wall / number * 1e6, cpu / number * 1e6


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


if __name__ == "__main__":
    main()
