"""What an example says of itself, so that it can be run and watched: its module ``show`` has one as ``SHOW``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from horarium import Horarium


def nothing_outside(folder: Path) -> AbstractContextManager[Mapping[str, str]]:
    """The outside of an example that speaks to nobody."""
    return nullcontext({})


def django_app(project: str) -> Callable[[], Horarium]:
    """Return what loads the app of a Django project: that of ``<project>.celery``, with all its models."""

    def load() -> Horarium:
        import django

        app: Horarium = import_module(f"{project}.celery").app
        django.setup()
        return app

    return load


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """One example. Two variables are set for it before anything of it is imported: ``<NAME>_RUN``, the folder in which
    it keeps all its files, and ``<NAME>_DEMO``, ``1`` when its schedules are to fire every few seconds.

    ``outside`` opens the servers that its tasks speak to, and gives the variables that say where they are. ``facts``
    tells what the work has come to, by name; it is called several times a second.
    """

    name: str
    app: str  # as after `horarium -A`
    load: Callable[[], Horarium]
    facts: Callable[[], Mapping[str, str]]
    outside: Callable[[Path], AbstractContextManager[Mapping[str, str]]] = nothing_outside
    prepare: Sequence[Sequence[str]] = ()  # arguments of Python; each is run to its end before the worker starts
    worker: Sequence[str] = ("-B", "-c", "2")  # more arguments of `horarium worker`
    site: Sequence[str] | None = None  # the project's own web server: arguments of Python, ``{port}`` in them
    zone: str = "UTC"
    hint: str = ""  # one line below the heading
