"""What all calls of a task have in common, worked out once from its declaration, the routes and the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from horarium.app.annotations import annotate
from horarium.app.definition import Definition
from horarium.app.keys import has_shape
from horarium.app.registry import Registry
from horarium.app.request import Request
from horarium.clock import milliseconds
from horarium.errors import ImproperlyConfigured
from horarium.priority import read_priority
from horarium.routing import route
from horarium.settings import Settings

D = TypeVar("D", bound=Definition)


class Plan(Struct, frozen=True, kw_only=True):
    """What all messages of a task have in common, made from its declaration and one revision of the settings."""

    definition: Definition | None
    revision: int
    routes_by_call: bool  # a function among the routes wants to see each call
    queue: str
    queues: frozenset[str] | None  # the only ones there are; None: any
    priority: int
    inherits_priority: bool  # a task that calls passes its own on
    expires_ms: int | None
    at_most_once: bool
    ignore_result: bool
    limit_bytes: int
    checks: bool
    shapes: bool  # arguments make a slot or a unique key

    def priority_under(self, parent: Request | None) -> int:
        """Return the priority of a call that names none, made by the task that runs here, if one does."""
        if not self.inherits_priority or parent is None or parent.message is None:
            return self.priority
        return parent.message.priority


class Plans:
    """The plans of one app's tasks, each kept until its declaration or the settings change. Safe from any thread."""

    def __init__(self, conf: Settings, tasks: Registry[D]) -> None:
        self._conf = conf
        self._tasks = tasks
        self._plans: dict[str, Plan] = {}

    def of(self, name: str) -> Plan:
        """Return the plan of a task; one that is not registered here is sent by the settings alone."""
        plan, definition = self._plans.get(name), self._tasks.get(name)
        if plan is None or plan.definition is not definition or plan.revision != self._conf.revision:
            plan = self._plans[name] = self._made(name, definition)
        return plan

    def priority(self, written: int) -> int:
        """Return the priority that one means which was written in the settings' scheme. Raises: ValueError."""
        return read_priority(written, self._conf.task_priority_scheme, self._conf.task_queue_max_priority)

    def routed(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """Return the options of a call with what the routes say of it, where it does not say so itself."""
        chosen = route(name, self._routes(), args=args, kwargs=kwargs, options=options, task=task)
        found = {**chosen.options, "queue": chosen.queue, "priority": chosen.priority}
        return {key: value for key, value in found.items() if value is not None} | dict(options)

    def _made(self, name: str, task: Definition | None) -> Plan:
        conf = self._conf
        if task is not None:
            annotate(task, conf.task_annotations)
        chosen = route(name, self._routes())
        acks_late = _first(task.acks_late if task else None, conf.task_acks_late, True)
        expires = task.expires if task else None
        priority = self._priority(name, _first(task.priority if task else None, chosen.priority))
        own_queue = (task.queue or task.routing_key) if task else None
        return Plan(
            definition=task,
            revision=conf.revision,
            routes_by_call=chosen.by_call and own_queue is None,
            queue=_first(own_queue, chosen.queue, conf.task_default_queue),
            queues=_only_queues(conf),
            priority=_first(priority, conf.task_default_priority),
            inherits_priority=conf.task_inherit_parent_priority and priority is None,
            expires_ms=milliseconds(expires) if expires is not None else None,
            at_most_once=not acks_late,
            ignore_result=bool(_first(task.ignore_result if task else None, conf.task_ignore_result)),
            limit_bytes=conf.max_payload_bytes,
            checks=task.typing if task else False,
            shapes=has_shape(task),
        )

    def _priority(self, name: str, priority: int | None) -> int | None:
        """Return what a declaration or a route means by a priority."""
        try:
            return self.priority(priority) if priority is not None else None
        except ValueError as error:
            raise ImproperlyConfigured(
                f"expected the priority of {name} to be {error}; got {priority}, correct its declaration or route"
            ) from error

    def _routes(self) -> list[Any]:
        """Return the routers of the settings, those given as dotted paths imported."""
        routes = self._conf.task_routes
        listed = routes if isinstance(routes, list | tuple) else [routes]
        return [_imported(router) if isinstance(router, str) else router for router in listed if router is not None]


def _only_queues(conf: Settings) -> frozenset[str] | None:
    if conf.task_create_missing_queues:
        return None
    return frozenset((*(conf.task_queues or ()), conf.task_default_queue))


def _first(*values: Any) -> Any:
    """Return the first value that somebody chose."""
    return next((value for value in values if value is not None), None)


def _imported(path: str) -> Any:
    """Return a router by its dotted path; an instance of it if it is a class of routers."""
    from importlib import import_module

    module, _, attribute = path.replace(":", ".").rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"task_routes: expected the dotted path of a function or dict, got {path!r} ({error}); mend the path"
        ) from error
    return found() if isinstance(found, type) and hasattr(found, "route_for_task") else found
