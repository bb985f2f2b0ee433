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

from msgspec import Raw

from horarium import codec, signals
from horarium.app.connection import Connection
from horarium.app.definition import Definition
from horarium.app.freezing import Freezing
from horarium.app.keys import UNIQUE_OPTIONS, Shape, shape_of
from horarium.app.options import CALLED, NO_EFFECT_ON_CALL, misfit
from horarium.app.outbox import Outbox, put_now
from horarium.app.plans import Plan, Plans
from horarium.app.redacting import shown_to_all
from horarium.app.registry import Registry, nearest
from horarium.app.request import current_request
from horarium.app.sent import SentEvents
from horarium.app.signalling import after_publish, before_publish
from horarium.app.signature import Signature
from horarium.app.transaction import joined_by
from horarium.clock import Instant, Seconds, milliseconds, to_instant
from horarium.engines.records import Placed
from horarium.errors import EncodingError, EngineUnavailable, InvalidArguments, InvalidLimits, QueueNotFound
from horarium.message import NO_ARGS, NO_KWARGS, Cause, Message, new_id
from horarium.settings import Settings

PUBLISH_BATCH = 1000  # messages in one transaction of send_many: spares flushes, and still lets others in
LONGEST_ID = 200  # bytes of a message's id: what a worker's shared memory has room for
OPTIONS = frozenset(
    "countdown eta expires queue priority task_id retry time_limit soft_time_limit headers ignore_result link "
    "link_error max_retries acks_late root_id parent_id routing_key serializer shadow reply_to add_to_parent "
    "unique_for unique_key unique_until debounce".split()
) | frozenset(NO_EFFECT_ON_CALL)
_IN_HEADERS = ("shadow", "reply_to")  # options that travel as headers
# The options of a signature that travel as they are.
_AS_IT_IS = frozenset("queue priority time_limit soft_time_limit ignore_result".split())
_AMENDING = _AS_IT_IS | {"headers", "expires", "link", "link_error"}
_WITHOUT_A_RETRY = {"add_to_parent", "serializer", "retry"}  # fit a retry, which needs none of them

D = TypeVar("D", bound=Definition)

_NOTHING: Mapping[str, Any] = {}
_PLAIN = Shape()


class Producer:
    """The one way by which messages are made and sent. Safe to use from any thread."""

    def __init__(self, connection: Connection, conf: Settings, tasks: Registry[D], random: Random) -> None:
        self._connection = connection
        self._conf = conf
        self._tasks = tasks
        self._random = random
        self._outbox = Outbox(connection)
        self.sent = SentEvents(connection, shown_to_all(self))
        self.plans = Plans(conf, tasks)
        self.plan = self.plans.of
        self.freezing = Freezing(self)
        self._origin = ""
        self._origin_pid = 0
        self.after_sending: Callable[[], None] | None = None  # called when a call has stored its messages: for tests

    @property
    def conf(self) -> Settings:
        return self._conf

    @property
    def tasks(self) -> Mapping[str, Any]:
        """The tasks that are known here."""
        return self._tasks

    def send(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> tuple[Message, Placed]:
        """Store the message of one call; return it, and what the store said. See Task.apply_async for the law."""
        message = self.announced(name, task, args, kwargs, options)
        [placed] = self.dispatch([message], retry=options.get("retry", True), is_fresh="task_id" not in options)
        return message, placed

    def announced(
        self,
        name: str,
        task: Definition | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        options: Mapping[str, Any],
    ) -> Message:
        """Return the message of a call that is about to be sent, as receivers of before_task_publish leave it."""
        message = self.message(name, task, args, kwargs, options)
        return before_publish(message) if signals.before_task_publish.receivers else message

    def dispatch(self, messages: Sequence[Message], *, retry: bool = True, is_fresh: bool = False) -> Sequence[Placed]:
        """Store messages that were announced, all or none; return what the store said of each. Doing it twice is
        harmless. ``is_fresh``: nobody else can know their ids. Raises: EngineUnavailable."""
        placed = self._put(messages, retry=retry, is_fresh=is_fresh)
        if self.after_sending is not None:
            self.after_sending()
        if signals.after_task_publish.receivers:
            for message in messages:
                after_publish(message)
        return placed

    def send_many(self, calls: Sequence[Signature | tuple[Any, ...]]) -> list[tuple[Message, Placed]]:
        """Store the messages of many calls in few transactions; see Horarium.send_many."""
        messages = [self._message_of(call) for call in calls]
        return list(zip(messages, self.store(messages), strict=True))

    def store(self, messages: Sequence[Message]) -> list[Placed]:
        """Store messages that are made, in few transactions and in their order; return what the store said of each."""
        if signals.before_task_publish.receivers:
            messages = list(map(before_publish, messages))
        placed: list[Placed] = []
        for start in range(0, len(messages), PUBLISH_BATCH):
            placed += self._put(list(messages[start : start + PUBLISH_BATCH]), retry=True)
        if self.after_sending is not None:
            self.after_sending()
        if signals.after_task_publish.receivers:
            for message in messages:
                after_publish(message)
        return placed

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
        try:
            raw_args = Raw(codec.encode(list(args), path="args", limit_bytes=limit)) if args else NO_ARGS
            raw_kwargs = Raw(codec.encode(dict(kwargs), path="kwargs", limit_bytes=limit)) if kwargs else NO_KWARGS
        except EncodingError as error:
            raise (error if task is None else task.arguments.naming(error)) from None
        if plan.routes_by_call:
            options = self.plans.routed(name, task, args, kwargs, options)
        now = self._connection.now()
        if not options and not plan.shapes:
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
            options = self.plans.routed(name, plan.definition, *called, options)
        options = self.checked(name, options)
        is_backfilled = cause is not None and cause.kind == "backfill"
        origin = now if nominal is None or is_backfilled else nominal
        if not options and not plan.shapes:  # as with most schedules: to ask for each option took 3 us
            return self._plain(plan, name, args, kwargs, now, id, origin, schedule, nominal, cause)
        eta = to_instant(options["eta"]) if "eta" in options else None
        if "countdown" in options:
            eta = now + milliseconds(options["countdown"])
        shape = _PLAIN
        if plan.shapes or not UNIQUE_OPTIONS.isdisjoint(options):
            shape = shape_of(name, plan.definition, codec.decode(args), codec.decode(kwargs), options)
            if shape.wait is not None and eta is None:
                eta = now + milliseconds(shape.wait)
        parent = current_request()
        queue = options.get("queue") or options.get("routing_key") or plan.queue
        self.check_queue(plan, queue)
        return Message(
            id=options.get("task_id") or id or new_id(now),
            task=name,
            args=args,
            kwargs=kwargs,
            queue=queue,
            priority=options["priority"] if "priority" in options else plan.priority_under(parent),
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
            slot=shape.slot,
            unique=shape.unique,
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
        if "priority" in given:
            given["priority"] = self._priority(name, given["priority"])
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

    def _priority(self, name: str, written: int) -> int:
        try:
            return self.plans.priority(written)
        except ValueError as error:
            raise InvalidArguments(
                f"expected priority of {name} to be {error}; got {written}, mend the call"
            ) from error

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
            priority=plan.priority_under(parent) if plan.inherits_priority else plan.priority,
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

    def _put(self, messages: Sequence[Message], *, retry: bool, is_fresh: bool = False) -> Sequence[Placed]:
        """Store messages within the deadline of a publish; the ids make a second try harmless."""
        engine, clock = self._connection.engine, self._connection.clock
        if (transaction := joined_by(self._connection)) is not None:  # one try: an error makes the transaction void
            return transaction.queue.put_in(transaction.connection, messages, now=engine.now(), is_fresh=is_fresh)
        deadline = clock.monotonic() + self._conf.task_publish_timeout
        while True:
            try:
                if len(messages) > 1:  # shares a call among many by itself
                    placed: Sequence[Placed] = put_now(engine, messages)
                else:
                    placed = self._outbox.put(engine, messages, give_up=deadline)
                break
            except EngineUnavailable:
                left = deadline - clock.monotonic()
                if not retry or left <= 0:
                    raise
                time.sleep(min(left, self._random.uniform(0.01, 0.1)))
        if self._conf.task_send_sent_event:
            new = [message for message, place in zip(messages, placed, strict=True) if place is True]
            self.sent.tell(new, self.origin(), engine.now())
        return placed


def _padded(
    task: Definition | str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] = _NOTHING,
    options: Mapping[str, Any] = _NOTHING,
) -> tuple[Definition | str, Sequence[Any], Mapping[str, Any], Mapping[str, Any]]:
    return task, args, kwargs, options


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
