"""People whom another application knows: a function of its own says who is behind a request."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeAlias

from starlette.requests import HTTPConnection

from horarium.dashboard.person import Person
from horarium.errors import ImproperlyConfigured

Knower: TypeAlias = Callable[[HTTPConnection], Person | None]


class Asked:
    """Ask a function, once for each request and in a thread. Raises: ImproperlyConfigured for a coroutine function."""

    def __init__(self, function: Knower) -> None:
        if inspect.iscoroutinefunction(function):
            raise ImproperlyConfigured(
                f"expected a plain function that says who asks, got the coroutine function {function.__qualname__}; it "
                "is called in a thread, where it may block"
            )
        self._function = function

    def person(self, connection: HTTPConnection) -> Person | None:
        found = self._function(connection)
        if found is not None and not isinstance(found, Person):
            raise TypeError(f"expected a Person or None of who asks, got {type(found).__name__}")
        return found
