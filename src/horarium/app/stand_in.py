"""Objects that stand for another one, which is looked up each time they are used: ``current_app``, ``current_task``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from horarium.app import current, request
from horarium.clock import SystemClock
from horarium.errors import ImproperlyConfigured
from horarium.message import new_id


class StandIn:
    """Whatever is asked of it, is asked of what ``find()`` returns at that moment. Raises what ``find`` raises.

    It is false where there is nothing to stand for, and an instance of the other's class as far as ``isinstance`` asks.
    """

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[], Any]) -> None:  # Any throughout: it may stand for anything
        object.__setattr__(self, "_find", find)

    def _get_current_object(self) -> Any:
        """Return what it stands for."""
        return object.__getattribute__(self, "_find")()

    @property  # type: ignore[misc]  # read-only, as no other object's
    def __class__(self) -> Any:
        try:
            return type(self._get_current_object())
        except ImproperlyConfigured:  # there is no app yet: then it is what it is
            return type(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._get_current_object(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._get_current_object(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._get_current_object(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._get_current_object()(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._get_current_object()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._get_current_object()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._get_current_object()[key]

    def __contains__(self, item: Any) -> bool:
        return item in self._get_current_object()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._get_current_object())

    def __len__(self) -> int:
        return len(self._get_current_object())

    def __enter__(self) -> Any:
        return self._get_current_object().__enter__()

    def __exit__(self, *exc: Any) -> Any:
        return self._get_current_object().__exit__(*exc)

    def __bool__(self) -> bool:
        return bool(self._get_current_object())

    def __eq__(self, other: object) -> bool:
        return bool(self._get_current_object() == other)

    def __hash__(self) -> int:
        return hash(self._get_current_object())

    def __dir__(self) -> list[str]:
        return dir(self._get_current_object())

    def __str__(self) -> str:
        return str(self._get_current_object())

    def __repr__(self) -> str:
        return repr(self._get_current_object())


class CurrentApp(StandIn):
    """The app of this thread or coroutine, else the newest one of the process: ``current_app.conf``.

    ``current_app()`` returns the app itself. Raises: ImproperlyConfigured when the process has none.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return current.find_current_app() is not None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return current.current_app()


def running_task() -> Any:
    """Return the task that runs in this thread or coroutine, or None."""
    name = request.current_task_name()
    return current.current_app().tasks[name] if name is not None else None


current_app = CurrentApp(current.current_app)
current_task = StandIn(running_task)


def uuid(_uuid: Any = None) -> str:
    """Return a new id, as those of runs are: a UUIDv7, which sorts by the time it was made. ``_uuid`` is Celery's and
    has no effect."""
    return new_id(SystemClock().now())
