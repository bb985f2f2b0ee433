"""Where the definitions of schedules come from: the code of the app, or a database that people edit.

A scheduler has one source. It brings its definitions into the store, and keeps them there as they change; that each
firing happens once is the store's doing, whatever the source. Which one it is, the setting ``beat_scheduler`` says, in
the words that Celery's users know.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from horarium.clock import Instant, Seconds
from horarium.errors import ImproperlyConfigured
from horarium.event import Observer
from horarium.scheduler.sync import sync

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

DJANGO = "horarium.contrib.django.beat.schedulers:DatabaseScheduler"
# What Celery's projects write, and whose work the store does here anyway.
CODE = frozenset(
    {
        "celery.beat:PersistentScheduler",
        "celery.beat:Scheduler",
        "redbeat:RedBeatScheduler",
        "redbeat.schedulers:RedBeatScheduler",
        "code",
    }
)
ALIASES = {
    "django": DJANGO,
    "database": DJANGO,
    "django_celery_beat.schedulers:DatabaseScheduler": DJANGO,
}


class Source(Protocol):
    """Definitions of schedules, and the way to keep the store's like them. Used by one thread.

    ``every``: how long it may go unasked at the most, None: as long as it pleases the scheduler. What ``follow`` and
    ``fired`` raise is told once: the scheduler fires what is stored, and asks again.
    """

    every: Seconds | None

    def begin(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        """Store what is defined now, before the first firing; return how many schedules that changed.

        A source that may be large does nothing here, and all in ``follow``. Raises: ImproperlyConfigured when it can
        never work; what the code of the app raises.
        """
        ...

    def follow(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        """Store what has been edited since; return how many schedules that changed.

        Called before every look at what is due, about once a second at least. It takes a fraction of a second, and
        leaves what does not fit into that to its next call.
        """
        ...

    def fired(self, names: Sequence[str], engine: Engine, *, now: Instant) -> None:
        """Learn which schedules have moved on, to show it where people look."""
        ...

    def close(self) -> None:
        """Let go of what is open. The scheduler ends."""
        ...


class CodeSource:
    """The definitions in the code of an app: stored once, at the start."""

    every: Seconds | None = None

    def __init__(self, app: Horarium) -> None:
        self._app = app

    def begin(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        return sync(self._app, engine, now=now, observer=observer)

    def follow(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        return 0

    def fired(self, names: Sequence[str], engine: Engine, *, now: Instant) -> None:
        """Nobody looks at code for that."""

    def close(self) -> None:
        """There is nothing open."""


def source_for(app: Horarium) -> Source:
    """Return the source that the setting ``beat_scheduler`` names. Raises: ImproperlyConfigured.

    A class at a dotted path of one's own is taken if it has ``source(app)``, as DatabaseScheduler has.
    """
    named = app.conf.beat_scheduler
    path = path_of(named)
    if path is None:
        return CodeSource(app)
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"expected beat_scheduler to name a source of schedules, got {named!r} ({error}); leave it out for those "
            "of the code, or write 'django' for Django's tables (pip install 'horarium[django]')"
        ) from error
    make = getattr(found, "source", None)
    if not callable(make):
        raise ImproperlyConfigured(
            f"expected beat_scheduler to name a source of schedules, got {named!r}, which has no source(app); a "
            "scheduler of one's own has no place, for the store fires each schedule once: derive from "
            f"{DJANGO}, or leave it out"
        )
    made: Source = make(app)
    return made


def path_of(named: str | None) -> str | None:
    """Return the path of the source that a value of ``beat_scheduler`` names, as ``module:name``; None for the code."""
    if named is None:
        return None
    path = named if ":" in named or "." not in named else ":".join(named.rsplit(".", 1))
    path = ALIASES.get(path, path)
    return None if path in CODE else path
