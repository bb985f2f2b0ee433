"""One connection to the server, on which nothing waits for ever, and how one is opened."""

from __future__ import annotations

import select
from collections.abc import Generator
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.waiting import Ready, Wait

from horarium.clock import Clock, Seconds, SystemClock
from horarium.engines.postgres.address import Address
from horarium.engines.postgres.sql import Row
from horarium.engines.postgres.trouble import translate
from horarium.errors import StoreUnusable

OLDEST_SERVER = 130_000  # PostgreSQL 13, as libpq numbers it

T = TypeVar("T")

_MASKS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}


class NoAnswer(psycopg.OperationalError):
    """The server, or the way to it, has stopped without a word."""


class Session(psycopg.Connection[Row]):
    """A connection whose every answer is waited for no longer than ``patience``.

    The server's own timeouts end a statement before that. A server that is frozen keeps none of them, and its kernel
    goes on acknowledging what it is sent, so that TCP notices nothing either.
    """

    patience: Seconds = 10.0
    clock: Clock = SystemClock()

    def wait(self, gen: Generator[Any, Any, T], *_: Any, **__: Any) -> T:  # psycopg's own types differ between versions
        deadline = self.clock.monotonic() + self.patience
        try:
            fd = self.pgconn.socket
            wanted = next(gen)
            poll = select.poll()
            poll.register(fd, _MASKS[wanted])
            while True:
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    raise NoAnswer(f"no answer within {self.patience:g} s")
                for _fd, event in poll.poll(left * 1000):
                    wanted = gen.send(_ready(event, wanted))
                    poll.modify(fd, _MASKS[wanted])
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as error:
            if isinstance(error, NoAnswer) or not isinstance(error, psycopg.Error):
                with suppress(psycopg.Error, RuntimeError):  # of a pipeline: it would like to go on
                    gen.close()
                self.close()  # half an answer may be on its way: nothing can be asked on this connection any more
            raise

    def __del__(self, *_: Any) -> None:
        """Say nothing: an engine that is let go lets its sessions go. libpq's side closes itself, but only in the
        process that opened it."""

    def is_stale(self) -> bool:
        """Tell whether the server has said something unasked, such as that it is shutting down, or has hung up."""
        if self.closed:
            return True
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))


def open_session(address: Address, patience: Seconds, clock: Clock) -> Session:
    """Open a connection. Raises: EngineUnavailable, StoreUnusable."""
    try:
        session = Session.connect(**address.conninfo, autocommit=True)  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise translate(error, address.shown) from error
    session.patience = patience * 1.5 + 1.0  # the server's own timeouts come first
    session.clock = clock
    version = session.info.server_version
    if version < OLDEST_SERVER:
        session.close()
        raise StoreUnusable(
            f"expected the store {address.shown} to be PostgreSQL 13 or newer, it is {version // 10_000}; upgrade it"
        )
    return session


def _ready(event: int, wanted: Wait) -> Ready:
    """Return what a socket is ready for; one in error for whatever was wanted, since the next call tells the error."""
    ready = (Ready.R if event & select.POLLIN else 0) | (Ready.W if event & select.POLLOUT else 0)
    if ready:
        return Ready(ready)
    return Ready.W if wanted == Wait.W else Ready.R
