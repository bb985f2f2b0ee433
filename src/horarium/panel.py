"""The panel: every command that workers understand, its arguments and what is said about it.

Nothing but what stands here can be asked of a worker. A program adds commands of its own with ``control_command`` and
``inspect_command``; what the built-in ones do is told in ``worker/``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from horarium.clock import Seconds

Kind: TypeAlias = Literal["inspect", "control"]
Function: TypeAlias = Callable[..., Any]  # called with the worker's station and the arguments; returns JSON


class Entry(NamedTuple):
    """What is known of a command; the fields are Celery's."""

    alias: str | None
    type: Kind
    visible: bool
    default_timeout: Seconds
    help: str
    signature: str | None
    args: tuple[tuple[str, Callable[[str], Any] | None], ...]
    variadic: str | None


def flag(text: str) -> bool:
    """Read yes or no, as people type it. Raises: ValueError."""
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    try:
        return words[str(text).lower()]
    except KeyError:
        raise ValueError(f"expected yes or no, got {text!r}") from None


class Panel:
    """All commands by name. ``data`` has the functions of a program's own ones."""

    data: ClassVar[dict[str, Function]] = {}
    meta: ClassVar[dict[str, Entry]] = {}

    @classmethod
    def register(cls, function: Function | None = None, **options: Any) -> Any:
        """Add a command; usable as a decorator with and without options: those of ``Entry``, and ``name``."""
        if function is None:
            return lambda decorated: cls.register(decorated, **options)
        name = options.pop("name", None) or function.__name__
        said = options.pop("help", None) or (function.__doc__ or "").strip().split("\n")[0]
        entry = _entry(help=said, **options)
        cls.data[name], cls.meta[name] = function, entry
        if entry.alias:
            cls.data[entry.alias] = function
        return function


def control_command(function: Function | None = None, **options: Any) -> Any:
    """Add a command that changes something: ``horarium control NAME``. Workers and callers must import it."""
    return Panel.register(function, type="control", **options)


def inspect_command(function: Function | None = None, **options: Any) -> Any:
    """Add a command that only tells something: ``horarium inspect NAME``."""
    return Panel.register(function, type="inspect", **options)


def known(name: str) -> str | None:
    """Return the name of a command that is given by it or by its alias; None: there is none."""
    if name in Panel.meta:
        return name
    return ALIASES.get(name) or next((each for each, entry in Panel.meta.items() if entry.alias == name), None)


def commands_of(kind: Kind) -> dict[str, Entry]:
    """Return the commands of a kind that are shown to people, by name."""
    return {name: entry for name, entry in sorted(Panel.meta.items()) if entry.type == kind and entry.visible}


def typed_arguments(name: str, words: list[str]) -> dict[str, Any]:
    """Return what was typed behind a command's name as its arguments. Raises: ValueError."""
    entry = Panel.meta[name]
    found: dict[str, Any] = {}
    for (argument, read), word in zip(entry.args, words, strict=False):
        try:
            found[argument] = word if read is None else read(word)
        except ValueError as error:
            raise ValueError(f"{name}: expected {argument} as in `{name} {entry.signature}`, got {word!r}") from error
    rest = words[len(entry.args) :]
    if entry.variadic:
        found[entry.variadic] = rest
    elif rest:
        usage = f"`{name} {entry.signature}`" if entry.signature else "no arguments"
        raise ValueError(f"{name}: expected {usage}, got {' '.join(words)!r}")
    return found


def _entry(
    *,
    help: str,
    type: Kind = "control",
    alias: str | None = None,
    visible: bool = True,
    default_timeout: Seconds = 1.0,
    signature: str | None = None,
    args: Any = (),
    variadic: str | None = None,
) -> Entry:
    return Entry(alias, type, visible, default_timeout, help, signature, tuple(map(tuple, args or ())), variadic)


def _told(help: str, **options: Any) -> Entry:
    return _entry(help=help, type="inspect", **options)


_IDS = "[id1 [id2 [... [idN]]]]"

BUILT_IN: Mapping[str, Entry] = {
    "active": _told("What runs now.", alias="dump_active"),
    "active_queues": _told("The queues that a worker reads."),
    "clock": _told("A number that grows: the store's time in milliseconds."),
    "conf": _told(
        "Settings that differ from their defaults; secrets are masked.",
        alias="dump_conf",
        signature="[include_defaults=False]",
        args=[("with_defaults", flag)],
    ),
    "hello": _told("What Celery's workers tell one another when they start.", visible=False),
    "memdump": _told("The samples that memsample has taken.", signature="[n_samples=10]", args=[("samples", int)]),
    "memsample": _told("Take a sample of the worker's resident memory."),
    "objgraph": _told(
        "Draw who holds the supervisor's objects of a type (needs the objgraph library).",
        default_timeout=60.0,
        signature="[object_type=Request] [num=200 [max_depth=10]]",
        args=[("type", str), ("num", int), ("max_depth", int)],
    ),
    "ping": _told("Who answers.", default_timeout=0.2),
    "query_task": _told("Where runs are, by id.", signature=_IDS, variadic="ids"),
    "registered": _told(
        "The tasks that a worker knows, with some of their options.",
        alias="dump_tasks",
        signature="[attr1 [attr2 [... [attrN]]]]",
        variadic="taskinfoitems",
    ),
    "report": _told("Versions, platform and settings, for reports of faults."),
    "reserved": _told("What a worker has taken and not started yet.", alias="dump_reserved"),
    "revoked": _told("Ids of cancelled runs.", alias="dump_revoked"),
    "scheduled": _told("What waits for its eta or its retry.", alias="dump_schedule"),
    "stacks": _told("What each child is doing: the stacks of all its threads (on Linux).", default_timeout=2.0),
    "stats": _told("Processes, memory, counts."),
    "add_consumer": _entry(
        help="Read one more queue.",
        signature="<queue> [exchange [type [routing_key]]]",
        args=[("queue", str), ("exchange", str), ("exchange_type", str), ("routing_key", str)],
    ),
    "autoscale": _entry(
        help="Keep the number of slots between two bounds.",
        signature="[max [min]]",
        args=[("max", int), ("min", int)],
    ),
    "cancel_consumer": _entry(help="Read a queue no more.", signature="<queue>", args=[("queue", str)]),
    "disable_events": _entry(help="Write no more events of tasks to the journal."),
    "election": _entry(help="Taken, and does nothing: workers need no leader."),
    "enable_events": _entry(help="Write the events of tasks to the journal."),
    "heartbeat": _entry(help="Renew the lease now, and write a heartbeat to the journal."),
    "pool_grow": _entry(help="Add slots.", signature="[N=1]", args=[("n", int)]),
    "pool_restart": _entry(help="Replace every child by a fresh one, each after what it runs."),
    "pool_shrink": _entry(help="Take slots away, each after what it runs.", signature="[N=1]", args=[("n", int)]),
    "rate_limit": _entry(
        help="Bound how often a task starts, over all workers.",
        signature="<task_name> <rate_limit (e.g., 5/s | 5/m | 5/h)>",
        args=[("task_name", str), ("rate_limit", str)],
    ),
    "revoke": _entry(help="Cancel runs.", signature=_IDS, variadic="task_id"),
    "revoke_by_stamped_headers": _entry(
        help="Cancel runs by their stamps.",
        signature="[key1=value1 [key2=value2 [... [keyN=valueN]]]]",
        variadic="headers",
    ),
    "shutdown": _entry(help="Stop as on TERM: what runs may finish within worker_grace."),
    "terminate": _entry(
        help="Cancel runs; those that run are ended.",
        signature=f"<signal> {_IDS}",
        args=[("signal", str)],
        variadic="task_id",
    ),
    "time_limit": _entry(
        help="Change the time limits of a task, from its next start on.",
        signature="<task_name> <soft_secs> [hard_secs]",
        args=[("task_name", str), ("soft", float), ("hard", float)],
    ),
}
ALIASES = {entry.alias: name for name, entry in BUILT_IN.items() if entry.alias}
Panel.meta.update(BUILT_IN)
