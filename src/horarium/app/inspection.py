"""``app.control.inspect()``: asks workers for what they know. The names and the shapes of the answers are Celery's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from horarium.clock import Seconds

# {worker: answer}, or one worker's answer if its name was given alone; None: nobody answered. Any: JSON.
Answers: TypeAlias = Any


class Inspect:
    """Questions to workers. ``destination`` is a list of names, or one name, whose answer then comes alone."""

    def __init__(
        self,
        broadcast: Callable[..., list[dict[str, Any]] | None],
        destination: Any = None,
        timeout: Seconds = 1.0,
        callback: Callable[[dict[str, Any]], object] | None = None,
        connection: Any = None,
        app: Any = None,
        limit: int | None = None,
        pattern: str | None = None,
        matcher: str | None = None,
    ) -> None:
        self._broadcast = broadcast
        self.app = app
        self.destination = destination
        self.timeout = timeout
        self.callback = callback
        self.connection = connection
        self.limit = limit
        self.pattern = pattern
        self.matcher = matcher

    def ask(self, command: str, **arguments: Any) -> Answers:
        """Ask for any command, also one of the program's own."""
        replies = self._broadcast(
            command,
            arguments,
            self.destination,
            reply=True,
            timeout=self.timeout,
            limit=self.limit,
            callback=self.callback,
            pattern=self.pattern,
            matcher=self.matcher,
        )
        return self._by_node(replies or [])

    _request = ask  # by this name Celery's own command line, and what was made like it, calls it

    def active(self, safe: bool | None = None) -> Answers:
        """What runs now: a list of task infos for each worker. ``safe``: arguments as text."""
        return self.ask("active", safe=safe)

    def active_queues(self) -> Answers:
        """The queues that each worker reads."""
        return self.ask("active_queues")

    def clock(self) -> Answers:
        """The store's time in milliseconds, as ``{'clock': number}``."""
        return self.ask("clock")

    def conf(self, with_defaults: bool = False) -> Answers:
        """The settings that differ from their defaults, or all; secrets are masked."""
        return self.ask("conf", with_defaults=with_defaults)

    def hello(self, from_node: str, revoked: Any = None) -> Answers:
        """What Celery's workers tell one another when they start."""
        return self.ask("hello", from_node=from_node, revoked=revoked)

    def memdump(self, samples: int = 10) -> Answers:
        """The last samples of each worker's memory, as text."""
        return self.ask("memdump", samples=samples)

    def memsample(self) -> Answers:
        """Take a sample of each worker's resident memory; return it as text."""
        return self.ask("memsample")

    def objgraph(self, type: str = "Request", n: int = 200, max_depth: int = 10) -> Answers:
        """Draw who holds objects of a type; return ``{'filename': path}`` on the worker's host."""
        return self.ask("objgraph", num=n, max_depth=max_depth, type=type)

    def ping(self, destination: Any = None) -> Answers:
        """``{worker: {'ok': 'pong'}}`` of those who answer."""
        if destination:
            self.destination = destination
        return self.ask("ping")

    def query_task(self, *ids: Any) -> Answers:
        """Where runs are: ``{worker: {id: [state, info]}}``."""
        wanted = ids[0] if len(ids) == 1 and isinstance(ids[0], list | tuple) else ids
        return self.ask("query_task", ids=[str(id) for id in wanted])

    def registered(self, *taskinfoitems: str) -> Answers:
        """The names of each worker's tasks, with these of their attributes."""
        return self.ask("registered", taskinfoitems=list(taskinfoitems))

    registered_tasks = registered

    def report(self) -> Answers:
        """Versions, platform and settings of each worker, as ``{'ok': text}``."""
        return self.ask("report")

    def reserved(self, safe: bool | None = None) -> Answers:
        """What each worker has taken and not started."""
        return self.ask("reserved")

    def revoked(self) -> Answers:
        """The ids of cancelled runs."""
        return self.ask("revoked")

    def scheduled(self, safe: bool | None = None) -> Answers:
        """What waits for its eta or its retry: each message by one of the workers that read its queue."""
        return self.ask("scheduled")

    def stacks(self) -> Answers:
        """The stacks of all threads of each worker's children, as ``{'ok': text}``. Celery has no such question."""
        return self.ask("stacks")

    def stats(self) -> Answers:
        """Processes, memory and counts of each worker."""
        return self.ask("stats")

    def _by_node(self, replies: list[dict[str, Any]]) -> Answers:
        by_node = {node: answer for reply in replies for node, answer in reply.items()}
        if not by_node:
            return None
        if isinstance(self.destination, str):
            return by_node.get(self.destination)
        return by_node
