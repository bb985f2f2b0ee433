"""What a signature's options are while it travels: everything that its declaration and the settings fill in, so that
whoever makes a message of it needs neither. Callbacks and errbacks travel beside them, as signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from horarium.app.keys import GIVEN, UNIQUE_OPTIONS, shape_of
from horarium.app.signature import Signature, listed_option
from horarium.app.wire import to_wire
from horarium.clock import milliseconds, to_instant
from horarium.message import Signature as WireSignature

CALL_ERRBACK = "celery.call_errback"  # the standard task for errbacks of (request, exc, traceback)
_TRAVELLING = frozenset("queue priority task_id time_limit soft_time_limit headers ignore_result max_retries".split())
_NOTHING: Mapping[str, Any] = {}


class Planner(Protocol):
    """The producer, as far as freezing needs it."""

    def plan(self, name: str) -> Any: ...  # producer.Plan

    def checked(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Any]: ...

    plans: Any  # Plans: it asks the routers

    def check_queue(self, plan: Any, queue: str) -> None: ...


class Freezing:
    """Freezes signatures for the producer whose plans and settings it asks."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.plan = planner.plan

    def options(
        self, name: str, options: Mapping[str, Any], args: Sequence[Any] = (), kwargs: Mapping[str, Any] = _NOTHING
    ) -> dict[str, Any]:
        """Return a signature's options as they travel: times in milliseconds, or relative to the moment of sending.
        Routers are shown the arguments that it has by now; ``args`` begin with keys.GIVEN where the value of another
        run will be put in front. Raises: InvalidArguments, EncodingError, QueueNotFound."""
        plan = self.plan(name)
        if plan.routes_by_call:
            known = [value for value in args if value is not GIVEN]
            options = self._planner.plans.routed(name, plan.definition, known, kwargs, options)
        options = self._planner.checked(name, options)
        frozen = {key: value for key, value in options.items() if key in _TRAVELLING}
        frozen.setdefault("queue", options.get("routing_key", plan.queue))
        self._planner.check_queue(plan, frozen["queue"])
        if not plan.inherits_priority:  # else it is that of the task before
            frozen.setdefault("priority", plan.priority)
        if not options["acks_late"] if "acks_late" in options else plan.at_most_once:
            frozen["at_most_once"] = True
        if plan.ignore_result:
            frozen.setdefault("ignore_result", True)
        if "countdown" in options:
            frozen["countdown"] = milliseconds(options["countdown"]) / 1000
        if "eta" in options:
            frozen["eta"] = to_instant(options["eta"])
        expires = options.get("expires", plan.expires_ms / 1000 if plan.expires_ms is not None else None)
        if isinstance(expires, datetime):
            frozen["expires"] = to_instant(expires)
        elif expires is not None:
            frozen["expires_in"] = expires.total_seconds() if isinstance(expires, timedelta) else float(expires)
        if plan.shapes or not UNIQUE_OPTIONS.isdisjoint(options):
            shape = shape_of(name, plan.definition, args, kwargs, options)
            frozen |= {key: msgspec.to_builtins(value) for key in ("slot", "unique") if (value := getattr(shape, key))}
            if shape.wait is not None and "eta" not in frozen:
                frozen.setdefault("countdown", shape.wait)
        return frozen

    def links(self, links: Any) -> tuple[WireSignature, ...]:
        """Return callbacks as they travel. Raises: InvalidArguments for what is no signature."""
        return tuple(to_wire(Signature.from_dict(link), self, is_given=True) for link in listed_option(links))

    def errbacks(self, errbacks: Any) -> tuple[WireSignature, ...]:
        """The same for errbacks. One that can be called with (request, exc, traceback) in front is called so, by a
        standard task that has them; the others get the failed run's id. Of one that is not known here, it decides."""
        frozen = []
        for errback in listed_option(errbacks):
            signature = Signature.from_dict(errback)
            if self._may_want_the_exception(signature):
                place = {"queue": self.plan(signature.name).queue, **_place_of(signature.options)}
                signature = Signature(CALL_ERRBACK, (signature,), options=place)
            frozen.append(to_wire(signature, self, is_given=True))
        return tuple(frozen)

    def _may_want_the_exception(self, errback: Signature) -> bool:
        if errback.immutable or errback.subtask_type:
            return False
        task = self.plan(errback.name).definition
        return task is None or bool(task.arguments.takes_more_than(2 + len(errback.args)))


def _place_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {option: options[option] for option in ("queue", "priority", "task_id") if option in options}
