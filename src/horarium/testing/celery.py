"""Celery's testing package by its names: ``start_worker``, ``TestApp``, ``setup_default_app``, the trap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from horarium.app.current import chosen
from horarium.errors import ImproperlyConfigured
from horarium.testing import sandbox, worker
from horarium.testing.worker import ThreadWorker

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PING = "celery.ping"
POOLS = ("solo", "prefork", "processes", "threads", "thread", "process", "async")
# What a worker without processes, events and a broker connection has no use for.
WITHOUT_EFFECT = frozenset(
    "without_heartbeat without_mingle without_gossip heartbeat_interval ready_callback prefetch_multiplier statedb "
    "autoscale optimization max_tasks_per_child max_memory_per_child task_events send_events no_color".split()
)


class Trap:
    """Stands for the current app where a test must not depend on it: any use raises RuntimeError."""

    def __getattr__(self, name: str) -> Any:  # it never returns
        raise RuntimeError(
            f"expected the test to pass its app on, but something asked the current app for {name!r}; use the app "
            "of the fixture, or let use_celery_app_trap return False"
        )


@contextmanager
def set_trap(app: Horarium) -> Iterator[None]:
    """Let any use of the current app raise RuntimeError for the length of a ``with`` block."""
    with chosen(Trap()):
        yield


@contextmanager
def setup_default_app(app: Horarium, use_trap: bool = False) -> Iterator[None]:
    """Make ``app`` the current one (``use_trap``: none) for the length of a ``with`` block, and close it then."""
    with chosen(Trap() if use_trap else app):
        try:
            yield
        finally:
            app.close()


@contextmanager
def fixture_app(
    config: Mapping[str, Any], parameters: Mapping[str, Any], *, use_trap: bool = False
) -> Iterator[Horarium]:
    """Give a new app on a store in memory, unless ``config`` names another one, for the length of a ``with`` block.

    It is the current app; with ``use_trap`` nothing is.
    """
    with ExitStack() as stack:
        app = stack.enter_context(sandbox.sandbox(config, parameters, is_current=not use_trap))
        if use_trap:
            stack.enter_context(chosen(Trap()))
        yield app


def TestApp(
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    enable_logging: bool = False,
    set_as_current: bool = False,
    backend: str | None = None,
    broker: str | None = None,
    **parameters: Any,  # keyword arguments of Horarium
) -> Horarium:
    """Return a new app on a store in memory, unless ``config``, ``broker`` or ``backend`` name another one."""
    given = {"name": name, "set_as_current": set_as_current, "broker": broker, "backend": backend, **parameters}
    stack = ExitStack()
    app = stack.enter_context(sandbox.sandbox(config or {}, given, is_current=False))
    stack.pop_all()  # the caller closes it, if it opened anything
    return app


@contextmanager
def start_worker(
    app: Horarium,
    concurrency: int = 1,
    pool: str = "solo",
    loglevel: str | int = "error",
    logfile: str | None = None,
    perform_ping_check: bool = True,
    ping_task_timeout: float = 10.0,
    shutdown_timeout: float = 10.0,
    **options: Any,  # Celery's, of any type
) -> Iterator[ThreadWorker]:
    """Let a worker run in threads of this process for the length of a ``with`` block, whatever ``pool`` is asked for.

    ``queues`` (names, or one text with commas), ``hostname``, ``time_limit`` and ``soft_time_limit`` have their effect;
    ``loglevel`` and ``logfile`` none: what tasks log goes where the test's own log goes. Raises: ImproperlyConfigured
    for an option or a pool that is not known, RuntimeError when tasks have not ended within ``shutdown_timeout``.
    """
    chosen_options = _translated(pool, options)
    app.set_current()
    if PING not in app.tasks:
        app.add_task(ping, {"name": PING})
    with worker.start_worker(
        app, concurrency=concurrency, shutdown_timeout=shutdown_timeout, **chosen_options
    ) as started:
        if perform_ping_check:
            answer = app.send_task(PING, **_queue_of(chosen_options)).get(timeout=ping_task_timeout)
            assert answer == "pong", f"expected the worker to answer 'pong', got {answer!r}"
        yield started


def ping() -> str:
    """Answer ``pong``."""
    return "pong"


def _translated(pool: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if pool not in POOLS:
        raise ImproperlyConfigured(
            f"expected pool to be one of {', '.join(POOLS)}, got {pool!r}; in tests each of them is made of threads"
        )
    found: dict[str, Any] = {}
    for option, value in options.items():
        match option:
            case "queues":
                found["queues"] = _names(value)
            case "hostname" | "name":
                found["name"] = value
            case "time_limit" | "soft_time_limit":
                found[option] = value
            case _ if option not in WITHOUT_EFFECT:
                known = sorted({"queues", "hostname", "time_limit", "soft_time_limit"} | WITHOUT_EFFECT)
                raise ImproperlyConfigured(f"expected an option of start_worker ({', '.join(known)}), got {option!r}")
    return {option: value for option, value in found.items() if value is not None}


def _names(queues: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if queues is None:
        return None
    return tuple(name.strip() for name in queues.split(",")) if isinstance(queues, str) else tuple(queues)


def _queue_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"queue": options["queues"][0]} if options.get("queues") else {}
