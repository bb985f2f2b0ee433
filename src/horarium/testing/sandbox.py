"""Apps for the fixtures: a new one, or the project's own, on a store that belongs to the tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

from horarium.app import current
from horarium.app.app import Horarium
from horarium.errors import ImproperlyConfigured
from horarium.testing.bench import Bench, bench_of, captured, new_engine
from horarium.testing.clock import VirtualClock

NAME = "horarium.tests"
STORES = ("store", "broker_url", "result_backend")
KEPT_IN_MEMORY = ("memory:", "cache+memory:", "cache", "rpc:")  # Celery's addresses of what ends with the process


@contextmanager
def sandbox(
    config: Mapping[str, Any],
    parameters: Mapping[str, Any],
    includes: Sequence[str] = (),
    *,
    project: Horarium | None = None,
    is_current: bool = True,
) -> Iterator[Horarium]:
    """Give an app for the length of a ``with`` block: ``project`` or a new one, with these settings on top.

    Its store is in memory and its own, unless the settings of a new app name another one.
    """
    with ExitStack() as stack:
        app = _new(config, parameters, stack) if project is None else _borrowed(project, config, stack)
        if is_current:
            stack.enter_context(current.chosen(app))
        for module in includes:
            import_module(module)
        app.finalize()
        yield app


def bench(app: Horarium) -> Bench:
    """Return the bench of an app from a fixture. Raises: ImproperlyConfigured if its store is not in memory."""
    found = bench_of(app)
    if found is None:
        raise ImproperlyConfigured(
            f"expected an app on a store in memory, whose time can be moved, got {app!r}; leave store and broker_url "
            "out of the test's settings"
        )
    return found


def locate(path: str) -> Horarium:
    """Return the app that ``module:attribute`` names. Raises: ImproperlyConfigured."""
    module, _, attribute = path.partition(":")
    try:
        app = getattr(import_module(module), attribute or "app")
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"expected the ini option horarium_app to name an app, as in shop.tasks:app, got {path!r}: {error}"
        ) from error
    if not isinstance(app, Horarium):
        raise ImproperlyConfigured(f"expected the ini option horarium_app to name a Horarium, {path!r} is {app!r}")
    return app


def _new(config: Mapping[str, Any], parameters: Mapping[str, Any], stack: ExitStack) -> Horarium:
    given = dict(parameters)
    for short, setting in (("broker", "broker_url"), ("backend", "result_backend")):
        if given.get(short) is not None:
            config = {**config, setting: given[short]}
        given.pop(short, None)
    given = {"set_as_current": False, **given}
    name = given.pop("main", None) or given.pop("name", None) or NAME
    if not _is_in_memory(config):
        app = Horarium(name, **given)
        app.conf.update(config)
        stack.callback(app.close)
        return app
    clock = VirtualClock()
    owners: list[Horarium] = []
    app = Horarium(name, engine=new_engine(clock, owners), clock=clock, **given)
    owners.append(app)
    app.conf.update({key: value for key, value in config.items() if _plain(key) not in STORES or value is None})
    return app


def _borrowed(app: Horarium, config: Mapping[str, Any], stack: ExitStack) -> Horarium:
    for key, value in config.items():
        before = app.conf[key]
        app.conf[key] = value
        stack.callback(app.conf.__setitem__, key, before)
    stack.enter_context(captured(app))
    return app


def _is_in_memory(config: Mapping[str, Any]) -> bool:
    return all(
        value is None or (isinstance(value, str) and value.startswith(KEPT_IN_MEMORY))
        for key, value in config.items()
        if _plain(key) in STORES
    )


def _plain(key: str) -> str:
    return key.lower().removeprefix("celery_")
