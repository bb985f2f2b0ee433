"""Which queue a task's messages go to, by ``task_routes``. Pure, but for the functions that users put among the routes.

``task_routes`` is one router or a list of them; the first that answers wins. A router is

- a dict (or a list of pairs) from a task's name, a glob (``shop.tasks.*``) or a compiled regular expression to a
  destination: exact names first, then the patterns in their order;
- a function ``(name, args, kwargs, options, task=None, **kw)`` that returns a destination or None;
- an object with ``route_for_task(task, args, kwargs)``, the older form of the same.

A destination is a queue's name or a dict of options: ``queue``, ``priority``, and others of a call. Strings that name a
router by its dotted path are imported by the app before they come here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct

from horarium.errors import ImproperlyConfigured

# What Celery routes by in RabbitMQ; a queue's name says it all here.
WITHOUT_EFFECT = frozenset({"exchange", "exchange_type", "delivery_mode", "serializer", "compression"})
# The options of a call that a route may choose besides.
ALSO = frozenset(
    "routing_key expires countdown time_limit soft_time_limit ignore_result max_retries headers retry acks_late".split()
)
_GLOB_MARKS = frozenset("*?[")


class Route(Struct, frozen=True, kw_only=True):
    """Where messages go. None: the routes do not say."""

    queue: str | None = None
    priority: int | None = None
    options: Mapping[str, Any] = {}  # others of a call that the route chooses
    by_call: bool = False  # a function among the routes must be asked for each call: do not keep this answer


def route(
    name: str,
    routes: Any,
    *,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    task: Any = None,
) -> Route:
    """Return the route of a task's message.

    Without ``args``, functions are not asked: the answer holds for every call of the task, unless ``by_call`` says
    that it depends on the call. Raises: ImproperlyConfigured for routes that cannot be read.
    """
    # Any for routes: what users write, see above; any for task: it is only handed on to their functions.
    by_call = False
    for router in _routers(routes):
        if _asks(router):
            by_call = True
            found = None if args is None else _asked(router, name, args, kwargs or {}, options or {}, task)
        else:
            found = _look_up(name, router)
        if found is not None:
            return _to_route(found, name, by_call)
    return Route(by_call=by_call)


def check_routes(routes: Any) -> None:
    """Raise ImproperlyConfigured unless every route can be read; asks no function."""
    for router in _routers(routes, dotted_paths=True):
        if isinstance(router, str) or _asks(router):
            continue
        for pattern, destination in _pairs(router):
            if not isinstance(pattern, str | re.Pattern):
                raise _unreadable("a task's name, a glob or a compiled regular expression", pattern)
            _to_route(destination, str(pattern), False)


def _routers(routes: Any, *, dotted_paths: bool = False) -> Iterator[Any]:
    if routes is None:
        return
    if not isinstance(routes, list | tuple):
        routes = [routes]
    for router in routes:
        if isinstance(router, str) and not dotted_paths:
            raise _unreadable("a router that has been imported", router)
        if not (_asks(router) or isinstance(router, str | Mapping | list | tuple)):
            raise _unreadable("a dict, a function or a dotted path", router)
        yield router


def _asks(router: Any) -> bool:
    return callable(router) or hasattr(router, "route_for_task")


def _asked(
    router: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any], task: Any
) -> Any:
    if hasattr(router, "route_for_task"):
        return router.route_for_task(name, args, kwargs)
    return router(name, args, kwargs, options, task=task)


def _is_pair(value: Any) -> bool:
    return len(value) == 2 and isinstance(value[0], str | re.Pattern) and isinstance(value[1], str | Mapping)


def _pairs(router: Any) -> list[tuple[Any, Any]]:
    if isinstance(router, Mapping):
        return list(router.items())
    if _is_pair(router):
        return [tuple(router)]
    if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in router):
        return [tuple(pair) for pair in router]
    raise _unreadable("pairs of a name and a destination", router)


def _look_up(name: str, router: Any) -> Any:
    pairs = _pairs(router)
    for key, destination in pairs:
        if key == name:
            return destination
    for key, destination in pairs:
        if isinstance(key, re.Pattern):
            if key.match(name):
                return destination
        elif not _GLOB_MARKS.isdisjoint(key) and fnmatchcase(name, key):
            return destination
    return None


def _to_route(destination: Any, name: str, by_call: bool) -> Route:
    if isinstance(destination, str):
        return Route(queue=destination, by_call=by_call)
    if not isinstance(destination, Mapping):
        raise _unreadable(f"the destination of {name} to be a queue's name or a dict", destination)
    known = WITHOUT_EFFECT | ALSO | {"queue", "priority"}
    unknown = destination.keys() - known
    if unknown:
        raise _unreadable(
            f"the destination of {name} to hold only {', '.join(sorted(known))}", sorted(map(str, unknown))
        )
    if destination.get("serializer", "json") != "json":
        raise _unreadable(f"the serializer of {name} to be 'json'", destination["serializer"])
    queue, priority = destination.get("queue"), destination.get("priority")
    queue = getattr(queue, "name", queue)  # one of kombu's queues
    if queue is None:
        queue = destination.get("routing_key")
    if queue is not None and (not isinstance(queue, str) or not queue):
        raise _unreadable(f"the queue of {name} to be a name", queue)
    if priority is not None and (type(priority) is not int or not 0 <= priority <= 255):
        raise _unreadable(f"the priority of {name} to be 0 to 9", priority)
    others = {key: destination[key] for key in destination.keys() & (ALSO - {"routing_key"})}
    return Route(queue=queue, priority=priority, options=others, by_call=by_call or bool(others))


def _unreadable(expected: str, got: object) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"task_routes: expected {expected}, got {got!r}; see the docs of task_routes")
