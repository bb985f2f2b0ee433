"""``app.control``: what operators do to runs, queues and workers from Python.

Runs and queues are changed in the store, so it holds for workers that start later, too, and needs none that listens.
Workers are asked through the store, and answer themselves. The names, arguments and replies are Celery's;
``connection`` and ``channel`` are taken and mean nothing, since there is one way to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from signal import Signals
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

from horarium import signals
from horarium.app import holdings, signalling
from horarium.app.connection import Connection
from horarium.app.fleet import free_key
from horarium.app.holdings import Show
from horarium.app.inspection import Inspect
from horarium.app.mailbox import Audience, Mailbox
from horarium.clock import Seconds, milliseconds
from horarium.command import Matcher
from horarium.engines.protocol import Engine
from horarium.engines.records import CONTROL_TOPIC, RESULT_TOPIC, Note, Page, Purge, Rank, Revoke, RunFilter
from horarium.errors import InvalidArguments
from horarium.message import HIGHEST_PRIORITY, new_id
from horarium.outcome import State
from horarium.panel import known

Replies: TypeAlias = list[dict[str, Any]]  # one {worker: answer} for each; Any: JSON, as various as the commands
Ids: TypeAlias = str | Sequence[str]

TERM = "SIGTERM"
# These end a task's process in any case, so it is ended for good and at once; of others the process is told first.
ENDING = frozenset({"SIGTERM", "SIGKILL"})
MATCHERS: Mapping[str, Matcher] = {"glob": "glob", "pcre": "pcre"}
STAMPED_READ = 1000

# Notes for workers: ids of runs that have ended where nobody writes them down in the archive.
ARCHIVE_NOTE = "archive:"
ARCHIVE_NOTE_LASTS: Seconds = 86_400.0
ARCHIVE_NOTE_IDS = 500  # of one note


class Control:
    """Remote control of runs, queues and workers.

    Methods that take ``**options`` pass them to ``broadcast``: ``reply``, ``timeout``, ``limit``, ``callback``,
    ``pattern``, ``matcher``. Without ``reply=True`` a command is left for the workers, and nobody waits for them.
    """

    def __init__(self, connection: Connection, show: Show = lambda message: message) -> None:
        self._connection = connection
        self._show = show  # returns a message as people may see it

    # Runs and queues: done in the store.

    def revoke(
        self,
        task_id: Ids,
        destination: Any = None,
        terminate: bool = False,
        signal: str | int = TERM,
        *,
        reply: bool = False,
        **options: Any,
    ) -> Any:
        """Cancel runs; return the ids that this changed, or with ``reply`` what the workers say.

        It holds whoever is meant by ``destination``. With ``terminate`` the processes of those that run are ended: at
        once, or, for another ``signal`` than TERM and KILL, after it was sent to them and they had two seconds.
        Raises: ValueError for an unknown signal.
        """
        ids = [task_id] if isinstance(task_id, str) else [str(id) for id in task_id]
        name = signal_name(signal)
        arguments = {"task_id": ids, "terminate": terminate, "signal": name}
        return self._cancel(ids, "revoke", arguments, destination, name, reply=reply, **options)

    def terminate(self, task_id: Ids, destination: Any = None, signal: str | int = TERM, **options: Any) -> Any:
        """Cancel runs, those that are running included: their processes are stopped. See ``revoke``."""
        return self.revoke(task_id, destination, terminate=True, signal=signal, **options)

    def revoke_by_stamped_headers(
        self,
        headers: Mapping[str, Any] | Sequence[str],
        destination: Any = None,
        terminate: bool = False,
        signal: str | int = TERM,
        *,
        reply: bool = False,
        **options: Any,
    ) -> Any:
        """Cancel every run that waits or runs now and bears one of these stamps; return the ids that this changed, or
        with ``reply`` what the workers say. Raises: ValueError for an unknown signal."""
        wanted = read_stamps(headers)
        name = signal_name(signal)
        ids = self.stamped(wanted)
        arguments = {"headers": wanted, "terminate": terminate, "signal": name, "ids": ids}
        return self._cancel(ids, "revoke_by_stamped_headers", arguments, destination, name, reply=reply, **options)

    def purge(self, queues: Sequence[str] | Any = None, connection: Any = None) -> int:
        """Cancel all waiting runs of the queues (None: of all); return how many. Running ones go on."""
        engine = self._connection.engine
        names = tuple(queues) if isinstance(queues, list | tuple | set | frozenset) else None
        purged = engine.inspector.act(Purge(queues=names), now=engine.now())
        engine.notifier.notify([RESULT_TOPIC])
        self._note_for_archive(purged)
        return len(purged)

    discard_all = purge

    def set_priority(self, task_id: Ids, priority: int) -> list[str]:
        """Give runs that wait another priority, 0 (last) to 9 (first); return the ids that this changed.

        They keep their place among those of the same priority: by when they are due, then by when they were sent. What
        runs, or a worker has taken already, stays as it is; so does what has ended. The number is Horarium's own, as
        ``horarium runs show`` has it, whatever ``task_priority_scheme`` says. Idempotent.
        Raises: InvalidArguments; EngineUnavailable.
        """
        if type(priority) is not int or not 0 <= priority <= HIGHEST_PRIORITY:
            raise InvalidArguments(f"expected a priority from 0 to {HIGHEST_PRIORITY}, got {priority!r}; mend the call")
        ids = (task_id,) if isinstance(task_id, str) else tuple(str(id) for id in task_id)
        engine = self._connection.engine
        return engine.inspector.act(Rank(ids=ids, priority=priority), now=engine.now()) if ids else []

    # Workers: asked.

    def inspect(
        self,
        destination: Any = None,
        timeout: Seconds = 1.0,
        callback: Callable[[dict[str, Any]], object] | None = None,
        connection: Any = None,
        app: Any = None,
        limit: int | None = None,
        pattern: str | None = None,
        matcher: str | None = None,
    ) -> Inspect:
        """Return what asks workers for what they know; see Inspect."""
        control = self if app is None else app.control
        return Inspect(control.broadcast, destination, timeout, callback, connection, app, limit, pattern, matcher)

    def broadcast(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        destination: Any = None,
        connection: Any = None,
        reply: bool = False,
        timeout: Seconds = 1.0,
        limit: int | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        channel: Any = None,
        pattern: str | None = None,
        matcher: str | None = None,
        **extra: Any,
    ) -> Replies | None:
        """Leave a command for all workers, or for those named in ``destination`` or like ``pattern``.

        With ``reply`` wait for those who live, no longer than ``timeout``, and return ``[{worker: answer}, ...]``;
        ``callback`` is called with each as it comes. Without, return None at once: the command holds for a minute.
        Where the store knows the answer, it is given for workers that are silent, and as ``store`` where none lives.
        Raises: ValueError for a pattern that cannot be read; EngineUnavailable.
        """
        audience = Audience(names=_names(destination), pattern=pattern, matcher=MATCHERS[matcher or "glob"])
        given = {**(arguments or {}), **extra}
        mailbox = Mailbox(self._connection)
        if not reply:
            mailbox.send(command, given, audience)
            return None
        replies: Replies = []
        for told in self._answers(mailbox, command, given, audience, timeout, limit):
            replies.append(told)
            if callback is not None:
                callback(told)
        return replies

    def ping(self, destination: Any = None, timeout: Seconds = 1.0, **options: Any) -> Replies:
        """Ask who is there: ``[{'worker@host': {'ok': 'pong'}}, ...]``, answered by the workers themselves."""
        return self._asked("ping", {}, destination, timeout=timeout, **options)

    def election(self, id: str, topic: str, action: Any = None, connection: Any = None) -> None:
        """Taken, and does nothing: workers need no leader."""
        self.broadcast("election", {"id": id, "topic": topic, "action": action})

    def rate_limit(self, task_name: str, rate_limit: str | float, destination: Any = None, **options: Any) -> Any:
        """Bound how often a task starts: ``'10/s'``, ``'100/m'``, ``'5/h'``, a number a second, 0 for no bound."""
        return self.broadcast("rate_limit", {"task_name": task_name, "rate_limit": rate_limit}, destination, **options)

    def time_limit(
        self,
        task_name: str,
        soft: Seconds | None = None,
        hard: Seconds | None = None,
        destination: Any = None,
        **options: Any,
    ) -> Any:
        """Change the time limits of a task; they hold for what starts from now on."""
        arguments = {"task_name": task_name, "hard": hard, "soft": soft}
        return self.broadcast("time_limit", arguments, destination, **options)

    def add_consumer(
        self,
        queue: str,
        exchange: Any = None,
        exchange_type: str = "direct",
        routing_key: Any = None,
        options: Mapping[str, Any] | None = None,
        destination: Any = None,
        **others: Any,
    ) -> Any:
        """Let workers read one more queue. A queue's name is all the routing there is; the rest is taken."""
        return self.broadcast("add_consumer", {"queue": queue}, destination, **others)

    def cancel_consumer(self, queue: str, destination: Any = None, **options: Any) -> Any:
        """Let workers read a queue no more."""
        return self.broadcast("cancel_consumer", {"queue": queue}, destination, **options)

    def autoscale(self, max: int, min: int, destination: Any = None, **options: Any) -> Any:
        """Let workers keep their number of slots between two bounds."""
        return self.broadcast("autoscale", {"max": max, "min": min}, destination, **options)

    def pool_grow(self, n: int = 1, destination: Any = None, **options: Any) -> Any:
        """Add slots to each worker."""
        return self.broadcast("pool_grow", {"n": n}, destination, **options)

    def pool_shrink(self, n: int = 1, destination: Any = None, **options: Any) -> Any:
        """Take slots from each worker; what runs in them ends first."""
        return self.broadcast("pool_shrink", {"n": n}, destination, **options)

    def pool_restart(
        self,
        modules: Iterable[str] | None = None,
        reload: bool = False,
        reloader: Any = None,
        destination: Any = None,
        **options: Any,
    ) -> Any:
        """Replace the children of workers by fresh ones, each after what it runs. Code is not read anew for that: the
        children share what their worker imported when it started."""
        arguments = {"modules": None if modules is None else list(modules), "reload": reload}
        return self.broadcast("pool_restart", arguments, destination, **options)

    def heartbeat(self, destination: Any = None, **options: Any) -> Any:
        """Let workers renew their leases now, and write a heartbeat to the journal."""
        return self.broadcast("heartbeat", {}, destination, **options)

    def enable_events(self, destination: Any = None, **options: Any) -> Any:
        """Let workers write the events of tasks to the journal."""
        return self.broadcast("enable_events", {}, destination, **options)

    def disable_events(self, destination: Any = None, **options: Any) -> Any:
        """Let workers write no more events of tasks."""
        return self.broadcast("disable_events", {}, destination, **options)

    def shutdown(self, destination: Any = None, **options: Any) -> Any:
        """Stop workers as on TERM: what runs may finish within ``worker_grace``."""
        return self.broadcast("shutdown", {}, destination, **options)

    # The steps of these.

    def stamped(self, stamps: Mapping[str, Any]) -> list[str]:
        """Return the ids of the runs that have not ended and bear one of these stamps."""
        engine, after, found = self._connection.engine, None, []
        while True:
            page = engine.inspector.find(RunFilter(), Page(limit=STAMPED_READ, after=after))
            found += [held.message.id for held in page.held if _bears(held.message.headers, stamps)]
            if page.next is None:
                return found
            after = page.next

    def _cancel(
        self,
        ids: Sequence[str],
        command: str,
        arguments: dict[str, Any],
        destination: Any,
        signal: str,
        *,
        reply: bool,
        **options: Any,
    ) -> Any:
        """Cancel runs in the store, having asked the workers first if they are to say which of them they run: once the
        store knows, they end."""
        terminate, is_gentle = arguments["terminate"], signal not in ENDING
        replies = None
        if reply or (terminate and is_gentle):
            replies = self.broadcast(command, arguments, destination, reply=reply, **options)
        changed = self._revoke(ids, terminate=terminate and not is_gentle)
        return replies if reply else changed

    def _revoke(self, ids: Sequence[str], *, terminate: bool) -> list[str]:
        if not ids:
            return []
        engine = self._connection.engine
        changed = engine.inspector.act(Revoke(ids=tuple(ids), terminate=terminate), now=engine.now())
        engine.notifier.notify([CONTROL_TOPIC, RESULT_TOPIC])
        self._note_for_archive(changed)
        if signals.task_revoked.receivers:
            for run in engine.results.read(changed):
                if run is not None and run.state == State.REVOKED:  # the others are told of by the worker that has them
                    signalling.revoked_run(run, "")
        return changed

    def _note_for_archive(self, ids: Sequence[str]) -> None:
        if self._connection.is_archived:
            note_for_archive(self._connection.engine, ids)

    def _asked(self, command: str, arguments: dict[str, Any], destination: Any, **options: Any) -> Replies:
        return self.broadcast(command, arguments, destination, **{**options, "reply": True}) or []

    def _answers(
        self,
        mailbox: Mailbox,
        command: str,
        arguments: dict[str, Any],
        audience: Audience,
        timeout: Seconds,
        limit: int | None,
    ) -> Iterable[dict[str, Any]]:
        engine = self._connection.engine
        told_by_store = holdings.TOLD_BY_STORE.get(known(command) or "")
        if told_by_store is not None and audience.is_everybody and not audience.nodes(engine):
            yield {holdings.IN_STORE: told_by_store(engine, None, arguments, self._show)}
            return
        answered: set[str] = set()
        keys: set[str] = set()
        for reply in mailbox.ask(command, arguments, audience, timeout=timeout, limit=limit):
            answered.add(reply.owner)
            yield {_new_key(reply.node, reply.pid, keys): reply.answer}
        if told_by_store is not None and limit is None:
            for node in audience.nodes(engine):
                if node.owner not in answered:
                    told = told_by_store(engine, node, arguments, self._show)
                    yield {_new_key(node.name, node.record.member.pid, keys): told}


def note_for_archive(engine: Engine, ids: Sequence[str]) -> None:
    """Leave a note for workers: these runs have ended, or may have, and are to be written down in the archive."""
    now = engine.now()
    expires = now + milliseconds(ARCHIVE_NOTE_LASTS)
    for start in range(0, len(ids), ARCHIVE_NOTE_IDS):
        text = Raw(msgspec.json.encode(ids[start : start + ARCHIVE_NOTE_IDS]))
        engine.notes.post([Note(key=ARCHIVE_NOTE + new_id(now), text=text, expires=expires)], now=now)


def signal_name(signal: str | int) -> str:
    """Return the full name of a signal, given by name or number. Raises: ValueError."""
    try:
        if isinstance(signal, int):
            return Signals(signal).name
        name = signal.upper()
        return Signals[name if name.startswith("SIG") else f"SIG{name}"].name
    except (KeyError, ValueError, AttributeError):
        raise ValueError(f"expected the name or number of a signal, such as TERM, got {signal!r}") from None


def read_stamps(headers: Any) -> dict[str, list[str]]:
    """Return stamps as lists by name; they may be given as ``["name=value", ...]``. Raises: ValueError."""
    if isinstance(headers, Mapping):
        return {str(name): _listed(value) for name, value in headers.items()}
    found: dict[str, list[str]] = {}
    for word in _listed(headers):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"expected stamps as name=value, got {word!r}")
        found.setdefault(name, []).append(value)
    return found


def _listed(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else [str(value)]


def _bears(headers: Mapping[str, Any], stamps: Mapping[str, Any]) -> bool:
    borne = headers.get("stamps")
    if not isinstance(borne, Mapping):
        return False
    return any(set(_listed(borne[name])) & set(_listed(values)) for name, values in stamps.items() if name in borne)


def _names(destination: Any) -> tuple[str, ...] | None:
    if destination is None:
        return None
    return (destination,) if isinstance(destination, str) else tuple(map(str, destination)) or None


def _new_key(name: str, pid: int, taken: set[str]) -> str:
    key = free_key(name, pid, taken)
    taken.add(key)
    return key
