"""The app: where tasks, settings and the store come together. An app shares nothing with another one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from horarium.app import current, eager, inline, registry, result, sending, shared, standard, transaction
from horarium.app.annotations import annotate
from horarium.app.celerys_words import CelerysWords
from horarium.app.configurable import Configurable
from horarium.app.connection import Connection
from horarium.app.control import Control
from horarium.app.definition import Definition
from horarium.app.fixups import fix
from horarium.app.producer import Producer
from horarium.app.redacting import shown_to_all
from horarium.app.registry import Registry
from horarium.app.request import current_request
from horarium.app.result_set import GroupResult, ResultSet
from horarium.app.shared import SharedTask
from horarium.app.signature import Signature
from horarium.app.task import Task
from horarium.app.task_class import OwnTaskClass, class_from
from horarium.cautions import AlwaysEagerIgnored
from horarium.clock import Clock, Instant, SystemClock
from horarium.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.app.events import Events
    from horarium.app.schedules import Schedules
    from horarium.engines.protocol import Engine
    from horarium.engines.records import Placed
    from horarium.message import Message
    from horarium.schedules.record import Schedule

P = ParamSpec("P")
R = TypeVar("R")
_NO_OPTIONS: Mapping[str, Any] = {}


class Hook:
    """A place to which functions can be connected; they are called once, with ``sender=app``."""

    def __init__(self) -> None:
        self._receivers: list[Callable[..., Any]] = []

    def connect(self, receiver: Callable[..., Any] | None = None, **_: Any) -> Any:
        """Add a receiver; usable as a decorator with and without parentheses."""
        if receiver is None:
            return self.connect
        self._receivers.append(receiver)
        return receiver

    def send(self, sender: Horarium) -> None:
        for receiver in list(self._receivers):
            receiver(sender=sender)


class Horarium(OwnTaskClass, Configurable, CelerysWords):
    """An application: ``app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")``.

    ``main`` names it and the tasks of ``__main__``. ``include`` lists modules that define tasks; they are imported by
    workers, schedulers and the command line. Any setting may be given as a keyword; ``broker`` and ``backend`` are
    Celery's words for ``store`` and ``result_backend``, ``config_source`` and ``namespace`` those of
    ``config_from_object``, ``changes`` a dict of settings; ``strict_typing=False``: calls are not checked against the
    signatures of tasks. Celery's words for parts of an app that are not there (``loader``, ``amqp``, ``events``,
    ``log``, ``control``, ``tasks``, ``autofinalize``) change nothing. ``fixups`` are paths of functions that are called
    with the app: those of the frameworks that it lives in, unless others are given. Making an app opens nothing and
    reads of the environment only in which framework it is: the store is opened by the first call that needs it.
    ``engine`` hands over an open one instead (tests do). Raises: UnknownSetting, InvalidSetting.
    """

    def __init__(
        self,
        main: str | None = None,
        *,
        store: str | None = None,
        timezone: str | None = None,
        include: Sequence[str] | None = None,
        task_cls: type[Task] | str | None = None,
        set_as_current: bool = True,
        clock: Clock | None = None,
        engine: Engine | None = None,
        broker: str | None = None,
        backend: str | None = None,
        config_source: Any = None,
        namespace: str | None = None,
        changes: Mapping[str, Any] | None = None,
        strict_typing: bool = True,
        fixups: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        self.main = main or "__main__"
        self.on_after_configure = Hook()
        self.on_after_finalize = Hook()
        given = {"store": store, "broker_url": broker, "result_backend": backend}
        self._begin({**given, "timezone": timezone, "include": include}, {**(changes or {}), **settings}, Hook)
        self._checks_arguments = strict_typing
        if config_source is not None or namespace:
            self.configuration.from_object(config_source, silent=False, force=False, namespace=namespace)
        self.task_cls: type[Task] = class_from(task_cls)
        self.random = Random()  # jitter only; tests may seed it
        self._tasks: Registry[Task] = Registry()
        self.connection = Connection(self.conf, clock or SystemClock(), engine)
        self.producer = Producer(self.connection, self.conf, self._tasks, self.random)
        self.control = Control(self.connection, shown_to_all(self))
        self._periodic: dict[str, dict[str, Any]] = {}
        self._lock = RLock()  # guards _finalized and _tasks
        self._finalized = False
        fix(self, fixups)
        if set_as_current:
            current.announce(self)

    # Tasks.

    @overload
    def task(self, function: Callable[P, R], /) -> Task: ...

    @overload
    def task(self, /, **options: Any) -> Callable[[Callable[P, R]], Task]: ...

    def task(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Make a function a task; with and without options (see Task for them).

        Raises: ImproperlyConfigured for an unknown option, AlreadyRegistered for a name that is taken.
        """
        if function is None:
            finish = options.get("filter")
            return lambda decorated: _finished(finish, self.add_task(decorated, options))
        return self.add_task(function, options)

    def add_task(self, function: Callable[..., Any], options: Mapping[str, Any]) -> Task:
        """Register a function as a task of this app and return it."""
        chosen = dict(options)
        base: type[Task] = chosen.pop("base", None) or self.task_cls
        _check_task_options(function, chosen, base)
        if not self._checks_arguments:
            chosen.setdefault("typing", False)
        if not chosen.get("name"):
            chosen["name"] = base.name or registry.task_name(function, self.main)
        return self._adopt(base.__new__(base), function, chosen)

    def register_task(self, task: type[Task] | Task, **options: Any) -> Task:
        """Register a class-based task, whose class defines ``run``; without a ``name`` it gets that of its class.

        ``options`` are those of a declaration. Raises: as ``task``.
        """
        kind = task if isinstance(task, type) else type(task)
        if kind.run is Definition.run and isinstance(task, Task):
            with self._lock:
                return self._tasks.register(task)  # a function's task, which is declared already
        _check_task_options(kind.run, options, kind)
        made = kind.__new__(kind) if isinstance(task, type) else task
        return self._adopt(made, kind.run, {"name": made.name or _class_name(kind), **options}, is_made=made is task)

    def _adopt(
        self, task: Task, function: Callable[..., Any], options: Mapping[str, Any], *, is_made: bool = False
    ) -> Task:
        """Let a task object be one of this app's, and run its ``__init__`` if nobody has."""
        task.app = self
        task.declare(function, options)
        if not is_made:
            type(task).__init__(task)
        task.on_bound(self)
        with self._lock:
            return self._tasks.register(task)

    @property
    def tasks(self) -> Registry[Task]:
        """All tasks by name, the shared ones included; finalizes the app."""
        self.finalize()
        return self._tasks

    def known_task(self, name: str) -> Task | None:
        """Return the task of this name if it is registered by now, without importing or finalizing anything."""
        return self._tasks.get(name)

    def finalize(self, auto: bool = False) -> None:
        """Take over the shared tasks, discover those that were asked for, and run the configuration hooks. Idempotent;
        shared tasks declared later are taken over at the next call. Raises: what discovered modules raise."""
        with self._lock:
            first, self._finalized = not self._finalized, True
        if first:
            self.conf.finalize()
            self.on_after_configure.send(self)
            standard.register(self)
        self._discover()
        for declared in list(shared.shared_tasks):
            declared.for_app(self)
        if self.conf.task_annotations is not None:
            for task in list(self._tasks.values()):
                annotate(task, self.conf.task_annotations)
        if first:
            self.on_after_finalize.send(self)

    def import_includes(self) -> None:
        """Import the modules of ``include`` and ``imports``, then finalize. Raises what they raise."""
        from importlib import import_module

        self._prepare()
        for module in (*self.conf.include, *self.conf.imports):
            import_module(module)
        self.finalize()

    # Sending.

    def call(
        self, task: Task, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> result.AsyncResult:
        """Send a task of this app, or run it inline when ``task_always_eager`` says so."""
        if self.conf.task_always_eager:
            return self.run_inline(task, args, kwargs, options)
        return self.handle_of(self.producer.send(task.name, task, args, kwargs, options), task, options)

    def send_task(
        self, name: str, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> result.AsyncResult:
        """Send a task by name; it need not be defined in this process. See Task.apply_async for options and law."""
        given = {key: value for key, value in options.items() if value is not None}
        task = self.known_task(name)
        if task is not None:
            return self.call(task, args or (), kwargs or {}, given)
        if self.conf.task_always_eager:
            text = f"task_always_eager has no effect on {name}: no task of this name is defined here; it is sent"
            warnings.warn(text, AlwaysEagerIgnored, stacklevel=2)
        return self.handle_of(self.producer.send(name, None, args or (), kwargs or {}, given), None, given)

    def run_inline(
        self, task: Task, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> result.EagerResult:
        """Run a task of this app here and now; see Task.apply."""
        return inline.run_inline(task, args, kwargs, options)

    def send_many(self, calls: Sequence[Signature | tuple[Any, ...]]) -> list[result.AsyncResult]:
        """Send many calls in few round trips: signatures, or tuples (task or name, args, kwargs, options).

        All are checked before the first is stored. They are stored in batches, each of them all or none; when a later
        batch fails with EngineUnavailable, the earlier ones are sent, and give the calls a ``task_id`` if you want to
        be able to send the whole again.
        """
        return [self.handle_of(sent) for sent in self.producer.send_many(calls)]

    async def asend_many(self, calls: Sequence[Signature | tuple[Any, ...]]) -> list[result.AsyncResult]:
        """``send_many`` for coroutines."""
        import asyncio

        return await asyncio.to_thread(self.send_many, calls)

    def signature(
        self, task: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Signature:
        """Return the signature of a task by its name; it need not be defined in this process."""
        return Signature(task, args, kwargs, options, app=self)

    def send_signature(self, signature: Signature) -> Any:
        """Send a signature or a canvas as it is; return the handle of what it comes to. See Signature.apply_async."""
        if self.conf.task_always_eager:
            return self.run_signature_inline(signature)
        return sending.send(self, signature)

    def run_signature_inline(self, signature: Signature) -> Any:
        """Run a signature or a canvas here and now; see Task.apply."""
        return eager.run_signature_inline(self, signature)

    def AsyncResult(self, id: str) -> result.AsyncResult:
        """Return the handle of a run by its id."""
        return result.AsyncResult(id, app=self)

    def GroupResult(self, id: str | None = None, results: Sequence[Any] = ()) -> GroupResult:
        """Return the results of a group by their handles."""
        return GroupResult(id, results, app=self)

    def ResultSet(self, results: Sequence[Any]) -> ResultSet:
        """Return several results as one."""
        return ResultSet(results, app=self)

    # Schedules.

    def add_periodic_task(
        self,
        schedule: Any,
        sig: Signature | Task | SharedTask,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        name: str | None = None,
        **options: Any,
    ) -> str:
        """Schedule a call; return the schedule's name. Takes effect when a scheduler starts.

        ``options`` are those of ``apply_async``, and the keys of an entry of ``beat_schedule`` (``catchup``,
        ``overlap`` ...). Raises: ImproperlyConfigured when another call has the name.
        """
        from horarium.schedules.entries import CHOICES

        if not isinstance(sig, Signature):
            sig = sig.s()
        chosen = name or repr(sig)
        if chosen in self._periodic:
            raise ImproperlyConfigured(
                f"expected one periodic task named {chosen!r}, got two; give each a name= of its own"
            )
        self._periodic[chosen] = {
            "task": sig.task,
            "schedule": schedule,
            "args": [*sig.args, *args],
            "kwargs": {**sig.kwargs, **(kwargs or {})},
            "options": {**sig.options, **{key: value for key, value in options.items() if key not in CHOICES}},
            **{key: value for key, value in options.items() if key in CHOICES},
        }
        return chosen

    def schedule_entries(self) -> list[Schedule]:
        """Return all schedules that the code defines: ``beat_schedule``, ``@task(schedule=...)`` and
        ``add_periodic_task``. Raises: InvalidSchedule naming the entry that is wrong."""
        return [self.schedule_entry(name, entry) for name, entry in self.raw_entries().items()]

    def raw_entries(self) -> dict[str, dict[str, Any]]:
        """Return the same as people wrote them, by name."""
        entries: dict[str, dict[str, Any]] = {
            name: {
                **(task.schedule if isinstance(task.schedule, Mapping) else {"schedule": task.schedule}),
                "task": name,
            }
            for name, task in self.tasks.items()
            if task.schedule is not None
        }
        entries |= self._periodic
        entries |= {name: dict(entry) for name, entry in (self.conf.beat_schedule or {}).items()}
        return entries

    def schedule_entry(self, name: str, entry: Mapping[str, Any]) -> Schedule:
        """Return the schedule that an entry of ``beat_schedule`` asks for. Raises: InvalidSchedule, EncodingError."""
        from horarium.schedules.entries import read_entry

        deadline = self.conf.beat_cron_starting_deadline
        return read_entry(name, entry, timezone=self.conf.timezone, now=self.now(), cron_window=deadline)

    @cached_property
    def schedules(self) -> Schedules:
        """Schedules in the store: create, change, pause, skip, backfill, look ahead and back."""
        from horarium.app.schedules import Schedules  # most processes manage none

        return Schedules(self)

    @cached_property
    def events(self) -> Events:
        """What workers and callers tell: ``Receiver``, ``Dispatcher``, ``State``."""
        from horarium.app.events import Events  # most processes listen to none

        return Events(self)

    # The store.

    @property
    def engine(self) -> Engine:
        """The store, opened at the first use. Raises: ImproperlyConfigured, StoreUnusable, EngineUnavailable."""
        return self.connection.engine

    def transaction(self, connection: Any) -> AbstractContextManager[None]:
        """Let what is sent in a ``with`` block go into the open transaction of ``connection``: invisible before its
        commit, gone after its rollback. It neither begins nor ends the transaction.

        ``connection`` is a psycopg connection, a SQLAlchemy session or connection on psycopg, or what a function given
        to ``unwrap_connections_with`` understands, to the database of the app's store. Handles of runs know of nothing
        before the commit. In autocommit mode, outside of a transaction, each call is one of its own.
        Raises: CannotJoinTransaction when the store is not PostgreSQL, or the connection is one to another database.
        """
        return transaction.joined(self.connection, connection)

    @property
    def clock(self) -> Clock:
        """This host's clock, or the one that the app was given."""
        return self.connection.clock

    def close(self) -> None:
        """Let go of the store. It is opened again when it is needed again; closing twice is fine."""
        self.producer.sent.close()
        self.connection.close()

    def now(self) -> Instant:
        """Read the store's clock if the store is open, else this host's."""
        return self.connection.now()

    def bugreport(self) -> str:
        """Return versions, platform and the settings that were chosen, as text; secrets are hidden."""
        from horarium.app.bugreport import bugreport  # few ever need it

        return bugreport(self)

    def set_current(self) -> None:
        """Make this the app of shared tasks in the running thread or coroutine."""
        current.set_current(self)

    def __enter__(self) -> Horarium:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        """Results and signatures may be pickled, and they name their app: there, it is the app of the same name."""
        return current.app_called, (self.main,)

    def __copy__(self) -> Horarium:
        return self

    def __deepcopy__(self, memo: Any) -> Horarium:
        return self

    def __repr__(self) -> str:
        if self.conf.is_deferred:  # looking must not read a configuration
            return f"<Horarium {self.main}, not configured yet>"
        return f"<Horarium {self.main} at {self.connection.shown[0]}>"

    def handle_of(
        self, sent: tuple[Message, Placed], task: Task | None = None, options: Mapping[str, Any] = _NO_OPTIONS
    ) -> result.AsyncResult:
        """Return the handle of a message that was stored, or is about to be; the run that is sending may note it."""
        message, placed = sent
        id = placed if isinstance(placed, str) else message.id
        if task is not None and type(task).AsyncResult is not Task.AsyncResult:
            handle = task.AsyncResult(id)
            handle.ignored = message.ignore_result
        else:
            handle = result.AsyncResult(id, app=self, task_name=message.task, ignored=message.ignore_result)
        handle.is_new = not isinstance(placed, str)
        request = current_request()
        if request is not None and options.get("add_to_parent", True):
            sender = self._tasks.get(request.task or "")
            if sender is None or sender.trail:
                request.note_child(handle)
        return handle


Celery = Horarium  # the same, by the name that Celery's users know


def current_app() -> Horarium:
    """Return the app of this thread or coroutine, else the newest one of the process.

    Raises: ImproperlyConfigured when the process has none.
    """
    app: Horarium = current.current_app()
    return app


def bugreport(app: Horarium | None = None) -> str:
    """Return the report of an app, by default the current one; see Horarium.bugreport. Raises: ImproperlyConfigured."""
    return (app or current_app()).bugreport()


@overload
def shared_task(function: Callable[P, R], /) -> SharedTask: ...


@overload
def shared_task(**options: Any) -> Callable[[Callable[P, R]], SharedTask]: ...


def shared_task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a task of every app of the process; with and without options (see Task).

    Calls go to the current app: the one whose worker is running, else the newest one.
    """
    if function is None:
        return lambda decorated: shared.declare_shared(decorated, options)
    return shared.declare_shared(function, options)


def _check_task_options(function: Callable[..., Any], options: Mapping[str, Any], base: type[Task]) -> None:
    for option in options:
        if option not in Task.OPTIONS and option not in Task.HOOKS and not _is_own(base, option):
            hint = registry.nearest(option, Task.OPTIONS)
            meant = f"did you mean {hint!r}?" if hint else f"known are {', '.join(sorted(Task.OPTIONS))}"
            name = getattr(function, "__name__", function)
            raise ImproperlyConfigured(f"expected an option of the task {name}, got {option!r}; {meant}")


def _is_own(base: type[Task], option: str) -> bool:
    """Whether a base class of the user's has an attribute of its own that the option sets."""
    return hasattr(base, option) and not hasattr(Task, option)


def _finished(finish: Callable[[Task], Any] | None, task: Task) -> Any:
    """``filter=``: a function has the last word on what a decorated function becomes."""
    return finish(task) if finish is not None else task


def _class_name(task: type[Task]) -> str:
    return f"{task.__module__}.{task.__name__}"
