"""Signals, by Celery's names: functions that are called when something happens in this process.

``task_prerun.connect(receiver)`` connects, ``signal.send(sender, **facts)`` calls all. What a receiver raises is logged
and changes nothing. Whoever sends on a hot path asks ``if signal.receivers`` first, so that nobody pays for silence.
What each signal tells, and from which process, stands in docs/reference/signals.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeAlias
from weakref import ReferenceType, WeakMethod, ref

logger = logging.getLogger(__name__)

Receiver: TypeAlias = Callable[..., Any]  # each takes the facts of its signal, and any others

FIRST_RETRY = 0.2  # seconds before a receiver with retry=True is called again; doubled each time
LONGEST_RETRY = 30.0


class Signal:
    """A place that receivers are connected to. ``providing_args`` names the facts that it tells."""

    def __init__(self, name: str, facts: str = "") -> None:
        self.name = name
        self.providing_args = frozenset(facts.split())
        self.receivers: list[_Connected] = []  # replaced, never changed: whoever walks it holds one state of it
        self._lock = Lock()  # guards the replacing

    def connect(self, *args: Any, **options: Any) -> Any:
        """Connect a receiver and return it; usable as a decorator with and without options.

        ``connect(receiver, sender=None, weak=True, dispatch_uid=None, retry=False)``. ``sender`` lets through what this
        one sends only: a task, or a task's name. ``weak``: let the receiver go when nobody else holds it. One
        ``dispatch_uid`` is connected once. ``retry``: call it again, with growing waits, until it does not raise; it is
        held on to then. Raises: TypeError for what cannot be called; ValueError for one that takes no keywords.
        """
        if args and callable(args[0]):
            return self._connect(args[0], *args[1:], **options)
        return lambda receiver: self._connect(receiver, *args, **options)

    def disconnect(
        self, receiver: Receiver | None = None, sender: Any = None, weak: bool | None = None, dispatch_uid: Any = None
    ) -> bool:
        """Undo a ``connect`` with the same receiver (or ``dispatch_uid``) and sender; tell whether there was one."""
        key = _key_of(receiver, dispatch_uid)
        with self._lock:
            kept = [each for each in self.receivers if not (each.key == key and _same_sender(each.sender, sender))]
            found = len(kept) < len(self.receivers)
            self.receivers = kept
        return found

    def has_listeners(self, sender: Any = None) -> bool:
        """Whether anybody would hear what this sender sends."""
        return any(each.hears(sender) and each.resolve() is not None for each in self.receivers)

    def send(self, sender: Any, **facts: Any) -> list[tuple[Receiver, Any]]:
        """Call every receiver with ``signal``, ``sender`` and the facts; return what each answered, or its exception.

        Blocks as long as they do. Raises nothing that is an Exception: it is logged, and the next receiver is called.
        """
        answers: list[tuple[Receiver, Any]] = []
        for each in self.receivers:
            if not each.hears(sender):
                continue
            receiver = each.resolve()
            if receiver is None:
                with self._lock:
                    self.receivers = self._living()
                continue
            try:
                answers.append((receiver, receiver(signal=self, sender=sender, **facts)))
            except Exception as error:  # a receiver of the user's: it must not change what it is told of
                logger.exception("receiver %r of signal %s failed", receiver, self.name)
                answers.append((receiver, error))
        return answers

    send_robust = send

    def __repr__(self) -> str:
        return f"<Signal: {self.name} providing_args={sorted(self.providing_args)}>"

    def _connect(
        self,
        receiver: Receiver,
        sender: Any = None,
        weak: bool = True,
        dispatch_uid: Hashable | None = None,
        retry: bool = False,
    ) -> Receiver:
        _check(receiver)
        key = _key_of(receiver, dispatch_uid)
        held: Receiver | ReferenceType[Any] = receiver
        if retry:
            held = _until_it_works(receiver, self.name)
        elif weak:
            held = _weakly(receiver)
        with self._lock:
            living = self._living()
            if not any(each.key == key and _same_sender(each.sender, sender) for each in living):
                living.append(_Connected(key, sender, held))
            self.receivers = living
        return receiver

    def _living(self) -> list[_Connected]:
        return [each for each in self.receivers if each.resolve() is not None]


class _Connected:
    """One receiver and what it wants to hear."""

    __slots__ = ("held", "key", "sender")

    def __init__(self, key: Hashable, sender: Any, held: Receiver | ReferenceType[Any]) -> None:
        self.key = key
        self.sender = sender
        self.held = held

    def hears(self, sender: Any) -> bool:
        return self.sender is None or _same_sender(self.sender, sender)

    def resolve(self) -> Receiver | None:
        receiver: Receiver | None = self.held() if isinstance(self.held, ReferenceType) else self.held
        return receiver


def _same_sender(one: Any, other: Any) -> bool:
    """A task is the same as its name: publishing is told by name, running by task."""
    return one is other or _name_of(one) == _name_of(other)


def _name_of(sender: Any) -> Any:
    if sender is None or isinstance(sender, str):
        return sender
    name = getattr(sender, "name", None)
    return name if isinstance(name, str) and name else id(sender)


def _key_of(receiver: Receiver | None, dispatch_uid: Hashable | None) -> Hashable:
    if dispatch_uid is not None:
        return dispatch_uid
    owner, function = getattr(receiver, "__self__", None), getattr(receiver, "__func__", None)
    return (id(owner), id(function)) if function is not None else id(receiver)


def _check(receiver: Any) -> None:
    if not callable(receiver):
        raise TypeError(f"expected a receiver that can be called, got {receiver!r:.100}")
    code = getattr(getattr(receiver, "__func__", receiver), "__code__", None)
    takes_keywords = 0x08  # CO_VARKEYWORDS; ``inspect`` would cost a slow import
    if code is not None and not code.co_flags & takes_keywords and not hasattr(receiver, "__wrapped__"):
        raise ValueError(
            f"expected a receiver that takes any keyword arguments, got {receiver!r:.100}; add **kwargs, since signals "
            "may tell more one day"
        )


def _weakly(receiver: Receiver) -> Receiver | ReferenceType[Any]:
    """Return a reference that does not keep the receiver alive; what cannot be referred to so is held."""
    try:
        return WeakMethod(receiver) if hasattr(receiver, "__func__") else ref(receiver)
    except TypeError:
        return receiver


def _until_it_works(receiver: Receiver, signal: str) -> Receiver:
    def insist(**facts: Any) -> Any:
        wait = FIRST_RETRY
        while True:
            try:
                return receiver(**facts)
            except Exception as error:  # noqa: BLE001  # told, and tried again: that is what retry=True asks for
                logger.error("receiver %r of signal %s raised %r; again in %.1f s", receiver, signal, error, wait)
                time.sleep(wait)
                wait = min(LONGEST_RETRY, 2 * wait)

    return insist


# Publishing; the sender is the task's name.
before_task_publish = Signal("before_task_publish", "body exchange routing_key headers properties declare retry_policy")
after_task_publish = Signal("after_task_publish", "body exchange routing_key headers")
task_sent = Signal("task_sent", "task_id task args kwargs eta taskset")

# Running; the sender is the task, but for task_received, task_rejected and task_unknown: the worker's name.
task_received = Signal("task_received", "request")
task_prerun = Signal("task_prerun", "task_id task args kwargs")
task_postrun = Signal("task_postrun", "task_id task args kwargs retval state")
task_success = Signal("task_success", "result runtime")
task_retry = Signal("task_retry", "request reason einfo")
task_failure = Signal("task_failure", "task_id exception args kwargs traceback einfo")
task_internal_error = Signal("task_internal_error", "task_id args kwargs request exception traceback einfo")
task_revoked = Signal("task_revoked", "request terminated signum expired")
task_rejected = Signal("task_rejected", "message exc")
task_unknown = Signal("task_unknown", "message exc name id")

# Workers.
celeryd_init = Signal("celeryd_init", "instance conf options")
celeryd_after_setup = Signal("celeryd_after_setup", "instance conf")
import_modules = Signal("import_modules")
worker_init = Signal("worker_init")
worker_before_create_process = Signal("worker_before_create_process")
worker_process_init = Signal("worker_process_init")
worker_process_shutdown = Signal("worker_process_shutdown", "pid exitcode")
worker_ready = Signal("worker_ready")
worker_shutting_down = Signal("worker_shutting_down", "sig how exitcode")
worker_shutdown = Signal("worker_shutdown")
heartbeat_sent = Signal("heartbeat_sent")

# Logging.
setup_logging = Signal("setup_logging", "loglevel logfile format colorize")
after_setup_logger = Signal("after_setup_logger", "logger loglevel logfile format colorize")
after_setup_task_logger = Signal("after_setup_task_logger", "logger loglevel logfile format colorize")

# Schedulers.
beat_init = Signal("beat_init")
beat_embedded_init = Signal("beat_embedded_init")

# Programs.
user_preload_options = Signal("user_preload_options", "app options")

# Of pools that there are none of here: never sent.
eventlet_pool_started = Signal("eventlet_pool_started")
eventlet_pool_preshutdown = Signal("eventlet_pool_preshutdown")
eventlet_pool_postshutdown = Signal("eventlet_pool_postshutdown")
eventlet_pool_apply = Signal("eventlet_pool_apply", "target args kwargs")
