"""A TCP proxy before a server, on a free loopback port, in a thread of the test's: whatever a network can do to a
connection, on demand, and counted, so that a test can tell that it happened.

What is held back is kept and goes on when the network is healed, as TCP sends again what was lost on the way. What is
dropped is gone, and so its connection is reset at the latest then. It listens before it is used and stops when closed.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal, TypeAlias

Way: TypeAlias = Literal["to server", "to client"]
WAYS: tuple[Way, ...] = ("to server", "to client")
CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time at all: a close sends RST
# A message that prepares a statement, under a name as psycopg gives it.
PREPARED = re.compile(rb"P.{4}(_pg3_[0-9a-f]+\0)([^\0]+)\0", re.DOTALL)
PATIENCE = 10.0


class Rule:
    """Something to happen; ``hits`` counts how often it did."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.hits = 0

    def __repr__(self) -> str:
        return f"{self.what}: {self.hits} hits"


class SwallowedReply(Rule):
    """The answer to a request that contains ``pattern`` never arrives: the request is forwarded and carried out.

    So is one that PostgreSQL was told to prepare before on that connection, by the name it got.
    ``nth`` of such requests, and ``times`` of them from there on. Afterwards its connection is reset, or silent.
    """

    def __init__(self, pattern: bytes, *, nth: int = 1, times: int = 1, then: Literal["reset", "silence"]) -> None:
        super().__init__(f"reply swallowed, then {then}")
        self.pattern = pattern
        self.nth = nth
        self.times = times
        self.then = then
        self.seen = 0

    def strikes(self, request: bytes, link: Link) -> bool:
        names = (name for name, statement in link.prepared.items() if self.pattern in statement)
        if self.pattern not in request and not any(name in request for name in names):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


class CutAfter(Rule):
    """Each connection is reset when so many bytes have gone one way; only ``times`` connections."""

    def __init__(self, size: int, way: Way, times: int = 1 << 30) -> None:
        super().__init__(f"cut after {size} bytes {way}")
        self.size = size
        self.way = way
        self.times = times


class Link:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.sockets: dict[Way, socket.socket] = {"to server": server, "to client": client}
        self.forwarded: dict[Way, int] = dict.fromkeys(WAYS, 0)
        self.prepared: dict[bytes, bytes] = {}  # PostgreSQL: statements by the names that stand for them from then on
        self.swallowing: SwallowedReply | None = None
        self.is_silent = False
        self.is_half_closed = False  # the client was told that nothing more will come
        self.has_lost_bytes = False

    def close(self, *, reset: bool) -> None:
        for end in self.sockets.values():
            with suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR) if not reset else None
            end.close()


class Proxy:
    """``delay`` seconds for each chunk and ``rate`` bytes a second are attributes that may be set at any time."""

    def __init__(self, server_port: int) -> None:
        self.delay = 0.0
        self.rate: float | None = None
        self.accepts = True  # False: new connections are taken and never answered
        self.accepted = 0
        self.forwarded = 0
        self.rules: list[Rule] = []
        self.links: set[Link] = set()
        self._server_port = server_port
        self._dropping: set[Way] = set()
        self._loop = asyncio.new_event_loop()
        self._gates = {way: asyncio.Event() for way in WAYS}
        for gate in self._gates.values():
            gate.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    # What a network can do.

    def add(self, rule: Rule) -> Any:
        self.rules.append(rule)
        return rule

    def hold(self, *ways: Way) -> None:
        """Let nothing through these ways (both, if none is named) until ``heal``; new connections hang as well."""
        self._do(lambda: [self._gates[way].clear() for way in ways or WAYS])

    def drop(self, *ways: Way) -> None:
        """Lose for good whatever goes these ways (both, if none is named) until ``heal``."""
        self._dropping = set(ways or WAYS)

    def reset_all(self) -> int:
        """Reset every connection; tell how many there were."""
        count = len(self.links)
        self._do(lambda: [self._end(link, reset=True) for link in list(self.links)])
        return count

    def half_close_all(self) -> int:
        """Tell every client that the server will send no more, and read on."""

        def half_close() -> None:
            for link in self.links:
                link.is_half_closed = True
                with suppress(OSError):
                    link.sockets["to client"].shutdown(socket.SHUT_WR)

        self._do(half_close)
        return len(self.links)

    def silence_all(self) -> int:
        """Let every present connection be silent from now on, without a word to either side."""
        for link in list(self.links):
            link.is_silent = link.has_lost_bytes = True
        return len(self.links)

    def heal(self) -> None:
        """Let everything pass again; connections that have lost bytes are reset."""
        self.rules, self.delay, self.rate, self.accepts, self._dropping = [], 0.0, None, True, set()

        def heal() -> None:
            for gate in self._gates.values():
                gate.set()
            for link in [link for link in self.links if link.has_lost_bytes]:
                self._end(link, reset=True)

        self._do(heal)

    # How it does it.

    def _do(self, act: Callable[[], Any]) -> None:
        """Do something in the proxy's thread, and wait until it is done."""

        async def run() -> None:
            act()

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._spawn(self._accept())
        self._loop.run_forever()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        for link in list(self.links):
            self._end(link, reset=True)
        self._listener.close()
        self._loop.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            client.setblocking(False)
            self.accepted += 1
            self._spawn(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        server = socket.socket()
        server.setblocking(False)
        link = Link(client, server)
        link.is_silent = link.has_lost_bytes = not self.accepts
        self.links.add(link)
        try:
            for end in link.sockets.values():
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(server, ("127.0.0.1", self._server_port))
        except OSError:  # the server is down: so is whoever stands before it
            self._end(link, reset=True)
            return
        for way in WAYS:
            self._spawn(self._pump(link, way))

    async def _pump(self, link: Link, way: Way) -> None:
        source = link.sockets["to client" if way == "to server" else "to server"]
        target = link.sockets[way]
        try:
            while data := await self._loop.sock_recv(source, CHUNK):
                if not await self._pass(link, way, data, target):
                    return
            await self._gates[way].wait()
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)
            if way == "to client":
                self._end(link, reset=False)
        except (OSError, ValueError):  # one side is gone: so is the other; or the link was ended under our hands
            self._end(link, reset=True)

    async def _pass(self, link: Link, way: Way, data: bytes, target: socket.socket) -> bool:
        """Let a chunk through, or not; tell whether the connection goes on."""
        if self.delay or self.rate:
            await asyncio.sleep(self.delay + (len(data) / self.rate if self.rate else 0.0))
        await self._gates[way].wait()
        if link.is_silent or way in self._dropping:
            link.has_lost_bytes = True
            return True
        if way == "to client" and link.is_half_closed:
            return True
        if way == "to client" and (swallowed := link.swallowing) is not None:
            swallowed.hits += 1
            if swallowed.then == "reset":
                self._end(link, reset=True)
                return False
            link.is_silent = link.has_lost_bytes = True
            return True
        if way == "to server":
            self._look_for_victims(link, data)
        return await self._forward(link, way, data, target)

    def _look_for_victims(self, link: Link, request: bytes) -> None:
        for name, statement in PREPARED.findall(request):
            link.prepared[b"\0" + name] = statement
        for rule in self.rules:
            if isinstance(rule, SwallowedReply) and rule.strikes(request, link):
                link.swallowing = rule

    async def _forward(self, link: Link, way: Way, data: bytes, target: socket.socket) -> bool:
        for rule in self.rules:
            if isinstance(rule, CutAfter) and rule.way == way and rule.hits < rule.times:
                rest = rule.size - link.forwarded[way]
                if len(data) >= rest:
                    rule.hits += 1
                    await self._loop.sock_sendall(target, data[:rest])
                    self._end(link, reset=True)
                    return False
        await self._loop.sock_sendall(target, data)
        link.forwarded[way] += len(data)
        self.forwarded += len(data)
        return True

    def _end(self, link: Link, *, reset: bool) -> None:
        if link in self.links:
            self.links.discard(link)
            for end in link.sockets.values():
                with suppress(ValueError, OSError):
                    self._loop.remove_reader(end)
                    self._loop.remove_writer(end)
            link.close(reset=reset)
