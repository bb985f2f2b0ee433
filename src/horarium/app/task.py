"""A task: a function with a name, its options, and the ways to call it.

Each app has one object per task in a process, so what a task sets on ``self`` is there at its next run. A subclass
given as ``base=`` may change the defaults of the options, and the hooks.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.app.current import current_app
from horarium.app.definition import Definition
from horarium.app.home import Home
from horarium.app.mapping import chunks, xmap, xstarmap
from horarium.app.own_end import own_end, success_of
from horarium.app.redacting import without_marked
from horarium.app.replacement import beside, in_place_of, refuse_empty
from horarium.app.request import PushedRequest, Request, entered, pop, push, request_of
from horarium.app.result import AsyncResult, EagerResult
from horarium.app.signature import Signature
from horarium.app.transaction import Using, join
from horarium.clock import FOREVER, Instant, Seconds, milliseconds, to_instant
from horarium.engines.records import MaintenancePolicy
from horarium.errors import AttemptSuperseded, Ignore, ImproperlyConfigured, MaxRetriesExceededError, Retry
from horarium.outcome import ENDED, Progress, Reported, Retried, Verdict
from horarium.retry import RetryPolicy, delay_before, may_retry

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class _CurrentApp:
    """Stands for the app of a task that belongs to none: the current one."""

    def __get__(self, task: object, kind: type[Any]) -> Any:  # a Home, whose class lives above
        return current_app()


LONGEST_NOTE = 1000  # characters of what a report says of its progress


class Task(Definition):
    """What ``@app.task`` returns. Calling it runs the function here and now, with no store involved.

    A class of your own may define ``run`` and be registered (``app.register_task``), or be the ``base`` of others. Its
    ``__init__`` takes nothing and need not call this one's.
    """

    app: Home = _CurrentApp()  # type: ignore[assignment]  # each task of an app has its app in its place
    _sends_its_own_way = False  # a subclass has a word in how it is sent

    def declare(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        """Make this object the task of a function; see Definition.declare."""
        super().declare(function, options)
        for attribute, setting in self.from_config:
            if getattr(self, attribute, None) is None:
                setattr(self, attribute, self.app.conf.get(setting))
        kind = type(self)
        is_named = "shadow_name" in self.__dict__ or kind.shadow_name is not Task.shadow_name
        self._sends_its_own_way = is_named or kind.apply_async is not Task.apply_async

    @classmethod
    def bind(cls, app: Any) -> Any:
        """Let all tasks of this class that have no app of their own belong to ``app``; return the app."""
        cls.app = app
        cls.on_bound(app)
        return app

    def _get_app(self) -> Any:
        return self.app  # by this name celery-once asks

    # Calling.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function here and now and return its value (for ``async def``: its coroutine)."""
        with entered(self.name, Request()):
            return self.run(*args, **kwargs)

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send it with these arguments; short for ``apply_async(args, kwargs)``."""
        if self._sends_its_own_way or "apply_async" in self.__dict__ or Task.apply_async is not _APPLY_ASYNC:
            return self.apply_async(args, kwargs)  # a subclass's, or a test's that has put its own in this one's place
        return self.app.call(self, args, kwargs, {})

    def apply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        producer: Any = None,
        link: Signature | Sequence[Signature] | None = None,
        link_error: Signature | Sequence[Signature] | None = None,
        shadow: str | None = None,
        *,
        countdown: Seconds | None = None,
        eta: datetime | None = None,
        expires: Seconds | timedelta | datetime | None = None,
        queue: str | None = None,
        priority: int | None = None,
        retry: bool | None = None,
        time_limit: Seconds | None = None,
        soft_time_limit: Seconds | None = None,
        headers: Mapping[str, Any] | None = None,
        ignore_result: bool | None = None,
        **options: Any,
    ) -> AsyncResult:
        """Store a message that asks for one run, and return the handle of its result.

        Blocks for the store's round trip, ``task_publish_timeout`` seconds at the most. Sending again with the same
        ``task_id`` never makes a second run. A naive ``eta`` is read as UTC. ``retry=False``: one try only.
        Raises: InvalidArguments, EncodingError, PayloadTooLarge when the call is bad (nothing is stored);
        EngineUnavailable when it is unknown whether it was stored.
        """
        chosen = {
            "countdown": countdown,
            "eta": eta,
            "expires": expires,
            "queue": queue,
            "priority": priority,
            "task_id": task_id,
            "retry": retry,
            "time_limit": time_limit,
            "soft_time_limit": soft_time_limit,
            "headers": headers,
            "ignore_result": ignore_result,
            "link": link,
            "link_error": link_error,
            "shadow": shadow,
            **options,
        }
        given = {option: value for option, value in chosen.items() if value is not None}
        if self._sends_its_own_way and "shadow" not in given and (shadow := self.shadow_name(args, kwargs, given)):
            given["shadow"] = shadow
        return self.app.call(self, args or (), kwargs or {}, given)

    def using(self, connection: Any) -> Using:
        """Return what sends this task in the open transaction of a connection; see Horarium.transaction."""
        return Using(self, connection)

    async def adelay(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send it with these arguments, without blocking the event loop."""
        return await self.aapply_async(args, kwargs)

    async def aapply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult:
        """``apply_async`` for coroutines: the store's round trip is made in a thread."""
        import asyncio
        from contextvars import copy_context

        context = copy_context()
        return await asyncio.to_thread(context.run, self.apply_async, args, kwargs, **options)  # type: ignore[arg-type]

    def apply(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        link: Signature | Sequence[Signature] | None = None,
        link_error: Signature | Sequence[Signature] | None = None,
        task_id: str | None = None,
        retries: int = 0,
        throw: bool | None = None,
        **options: Any,
    ) -> EagerResult:
        """Run it inline, through the same encoding, retries and hooks as in a worker; nothing is stored, unless
        ``task_store_eager_result`` says so.

        Retries follow at once, without their delay; ``retries`` says how many are behind it. ``throw=True`` raises what
        the task raised; without it ``task_eager_propagates`` decides. Raises: NotRegistered for a link that is not
        known here.
        """
        own = {"link": link, "link_error": link_error, "task_id": task_id, "retries": retries, "throw": throw}
        given = {option: value for option, value in {**own, **options}.items() if value is not None}
        return self.app.run_inline(self, args or (), kwargs or {}, given)

    def s(self, *args: Any, **kwargs: Any) -> Signature:
        """Return the signature of a call with these arguments."""
        return Signature(self.name, args, kwargs, app=self.app)

    def si(self, *args: Any, **kwargs: Any) -> Signature:
        """Return an immutable signature: the parent's result is not put in front."""
        return Signature(self.name, args, kwargs, immutable=True, app=self.app)

    def signature(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Signature:
        """Return the signature of a call with these arguments and options of apply_async."""
        immutable = bool(options.pop("immutable", False))
        return Signature(self.name, args or (), kwargs, options, immutable=immutable, app=self.app)

    def subtask(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Signature:
        """The same as ``signature``."""
        return self.signature(args, kwargs, **options)

    def signature_from_request(
        self,
        request: Request | None = None,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        queue: str | None = None,
        **extra_options: Any,
    ) -> Signature:
        """Return the call that a request (default: the current one) stems from, with its options, to be sent as a new
        run: it has no id yet, because sending an id that is stored changes nothing."""
        request = request or self.request
        options = {**request.as_execution_options(), **extra_options}
        if "task_id" not in extra_options:
            options.pop("task_id", None)
        if queue:
            options["queue"] = queue
        chosen_args = request.args if args is None else args
        return self.signature(chosen_args, request.kwargs if kwargs is None else kwargs, **options)

    def chunks(self, it: Iterable[Any], n: int) -> chunks:
        """Return the calls ``task(*x)`` for each x of ``it``, n of them in each run."""
        return chunks(self.s(), it, n, app=self.app)

    def map(self, it: Iterable[Any]) -> xmap:
        """Return the calls ``task(x)`` for each x of ``it``, in one run."""
        return xmap(self, it, app=self.app)

    def starmap(self, it: Iterable[Any]) -> xstarmap:
        """Return the calls ``task(*x)`` for each x of ``it``, in one run."""
        return xstarmap(self, it, app=self.app)

    def AsyncResult(self, task_id: str) -> AsyncResult:
        """Return the handle of a run by its id; a subclass may return one of its own class, which calls return too."""
        return self.app.AsyncResult(task_id)

    # While it runs.

    @property
    def request(self) -> Request:
        """The execution that is going on in this thread or coroutine."""
        return request_of(self.name) or Request()

    def retry(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: Seconds | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Retry:
        """Ask to be run again: raises Retry, which the worker turns into a stored retry with the same id.

        Without ``countdown`` and ``eta`` the wait is ``retry_backoff``'s or ``default_retry_delay``. When the retries
        are used up, raises ``exc``, else the exception being handled, else MaxRetriesExceededError. ``throw=False``
        returns the Retry instead; the run is retried all the same when the task returns. ``options`` may change the
        message: queue, priority, headers (added to its own), expires, time limits, ignore_result, links.
        Raises: InvalidArguments for an option that is wrong.
        """
        self.app.producer.checked(self.name, {"countdown": countdown, "eta": eta, "max_retries": max_retries})
        request = self.request
        cause = exc or sys.exc_info()[1]
        if request.message is None:
            raise cause or Retry("Task can be retried", None)
        policy = self.retry_policy(max_retries if max_retries is not None else request.message.max_retries)
        if not may_retry(policy, request.retries):
            request.is_exhausted = True
            raise cause or MaxRetriesExceededError(
                f"expected {self.name}[{request.id}] to succeed within {policy.max_retries} retries, it asked for one "
                "more; raise max_retries or let it fail with its own exception",
                task_args=request.args,
                task_kwargs=request.kwargs,
            )
        now = self.app.now()
        when = self._retry_at(policy, request.retries, now, eta, countdown)
        retried = self._retried(request, when, args, kwargs, cause, options)
        signal = Retry(exc=cause, when=max(0, when - now) / 1000, is_eager=request.is_eager, outcome=retried)
        if throw:
            raise signal
        request.asked_again = signal
        return signal

    def replace(self, sig: Signature) -> Any:
        """Let another signature run in this run's place, under its id: whoever waits for it gets what that comes to,
        and its links and errbacks are that one's. A group counts as the list of its values.

        Raises Ignore, which the worker turns into the replacement, in one step with the end of this attempt; so does
        an eager run. Called directly it runs the signature and returns its value. Raises: ImproperlyConfigured for an
        empty chain.
        """
        request = self.request
        refuse_empty(sig)
        if request.message is None:
            return sig.apply().get()
        self.on_replace(sig)
        request.replaced = in_place_of(self.app, request.message, sig)
        raise Ignore(f"replaced by {sig!r:.100}")

    def add_to_chord(self, sig: Signature, lazy: bool = False) -> Any:
        """Add a signature to the chord whose header this run is part of: the body waits for it, and sees its value
        last.

        It is put in one step with the success of this run. Raises: ValueError outside of a chord's header.
        """
        request = self.request
        id, laid = beside(self.app, request.message, sig, number=len(request.added))
        request.added.append(laid)
        return self.app.AsyncResult(id)

    def retry_policy(self, max_retries: int | None = None) -> RetryPolicy:
        """Return the one policy that ``retry`` and ``autoretry_for`` share."""
        extra = self.retry_kwargs or {}
        return RetryPolicy(
            max_retries=max_retries if max_retries is not None else extra.get("max_retries", self.max_retries),
            delay=float(extra.get("countdown", self.default_retry_delay)),
            backoff=self.retry_backoff,
            backoff_max=self.retry_backoff_max,
            jitter=self.retry_jitter,
        )

    def finish_in(self, connection: Any, result: Any = None) -> None:
        """Record in the open transaction of ``connection`` that this run has succeeded with ``result``: what the task
        has written and its end become true together, or neither does. Call it last, commit, and return.

        The worker records nothing more for this attempt if the transaction was committed; if it was not, the run ends
        as any other: with the exception that the task raises, or with NotCommittedError. Links are sent in the same
        transaction; log lines are not kept. When called directly, or eagerly, only ``result`` is checked.
        Raises: AttemptSuperseded when the run is no longer this attempt's, which must let the transaction roll back;
        CannotJoinTransaction as Horarium.transaction; EncodingError, PayloadTooLarge when the result cannot be kept.
        """
        request = self.request
        encoded = Raw(codec.encode(result, path="result", limit_bytes=self.app.conf.max_result_bytes))
        if request.finished_in is not None:
            raise RuntimeError(f"expected {self.name} to finish once, it did so before; leave the second call out")
        if request.delivery is None or request.is_eager:
            return
        wanted = self.app.connection.keeps_results and not request.ignore_result
        now = self.app.now()
        transaction = join(self.app.connection.engine, connection)
        kept = without_marked(self, request.delivery.message, encoded)
        settlement = success_of(request.delivery, request.hostname, encoded, request.started, now, wanted, kept)
        policy = MaintenancePolicy(keep=self.app.conf.result_expires or FOREVER)
        [verdict] = transaction.queue.settle_in(transaction.connection, [settlement], now=now, policy=policy)
        if verdict is not Verdict.RECORDED:
            raise AttemptSuperseded(request.delivery.message.id)
        request.finished_in = transaction

    def update_state(self, task_id: str | None = None, state: str | None = None, meta: Any = None) -> None:
        """Record a state of the task's own and what goes with it, while it runs. Not an end; superseded by one.

        With a final state (SUCCESS, FAILURE, REVOKED, REJECTED) it is kept until the task raises ``Ignore``, and is
        then the run's end: ``meta`` is its result, or what it failed with (an exception, or any text). A run has one
        ending, so nothing is recorded before; a task that returns or raises ends by that instead.
        Raises: EncodingError when ``meta`` cannot be said in JSON, PayloadTooLarge when it is larger than a result may
        be; ImproperlyConfigured for the other final states, and
        for the id of another run: a task can report only for itself.
        """
        request = self.request
        if task_id is not None and task_id != request.id:
            raise ImproperlyConfigured(
                f"expected update_state for the running task {request.id}, got {task_id}; only a task itself can "
                "report its state"
            )
        if state in ENDED:
            request.end_on_ignore = own_end(state, meta)
            return
        limit = self.app.conf.max_result_bytes
        encoded = Raw(codec.encode(meta, path="meta", limit_bytes=limit)) if meta is not None else None
        request.report(Reported(state=state, meta=encoded))

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Record how far the running task is; the newest report counts, so calling it often is cheap. Of ``note`` the
        first 1,000 characters are kept."""
        now = self.app.now()
        self.request.report(Reported(progress=Progress(done=done, total=total, note=note[:LONGEST_NOTE], at=now)))

    def send_event(self, type_: str, retry: bool = True, retry_policy: Any = None, **fields: Any) -> None:
        """Tell of something: a line ``event TYPE {fields}`` in the log, which is kept with the run. ``retry`` and
        ``retry_policy`` have no effect: nothing is sent that could fail."""
        logging.getLogger(self.name).info("event %s %r", type_, fields)

    def add_trail(self, result: Any) -> Any:
        """Note that the current execution has sent something (``request.children``); return its handle."""
        if self.trail:
            self.request.note_child(result)
        return result

    def push_request(self, *args: Any, **fields: Any) -> None:
        """Let ``self.request`` be one with these attributes until ``pop_request``: to try a task's code out."""
        push(self.name, PushedRequest({**dict(*args), **fields}))

    def pop_request(self) -> None:
        """Undo ``push_request``. Raises: LookupError when nothing was pushed."""
        pop(self.name)

    def start_strategy(self, app: Any, consumer: Any, **options: Any) -> Any:
        """Refuse: workers have no consumer that a strategy could serve. Raises: ImproperlyConfigured."""
        raise ImproperlyConfigured(
            f"expected a worker to take the messages of {self.name} from the store by itself, got a request for a "
            "strategy; use the hooks of Task, or the signals task_received and task_prerun"
        )

    # Hooks, for subclasses. What they raise is logged and changes nothing, but for before_start: it fails the task.

    def before_start(self, task_id: str, args: list[Any], kwargs: dict[str, Any]) -> None: ...

    def on_success(self, retval: Any, task_id: str, args: list[Any], kwargs: dict[str, Any]) -> None: ...

    def on_retry(
        self, exc: BaseException, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: Any
    ) -> None: ...

    def on_failure(
        self, exc: BaseException, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: Any
    ) -> None: ...

    def on_retries_exhausted(
        self, exc: BaseException, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: Any
    ) -> None: ...  # before on_failure, of a task that asked for one retry more than it has

    def on_replace(self, sig: Any) -> None: ...  # before ``sig`` takes the task's place

    @classmethod
    def on_bound(cls, app: Any) -> None: ...  # when a task of this class becomes the app's

    def shadow_name(
        self, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, options: Mapping[str, Any]
    ) -> str | None:
        """Return another name under which a call is to be shown (``request.shadow``), None for none."""
        return None

    def after_return(
        self, status: str, retval: Any, task_id: str, args: list[Any], kwargs: dict[str, Any], einfo: Any
    ) -> None: ...

    # For the rooms above and beside.

    def __repr__(self) -> str:
        return f"<@task: {self.name} of {self.app.main}>"

    def __reduce__(self) -> Any:
        return _task_of, (self.app, self.name, self.__module__)  # for other processes of the program, by its name

    def _retry_at(
        self, policy: RetryPolicy, retries: int, now: Instant, eta: datetime | None, countdown: Seconds | None
    ) -> Instant:
        if eta is not None:
            return to_instant(eta)
        if countdown is None:
            countdown = delay_before(policy, retries, self.app.random)
        return now + milliseconds(countdown)

    def _retried(
        self,
        request: Request,
        when: Instant,
        args: Sequence[Any] | None,
        kwargs: Mapping[str, Any] | None,
        cause: BaseException | None,
        options: Mapping[str, Any],
    ) -> Retried:
        message = request.message
        assert message is not None  # retry() has looked
        changes: dict[str, Any] = {"retries": message.retries + 1, "eta": when}
        if args is not None:
            changes["args"] = Raw(codec.encode(list(args), path="args"))
        if kwargs is not None:
            changes["kwargs"] = Raw(codec.encode(dict(kwargs), path="kwargs"))
        changes |= self.app.producer.amended(message, options)
        error = codec.encode_error(cause or Retry("the task asked to be run again"))
        return Retried(message=msgspec.structs.replace(message, **changes), error=error)


_APPLY_ASYNC = Task.apply_async


def _task_of(app: Any, name: str, module: str) -> Any:
    if app.known_task(name) is None:
        import_module(module)
    return app.tasks[name]
