"""What the store knows of workers' work, in the shapes of Celery's ``inspect``: told by a worker, or for one that does
not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from horarium import codec
from horarium.app.fleet import Node, live_nodes, speaker_for
from horarium.clock import Instant
from horarium.engines.records import Held, Page, RunFilter
from horarium.errors import CodecError
from horarium.message import Message
from horarium.outcome import State

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

IN_STORE = "store"  # who answers where no worker lives
PAGE = 1000
MOST_READ = 20_000  # messages that one question looks at
REVOKED_TOLD = 1000

Show = Callable[[Message], Message]  # returns a message as people may see it
TaskInfo = dict[str, Any]  # Any: JSON, under Celery's keys


def task_info(
    message: Message,
    hostname: str,
    *,
    started: Instant | None = None,
    pid: int | None = None,
    attempt: int = 1,
    safe: bool = False,
) -> TaskInfo:
    """Return what Celery tells of a task. ``acknowledged`` is never True here: a delivery is the worker's until its
    outcome is recorded. ``safe``: arguments as text."""
    args, kwargs = _arguments(message)
    return {
        "id": message.id,
        "name": message.task,
        "args": repr(args) if safe else args,
        "kwargs": repr(kwargs) if safe else kwargs,
        "type": message.task,
        "hostname": hostname,
        "time_start": None if started is None else started / 1000,
        "acknowledged": False,
        "delivery_info": {
            "exchange": "",
            "routing_key": message.queue,
            "priority": message.priority,
            "redelivered": attempt > 1,
        },
        "worker_pid": pid,
    }


def queue_info(name: str) -> dict[str, Any]:
    """Return what Celery tells of a queue that a worker reads: all of ours are alike."""
    return {
        "name": name,
        "exchange": {
            "name": name,
            "type": "direct",
            "arguments": None,
            "durable": True,
            "passive": False,
            "auto_delete": False,
            "delivery_mode": None,
            "no_declare": False,
        },
        "routing_key": name,
        "queue_arguments": None,
        "binding_arguments": None,
        "consumer_arguments": None,
        "durable": True,
        "exclusive": False,
        "auto_delete": False,
        "no_ack": False,
        "alias": None,
        "bindings": [],
        "no_declare": None,
        "expires": None,
        "message_ttl": None,
        "max_length": None,
        "max_length_bytes": None,
        "max_priority": None,
    }


def scheduled(engine: Engine, node: Node | None, show: Show) -> list[dict[str, Any]]:
    """Return what waits for its eta or its retry and a node speaks for; node None: all of it."""
    now = engine.now()
    return [
        _scheduled_info(held, node, show)
        for held in waiting_for(engine, node)
        if held.due > now and not held.is_blocked
    ]


def reserved(engine: Engine, node: Node | None, show: Show) -> list[TaskInfo]:
    """Return what a node has taken and not started; nobody: nothing."""
    if node is None:
        return []
    running = {now.id for child in node.members for now in child.running}
    return [
        task_info(show(held.message), node.name, attempt=held.attempt)
        for held in _in_hand(engine)
        if held.owner in _owners(node) and held.message.id not in running
    ]


def revoked(engine: Engine) -> list[str]:
    """Return the ids of runs that were cancelled, the newest ones."""
    page = engine.results.search(RunFilter(states=(State.REVOKED,)), Page(limit=REVOKED_TOLD))
    return [run.id for run in page.runs]


def query_task(engine: Engine, node: Node | None, ids: Sequence[str], show: Show) -> dict[str, list[Any]]:
    """Return ``[state, info]`` by id of those runs that a node has or speaks for: active, reserved, scheduled, or
    ready (waits in its queue). Ids that are not known, or have ended, are left out."""
    found: dict[str, list[Any]] = {}
    nodes = live_nodes(engine) if node is not None else []
    now = engine.now()
    for id in ids:
        page = engine.inspector.find(RunFilter(id_prefix=str(id)), Page(limit=1))
        for held in page.held:
            if held.message.id == id and (told := _where(held, node, nodes, now, show)) is not None:
                found[id] = told
    return found


# Any: the arguments and answers of commands are JSON.
TOLD_BY_STORE: Mapping[str, Callable[[Engine, Node | None, Mapping[str, Any], Show], Any]] = {
    "scheduled": lambda engine, node, arguments, show: scheduled(engine, node, show),
    "reserved": lambda engine, node, arguments, show: reserved(engine, node, show),
    "revoked": lambda engine, node, arguments, show: revoked(engine),
    "query_task": lambda engine, node, arguments, show: query_task(
        engine, node, listed_ids(arguments.get("ids")), show
    ),
}


def listed_ids(ids: Any) -> list[str]:
    """Return ids that may be given as one or as several."""
    if ids is None:
        return []
    return [ids] if isinstance(ids, str) else [str(id) for id in ids]


def waiting_for(engine: Engine, node: Node | None) -> Iterator[Held]:
    """Yield the messages that wait in the store and for which a node speaks (None: all), up to a bound."""
    nodes = live_nodes(engine) if node is not None else []
    for held in _held(engine):
        if held.owner is None and (node is None or _is_spoken_for(held.message, node, nodes)):
            yield held


def _is_spoken_for(message: Message, node: Node, nodes: Sequence[Node]) -> bool:
    speaker = speaker_for(message, nodes)
    return speaker is not None and speaker.owner == node.owner


def _where(held: Held, node: Node | None, nodes: Sequence[Node], now: Instant, show: Show) -> list[Any] | None:
    message = held.message
    if held.owner is None:
        if node is not None and not _is_spoken_for(message, node, nodes):
            return None
        state = "scheduled" if held.due > now else "ready"
        return [state, task_info(show(message), node.name if node else IN_STORE)]
    if node is None or held.owner not in _owners(node):
        return None
    for member in node.members:
        for running in member.running:
            if running.id == message.id:
                info = task_info(
                    show(message), node.name, started=running.started, pid=member.pid or None, attempt=held.attempt
                )
                return ["active", info]
    return ["reserved", task_info(show(message), node.name, attempt=held.attempt)]


def _scheduled_info(held: Held, node: Node | None, show: Show) -> dict[str, Any]:
    return {
        "eta": datetime.fromtimestamp(held.due / 1000, UTC).isoformat(),
        "priority": held.message.priority,
        "request": task_info(show(held.message), node.name if node else IN_STORE),
    }


def _owners(node: Node) -> set[str]:
    return {member.owner for member in node.members}


def _in_hand(engine: Engine) -> Iterator[Held]:
    for held in _held(engine):
        if held.owner is None:
            return  # those in hand come first
        yield held


def _held(engine: Engine) -> Iterator[Held]:
    after: str | None = None
    for _ in range(MOST_READ // PAGE):
        page = engine.inspector.find(RunFilter(), Page(limit=PAGE, after=after))
        yield from page.held
        if page.next is None:
            return
        after = page.next


def _arguments(message: Message) -> tuple[Any, Any]:
    """Return the arguments as they read; what cannot be read is shown as it is stored."""
    try:
        return _plain(codec.decode(message.args)), _plain(codec.decode(message.kwargs))
    except CodecError:
        return bytes(message.args).decode("utf-8", "replace"), bytes(message.kwargs).decode("utf-8", "replace")


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it, as Celery's users would read it there: dates and such as text."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(each) for each in value]
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
