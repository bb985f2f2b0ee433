"""A broker of Celery's, as the bridge uses it: four verbs. connect.py chooses one by the URL; kombu does the talking.

Whatever a broker's client raises becomes BrokerAway here. After that a carrier is closed and opened anew; what was
taken and not finished is taken again then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from msgspec import Struct

from horarium.address import masked
from horarium.bridge.envelope import Envelope
from horarium.bridge.priorities import Directions
from horarium.clock import Seconds
from horarium.errors import HorariumError, ImproperlyConfigured

PATIENCE: Seconds = 5.0  # of one request to a broker
REFUSED = ".refused"  # behind a queue's name: the queue of what could not cross
REASON = "x-horarium-refused"  # the header that says why

REDIS = ("redis", "rediss")
RABBITMQ = ("amqp", "amqps", "pyamqp")


class BrokerAway(HorariumError):
    """A broker, or a store of results, of Celery's cannot be reached or refuses; to try again is safe."""


class Taken(Struct, frozen=True):
    """A message in the hands of the bridge. ``envelope`` is None if it is not even that; ``trouble`` says why."""

    queue: str
    envelope: Envelope | None
    handle: Any  # the carrier's own
    trouble: str = ""


class Carrier(Protocol):
    """A connection to a broker; used by one thread."""

    @property
    def directions(self) -> Directions: ...

    def take(self, queues: Sequence[str], limit: int, wait: Seconds) -> list[Taken]:
        """Take up to ``limit`` messages, waiting up to ``wait`` for the first. Until ``finish`` or ``refuse`` they stay
        with the broker: a bridge that dies loses none, and they are taken again. Raises: BrokerAway."""
        ...

    def finish(self, taken: Sequence[Taken]) -> None:
        """Let go of messages that are stored elsewhere by now. Raises: BrokerAway."""
        ...

    def refuse(self, taken: Taken, reason: str) -> None:
        """Move a message to the queue of refused ones, with the reason. Raises: BrokerAway."""
        ...

    def send(self, queue: str, envelope: Envelope) -> None:
        """Put a message into a queue; when this returns the broker has it. Raises: BrokerAway."""
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...


def scheme_of(url: str) -> str:
    return url.partition(":")[0].lower()


def check_url(url: str, *, known: Sequence[str] = (*REDIS, *RABBITMQ), what: str = "a broker of Celery's") -> None:
    """Raises: ImproperlyConfigured for an address that cannot be bridged, or if kombu is missing."""
    if scheme_of(url) not in known or "://" not in url:
        shown = ", ".join(f"{scheme}://" for scheme in known)
        raise ImproperlyConfigured(f"expected the URL of {what} ({shown}), got {masked(url)!r}; write one of those")
    try:
        import kombu  # noqa: F401
    except ImportError as error:
        raise ImproperlyConfigured(
            f"expected kombu to be installed, got {error}; pip install 'horarium[bridge]'"
        ) from error


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Let what a client library raises become BrokerAway."""
    from amqp.exceptions import AMQPError
    from kombu.exceptions import KombuError
    from kombu.transport.redis import get_redis_error_classes

    known = get_redis_error_classes()
    # With redis-py 5.3 kombu took a KeyError for a lost connection; it may as well be a fault of ours.
    errors = [each for each in (*known.connection_errors, *known.channel_errors) if each is not KeyError]
    try:
        yield
    except (OSError, AMQPError, KombuError, *errors) as error:
        told = str(error) or type(error).__name__
        raise BrokerAway(f"{masked(url)}: {told}") from error
