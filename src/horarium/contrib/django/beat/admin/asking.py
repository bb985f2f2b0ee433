"""Questions to the app and its store, for pages that must load whatever the answer is.

A store that does not answer takes a page its patience once, some seconds at the most. After that nothing is asked for a
while, so that the pages around it load at once.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from horarium.app.current import find_current_app
from horarium.clock import Seconds
from horarium.contrib.django.beat.admin.words import plain
from horarium.errors import EngineUnavailable, HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

R = TypeVar("R")

QUIET: Seconds = 10.0  # after a question without an answer


class NoAnswer(Exception):  # it is none of the pages' errors: they load all the same
    """The store was not asked, or did not answer. Its text is for people."""


def the_app() -> Horarium | None:
    """Return the project's app, None if it has none."""
    app: Horarium | None = find_current_app()
    return app


def ask(app: Horarium | None, question: Callable[[Engine], R]) -> R:
    """Return what the store answers. Raises: NoAnswer."""
    if app is None:
        raise NoAnswer("this project has no Horarium app: make one in its celery.py, and import that in __init__.py")
    now = app.clock.monotonic()
    with _lock:
        until, reason = _silent.get(app, (0.0, ""))
    if now < until:
        raise NoAnswer(reason)
    try:
        return question(app.engine)
    except HorariumError as error:
        reason = f"the store {app.connection.shown[0]} does not answer: {plain(error)}"
        if isinstance(error, EngineUnavailable):
            with _lock:
                _silent[app] = (app.clock.monotonic() + QUIET, reason)
        raise NoAnswer(reason) from error


def forget_silence(app: Horarium) -> None:
    """Ask again at once: somebody wants something done, and will wait for it."""
    with _lock:
        _silent.pop(app, None)


_lock = Lock()  # guards _silent
_silent: WeakKeyDictionary[Horarium, tuple[Seconds, str]] = WeakKeyDictionary()  # until when, and why
