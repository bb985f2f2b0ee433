"""From a call to a stored message: checks, encodes, routes, puts, notifies.

Everything that does not depend on the single call is worked out once per task and kept until the settings change.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from msgspec import Raw, Struct

from horarium import codec, signals
from horarium.app.annotations import annotate
from horarium.app.connection import Connection
from horarium.app.definition import Definition
from horarium.app.freezing import Freezing
from horarium.app.options import CALLED, NO_EFFECT_ON_CALL, misfit
from horarium.app.outbox import Outbox, put_now
from horarium.app.registry import Registry, nearest
from horarium.app.request import Request, current_request
from horarium.app.signalling import after_publish, before_publish
from horarium.app.signature import Signature
from horarium.app.transaction import joined_by
from horarium.clock import Instant, Seconds, milliseconds, to_instant
from horarium.errors import EngineUnavailable, ImproperlyConfigured, InvalidArguments, InvalidLimits, QueueNotFound
from horarium.message import NO_ARGS, NO_KWARGS, Cause, Message, new_id
from horarium.routing import route
from horarium.settings import Settings

PUBLISH_BATCH = 1000  # messages in one transaction of send_many: spares flushes, and still lets others in
LONGEST_ID = 200  # bytes of a message's id: what a worker's shared memory has room for
OPTIONS = frozenset(
    "countdown eta expires queue priority task_id retry time_limit soft_time_limit headers ignore_result link "
    "link_error max_retries acks_late root_id parent_id routing_key serializer shadow reply_to add_to_parent".split()
) | frozenset(NO_EFFECT_ON_CALL)
_IN_HEADERS = ("shadow", "reply_to")  # options that travel as headers
# The options of a signature that travel as they are.
_AS_IT_IS = frozenset("queue priority time_limit soft_time_limit ignore_result".split())
_AMENDING = _AS_IT_IS | {"headers", "expires", "link", "link_error"}
_WITHOUT_A_RETRY = {"add_to_parent", "serializer", "retry"}  # fit a retry, which needs none of them

D = TypeVar("D", bound=Definition)

_NOTHING: Mapping[str, Any] = {}


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


class Producer:
    """The one way by which messages are made and sent. Safe to use from any thread."""

    def __init__(self, connection: Connection, conf: Settings, tasks: Registry[D], random: Random) -> None:
        self._connection = connection
        self._conf = conf
        self._tasks = tasks
        self._random = random
        self._outbox = Outbox(connection)
        self.freezing = Freezing(self)
        self._plans: dict[str, Plan] = {}
        self._origin = ""
        self._origin_pid = 0
        self.after_sending: Callable[[], None] | None = None  # called when a call has stored its messages: for tests

    def send(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Message:
        """Store the message of one call and return it. See Task.apply_async for the law."""
        message = self.message(name, task, args, kwargs, options)
        if signals.before_task_publish.receivers:
            message = before_publish(message)
        self._put([message], retry=options.get("retry", True))
        if self.after_sending is not None:
            self.after_sending()
        if signals.after_task_publish.receivers:
            after_publish(message)
        return message

    def send_many(self, calls: Sequence[Signature | tuple[Any, ...]]) -> list[Message]:
        """Store the messages of many calls in few transactions; see Horarium.send_many."""
        messages = [self._message_of(call) for call in calls]
        self.store(messages)
        return messages

    def store(self, messages: Sequence[Message]) -> None:
        """Store messages that are made, in few transactions and in their order."""
        if signals.before_task_publish.receivers:
            messages = list(map(before_publish, messages))
        for start in range(0, len(messages), PUBLISH_BATCH):
            self._put(list(messages[start : start + PUBLISH_BATCH]), retry=True)
        if self.after_sending is not None:
            self.after_sending()
        if signals.after_task_publish.receivers:
            for message in messages:
                after_publish(message)

    def message(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Message:
        """Return the message of a call. Raises: InvalidArguments, EncodingError, PayloadTooLarge."""
        _check_arguments(name, args, kwargs)
        plan = self.plan(name)
        if task is not None and plan.checks:
            task.arguments.check(args, kwargs)
        limit = plan.limit_bytes
        raw_args = Raw(codec.encode(list(args), path="args", limit_bytes=limit)) if args else NO_ARGS
        raw_kwargs = Raw(codec.encode(dict(kwargs), path="kwargs", limit_bytes=limit)) if kwargs else NO_KWARGS
        if plan.routes_by_call:
            options = self.routed(name, task, args, kwargs, options)
        now = self._connection.now()
        if not options:
            return self._plain(plan, name, raw_args, raw_kwargs, now)
        return self.message_for(name, raw_args, raw_kwargs, options, now=now)

    def message_for(
        self,
        name: str,
        args: Raw,
        kwargs: Raw,
        options: Mapping[str, Any],
        *,
        now: Instant,
        id: str | None = None,
        schedule: str | None = None,
        nominal: Instant | None = None,
        cause: Cause | None = None,
    ) -> Message:
        """Return the message of an encoded call. A schedule's ``expires`` counts from its nominal instant, that of a
        backfill, whose instants are past, from now."""
        plan = self.plan(name)
        if schedule is not None and plan.routes_by_call:  # a call was routed before its arguments were encoded
            called = codec.decode(args), codec.decode(kwargs)
            options = self.routed(name, plan.definition, *called, options)
        options = self.checked(name, options)
        is_backfilled = cause is not None and cause.kind == "backfill"
        origin = now if nominal is None or is_backfilled else nominal
        if not options:  # as with most schedules: to ask for each option took 3 us
            return self._plain(plan, name, args, kwargs, now, id, origin, schedule, nominal, cause)
        eta = to_instant(options["eta"]) if "eta" in options else None
        if "countdown" in options:
            eta = now + milliseconds(options["countdown"])
        parent = current_request()
        queue = options.get("queue") or options.get("routing_key") or plan.queue
        self.check_queue(plan, queue)
        return Message(
            id=options.get("task_id") or id or new_id(now),
            task=name,
            args=args,
            kwargs=kwargs,
            queue=queue,
            priority=options["priority"] if "priority" in options else _priority(plan, parent),
            created=now,
            eta=eta,
            expires=_expiry(options.get("expires"), plan.expires_ms, origin),
            max_retries=options.get("max_retries"),
            time_limit=options.get("time_limit"),
            soft_time_limit=options.get("soft_time_limit"),
            at_most_once=not options["acks_late"] if "acks_late" in options else plan.at_most_once,
            ignore_result=options.get("ignore_result", plan.ignore_result),
            root=options.get("root_id") or (parent.root_id if parent else None),
            parent=options.get("parent_id") or (parent.id if parent else None),
            links=self.freezing.links(options.get("link")),
            error_links=self.freezing.errbacks(options.get("link_error")),
            schedule=schedule,
            nominal=nominal,
            cause=cause,
            headers=dict(options.get("headers", _NOTHING)),
            origin=self.origin(),
        )

    def amended(self, message: Message, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a message that the options of a retry change; ``expires`` counts from now.

        Raises: InvalidArguments for one that is wrong, or that belongs to the message for good; EncodingError.
        """
        given = dict(self.checked(message.task, options))
        if "routing_key" in given:
            given.setdefault("queue", given.pop("routing_key"))
        fixed = sorted(given.keys() - _AMENDING - NO_EFFECT_ON_CALL.keys() - _WITHOUT_A_RETRY)
        if fixed:
            raise InvalidArguments(
                f"expected an option that a retry of {message.task} can change ({', '.join(sorted(_AMENDING))}), got "
                f"{fixed[0]!r}; leave it out"
            )
        changes = {option: given[option] for option in _AS_IT_IS & given.keys()}
        if "headers" in given:
            changes["headers"] = {**message.headers, **given["headers"]}
        if "expires" in given:
            changes["expires"] = _expiry(given["expires"], None, self._connection.now())
        if "link" in given:
            changes["links"] = self.freezing.links(given["link"])
        if "link_error" in given:
            changes["error_links"] = self.freezing.errbacks(given["link_error"])
        return changes

    def check_queue(self, plan: Plan, queue: str) -> None:
        """Raises: QueueNotFound where only some queues may be used, and this is none of them."""
        if plan.queues is not None and queue not in plan.queues:
            raise QueueNotFound(queue, plan.queues)

    def check_starts(self, messages: Iterable[Message]) -> None:
        """Complain of calls that are made at once and do not fit their functions. Raises: InvalidArguments."""
        for message in messages:
            plan = self.plan(message.task)
            if plan.checks and plan.definition is not None and message.gate is None:
                plan.definition.arguments.check(codec.decode(message.args), codec.decode(message.kwargs))

    def plan(self, name: str) -> Plan:
        """Return the plan of a task; one that is not registered here is sent by the settings alone."""
        plan, definition = self._plans.get(name), self._tasks.get(name)
        if plan is None or plan.definition is not definition or plan.revision != self._conf.revision:
            plan = self._plans[name] = self._make_plan(name, definition)
        return plan

    def checked(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options of a call that were given; None stands for one that was not.

        Those of Celery's that mean nothing here are left out. Raises: InvalidArguments, EncodingError (headers).
        """
        if not options:
            return options
        given = {
            option: value for option, value in options.items() if value is not None and option not in NO_EFFECT_ON_CALL
        }
        if hasattr(given.get("queue"), "name"):  # one of kombu's queues
            given["queue"] = given["queue"].name
        _check_options(name, given)
        if not given.keys().isdisjoint(_IN_HEADERS):
            own = {option: given.pop(option) for option in _IN_HEADERS if option in given}
            given["headers"] = {**given.get("headers", _NOTHING), **own}
        if given.get("headers"):
            codec.encode(dict(given["headers"]), path="headers")  # complain here, not in the store
        return given

    def origin(self) -> str:
        """Return pid@host of this process (anew after a fork)."""
        if self._origin_pid != os.getpid():
            self._origin_pid = os.getpid()
            self._origin = f"{self._origin_pid}@{os.uname().nodename}"
        return self._origin

    def _plain(
        self,
        plan: Plan,
        name: str,
        args: Raw,
        kwargs: Raw,
        now: Instant,
        id: str | None = None,
        origin: Instant | None = None,
        schedule: str | None = None,
        nominal: Instant | None = None,
        cause: Cause | None = None,
    ) -> Message:
        """The message of a call without options: most are."""
        parent = current_request()
        self.check_queue(plan, plan.queue)
        return Message(
            id=id or new_id(now),
            task=name,
            args=args,
            kwargs=kwargs,
            queue=plan.queue,
            priority=_priority(plan, parent) if plan.inherits_priority else plan.priority,
            created=now,
            expires=(now if origin is None else origin) + plan.expires_ms if plan.expires_ms is not None else None,
            at_most_once=plan.at_most_once,
            ignore_result=plan.ignore_result,
            root=parent.root_id if parent else None,
            parent=parent.id if parent else None,
            schedule=schedule,
            nominal=nominal,
            cause=cause,
            origin=self.origin(),
        )

    def _message_of(self, call: Signature | tuple[Any, ...]) -> Message:
        if isinstance(call, Signature):
            call = (call.task, call.args, call.kwargs, call.options)
        if not isinstance(call, tuple | list) or not 1 <= len(call) <= 4:
            raise InvalidArguments(
                f"expected a call to be a signature or (task, args, kwargs, options), got {call!r:.100}; "
                "pass task.s(...)"
            )
        task, args, kwargs, options = _padded(*call)
        name = task if isinstance(task, str) else task.name
        return self.message(name, self._tasks.get(name), args, kwargs, options)

    def _put(self, messages: list[Message], *, retry: bool) -> None:
        """Store messages within the deadline of a publish; the ids make a second try harmless."""
        engine, clock = self._connection.engine, self._connection.clock
        if (transaction := joined_by(self._connection)) is not None:  # one try: an error makes the transaction void
            transaction.queue.put_in(transaction.connection, messages, now=engine.now())
            return
        deadline = clock.monotonic() + self._conf.task_publish_timeout
        while True:
            try:
                if len(messages) > 1:  # shares a call among many by itself
                    put_now(engine, messages)
                else:
                    self._outbox.put(engine, messages, give_up=deadline)
                return
            except EngineUnavailable:
                left = deadline - clock.monotonic()
                if not retry or left <= 0:
                    raise
                time.sleep(min(left, self._random.uniform(0.01, 0.1)))

    def _make_plan(self, name: str, task: Definition | None) -> Plan:
        conf = self._conf
        if task is not None:
            annotate(task, conf.task_annotations)
        chosen = route(name, self._routes())
        acks_late = _first(task.acks_late if task else None, conf.task_acks_late, True)
        expires = task.expires if task else None
        priority = _first(task.priority if task else None, chosen.priority)
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
        )

    def _routes(self) -> list[Any]:
        """Return the routers of the settings, those given as dotted paths imported."""
        routes = self._conf.task_routes
        listed = routes if isinstance(routes, list | tuple) else [routes]
        return [_imported(router) if isinstance(router, str) else router for router in listed if router is not None]

    def routed(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        chosen = route(name, self._routes(), args=args, kwargs=kwargs, options=options, task=task)
        found = {**chosen.options, "queue": chosen.queue, "priority": chosen.priority}
        return {key: value for key, value in found.items() if value is not None} | dict(options)


def _padded(
    task: Definition | str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] = _NOTHING,
    options: Mapping[str, Any] = _NOTHING,
) -> tuple[Definition | str, Sequence[Any], Mapping[str, Any], Mapping[str, Any]]:
    return task, args, kwargs, options


def _only_queues(conf: Settings) -> frozenset[str] | None:
    if conf.task_create_missing_queues:
        return None
    return frozenset((*(conf.task_queues or ()), conf.task_default_queue))


def _priority(plan: Plan, parent: Request | None) -> int:
    if not plan.inherits_priority or parent is None or parent.message is None:
        return plan.priority
    return parent.message.priority


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


def _check_arguments(name: str, args: Any, kwargs: Any) -> None:
    """Refuse what is no list of arguments: a text, above all, which would be taken letter by letter."""
    if not isinstance(args, list | tuple):
        raise InvalidArguments(f"expected args of {name} to be a list or a tuple, got {args!r:.100}; write args=[...]")
    if not isinstance(kwargs, Mapping):
        raise InvalidArguments(f"expected kwargs of {name} to be a dict, got {kwargs!r:.100}; write kwargs={{...}}")


def _check_options(name: str, options: Mapping[str, Any]) -> None:
    unknown = options.keys() - OPTIONS
    if unknown:
        option = sorted(unknown)[0]
        hint = nearest(option, OPTIONS)
        meant = f"did you mean {hint!r}?" if hint else f"known are {', '.join(sorted(OPTIONS))}"
        raise InvalidArguments(f"expected an option of apply_async for {name}, got {option!r}; {meant}")
    id = options.get("task_id")
    if id is not None and not (isinstance(id, str) and 0 < len(id.encode()) <= LONGEST_ID and id.isprintable()):
        raise InvalidArguments(
            f"expected task_id of {name} to be a printable text of 1 to {LONGEST_ID} bytes, got {str(id)[:100]!r}"
        )
    if options.get("serializer", "json") != "json":
        raise InvalidArguments(
            f"expected serializer of {name} to be 'json', got {options['serializer']!r}; Horarium carries JSON only: "
            "pass ids and plain values, and what JSON cannot say by type hints (datetime, Decimal, dataclass ...)"
        )
    wrong = misfit(CALLED, options)
    if wrong is not None:
        option, expected, got = wrong
        raise InvalidArguments(f"expected {option} of {name} to be {expected}, got {got}; mend the call")
    soft, hard = options.get("soft_time_limit"), options.get("time_limit")
    if soft is not None and hard is not None and soft > hard:
        raise InvalidLimits(
            f"expected soft_time_limit of {name} to be at most time_limit, got {soft} > {hard}; mend the call"
        )


def _expiry(expires: Seconds | timedelta | datetime | None, default_ms: int | None, origin: Instant) -> Instant | None:
    if isinstance(expires, datetime):
        return to_instant(expires)
    if expires is not None:
        return origin + milliseconds(expires)
    return origin + default_ms if default_ms is not None else None
