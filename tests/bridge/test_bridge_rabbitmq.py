"""Celery's queues on RabbitMQ: what stays with the broker until it is stored, and what the broker has confirmed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bridge_words import celery_envelope, celery_headers, embed
from msgspec.structs import replace

from horarium.bridge.carrier import BrokerAway
from horarium.bridge.rabbitmq import RabbitCarrier
from horarium.clock import SystemClock
from servers import RabbitServer

WAIT = 10.0  # for the first message; a bound for a machine that is busy


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> str:
    return f"q-{request.node.name}"


@pytest.fixture
def connect(rabbit_server: RabbitServer) -> Iterator[Callable[[], RabbitCarrier]]:
    opened: list[RabbitCarrier] = []

    def connect() -> RabbitCarrier:
        opened.append(RabbitCarrier(rabbit_server.url, SystemClock()))
        return opened[-1]

    yield connect
    for carrier in opened:
        carrier.close()


def publish(server: RabbitServer, queue: str, **properties: Any) -> None:
    """Send as Celery's producer does, with kombu."""
    import kombu

    with kombu.Connection(server.url) as connection:
        options = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
        headers = options.pop("headers", celery_headers())
        kombu.Producer(connection).publish(
            json.dumps([[2, 3], {}, embed()]),
            routing_key=queue,
            declare=[kombu.Queue(queue, kombu.Exchange(queue), routing_key=queue)],
            exchange=kombu.Exchange(queue),
            headers=headers,
            **options,
        )


def test_a_message_is_read_with_its_priority_and_its_body_opened(
    rabbit_server: RabbitServer, connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    publish(rabbit_server, queue, priority=7, compression="zlib")
    (taken,) = connect().take([queue], 10, WAIT)
    assert taken.envelope is not None
    assert json.loads(taken.envelope.body)[0] == [2, 3]
    assert (taken.envelope.priority, taken.envelope.headers["task"]) == (7, "shop.add")


def test_what_was_not_let_go_of_is_taken_again_and_what_was_is_gone(
    rabbit_server: RabbitServer, connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    publish(rabbit_server, queue)
    first = connect()
    assert len(first.take([queue], 10, WAIT)) == 1
    first.close()
    second = connect()
    again = second.take([queue], 10, WAIT)
    assert len(again) == 1
    second.finish(again)
    second.close()
    assert connect().take([queue], 10, 0.3) == []


def test_a_refused_message_is_moved_whole_with_the_reason(
    rabbit_server: RabbitServer, connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    publish(rabbit_server, queue, content_type="application/x-python-serialize")
    carrier = connect()
    (taken,) = carrier.take([queue], 10, WAIT)
    carrier.refuse(taken, "expected JSON")
    (refused,) = carrier.take([f"{queue}.refused"], 10, WAIT)
    assert refused.envelope is not None
    assert refused.envelope.headers["x-horarium-refused"] == "expected JSON"
    assert refused.envelope.content_type == "application/x-python-serialize"
    assert json.loads(refused.envelope.body)[0] == [2, 3]


def test_a_body_that_cannot_be_opened_is_no_envelope(
    rabbit_server: RabbitServer, connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    publish(rabbit_server, queue, headers={**celery_headers(), "compression": "application/x-none"})
    (taken,) = connect().take([queue], 10, WAIT)
    assert taken.envelope is None
    assert "expected a message that can be opened" in taken.trouble


def test_a_sent_message_is_in_the_queue_which_is_made_if_it_is_not_there(
    connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    carrier = connect()
    carrier.send(queue, replace(celery_envelope(priority=4), correlation_id="id-1"))
    (taken,) = carrier.take([queue], 10, WAIT)
    assert taken.envelope is not None
    assert (taken.envelope.correlation_id, taken.envelope.priority) == ("id-1", 4)


def test_a_message_for_a_queue_that_was_deleted_is_not_taken_for_sent(
    rabbit_server: RabbitServer, connect: Callable[[], RabbitCarrier], queue: str
) -> None:
    import kombu

    carrier = connect()
    carrier.send(queue, celery_envelope())
    with kombu.Connection(rabbit_server.url) as connection:
        connection.default_channel.queue_delete(queue)
    with pytest.raises(BrokerAway, match="NO_ROUTE"):
        carrier.send(queue, celery_envelope())


def test_a_broker_that_nobody_reaches_is_told_without_its_password() -> None:
    with pytest.raises(BrokerAway) as away:
        RabbitCarrier("amqp://guest:secret@127.0.0.1:1//", SystemClock())
    assert "secret" not in str(away.value)
