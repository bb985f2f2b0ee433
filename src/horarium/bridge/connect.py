"""URL -> carrier: which broker it is that a bridge talks to."""

from __future__ import annotations

from horarium.bridge.carrier import REDIS, Carrier, check_url, scheme_of
from horarium.clock import Clock


def open_carrier(url: str, clock: Clock) -> Carrier:
    """Connect to a broker. Raises: BrokerAway, ImproperlyConfigured."""
    check_url(url)  # kombu, which the carriers import, may not be there
    from horarium.bridge.rabbitmq import RabbitCarrier
    from horarium.bridge.redis import RedisCarrier

    return RedisCarrier(url, clock) if scheme_of(url) in REDIS else RabbitCarrier(url, clock)
