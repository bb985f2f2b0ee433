"""Celery's queues on RabbitMQ: acknowledged only when a message is stored elsewhere, published with confirms."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from horarium.bridge.carrier import PATIENCE, REASON, REFUSED, BrokerAway, Taken, translated
from horarium.bridge.envelope import Envelope
from horarium.bridge.priorities import RABBITMQ
from horarium.clock import Clock, Seconds

PREFETCH = 200  # messages in the hands of the bridge at the most
HEARTBEAT: Seconds = 30.0
AT_ONCE: Seconds = 0.001


class RabbitCarrier:
    """One connection to a RabbitMQ, with a channel that reads and one that writes."""

    directions = RABBITMQ

    def __init__(self, url: str, clock: Clock) -> None:
        from kombu import Connection

        self._url = url
        self._clock = clock
        self._arrived: deque[Taken] = deque()
        self._consumers: dict[str, Any] = {}
        self._sendable: set[str] = set()
        self._beat = self._clock.monotonic()
        options = {"confirm_publish": True, "read_timeout": PATIENCE, "write_timeout": PATIENCE}
        with translated(url):
            self._connection: Any = Connection(
                url, connect_timeout=PATIENCE, heartbeat=HEARTBEAT, transport_options=options
            )
            try:
                self._connection.connect()
                self._reads: Any = self._connection.channel()
                self._writes: Any = self._connection.channel()
            except BaseException:
                self.close()
                raise

    def take(self, queues: Sequence[str], limit: int, wait: Seconds) -> list[Taken]:
        with translated(self._url):
            for queue in queues:
                if queue not in self._consumers:
                    self._consumers[queue] = self._consume(queue)
            self._drain(limit, wait)
        return [self._arrived.popleft() for _ in range(min(limit, len(self._arrived)))]

    def finish(self, taken: Sequence[Taken]) -> None:
        with translated(self._url):
            for each in taken:
                each.handle.ack()

    def refuse(self, taken: Taken, reason: str) -> None:
        message = taken.handle
        headers = {key: value for key, value in (message.headers or {}).items() if key != "compression"}
        body = message.body if message.body is not None else b""
        kept = {"content_type": message.content_type, "content_encoding": message.content_encoding}
        with translated(self._url):
            self._publish(taken.queue + REFUSED, body, headers={**headers, REASON: reason}, **kept)
            message.ack()

    def send(self, queue: str, envelope: Envelope) -> None:
        with translated(self._url):
            self._publish(
                queue,
                envelope.body,
                headers=envelope.headers,
                content_type=envelope.content_type,
                content_encoding=envelope.content_encoding,
                priority=envelope.priority,
                correlation_id=envelope.correlation_id,
                reply_to=envelope.reply_to,
            )

    def close(self) -> None:
        try:
            with translated(self._url):
                self._connection.release()
        except BrokerAway:
            return  # it is gone already

    def _consume(self, queue: str) -> Any:
        from kombu import Consumer, Queue

        self._ensure(queue)

        def arrived(message: Any) -> None:
            self._arrived.append(_taken(queue, message))

        consumer = Consumer(
            self._reads,
            [Queue(queue, no_declare=True)],
            on_message=arrived,
            on_decode_error=lambda message, error: arrived(
                message
            ),  # it is set aside like the others that cannot cross
            prefetch_count=PREFETCH,
            auto_declare=False,
        )
        consumer.consume()
        return consumer

    def _drain(self, limit: int, wait: Seconds) -> None:
        """Read what the broker has sent, waiting for the first only."""
        until = self._clock.monotonic() + wait
        while len(self._arrived) < limit:
            left = AT_ONCE if self._arrived else max(AT_ONCE, until - self._clock.monotonic())
            try:
                self._connection.drain_events(timeout=min(left, HEARTBEAT / 4))
            except TimeoutError:
                self._keep_alive()
                if self._arrived or self._clock.monotonic() >= until:
                    return
        self._keep_alive()

    def _keep_alive(self) -> None:
        """Send a heartbeat when it is time, and notice that none comes."""
        now = self._clock.monotonic()
        if now - self._beat >= HEARTBEAT / 4:
            self._beat = now
            self._connection.heartbeat_check(rate=2)

    def _publish(self, queue: str, body: bytes, **properties: Any) -> None:
        from kombu import Producer

        self._ensure(queue)
        try:
            Producer(self._writes, auto_declare=False).publish(
                body,
                exchange="",
                routing_key=queue,
                serializer=None,
                mandatory=True,  # else what has no queue is confirmed and gone
                delivery_mode=2,
                timeout=PATIENCE,
                **{key: value for key, value in properties.items() if value not in (None, "")},
            )
        except TimeoutError as error:
            raise OSError(f"no confirmation within {PATIENCE:g} s") from error

    def _ensure(self, queue: str) -> None:
        """See that a queue is there; one that is not is made as Celery makes it, but for its exchange."""
        if queue in self._sendable:
            return
        from amqp.exceptions import NotFound

        probe = self._connection.channel()
        try:
            probe.queue_declare(queue, passive=True)
            probe.close()
        except NotFound:  # with it the broker has closed the channel
            made = self._connection.channel()
            made.queue_declare(queue, durable=True, auto_delete=False)
            made.close()
        self._sendable.add(queue)


def _taken(queue: str, message: Any) -> Taken:
    if errors := getattr(message, "errors", None):
        return Taken(queue, None, message, f"expected a message that can be opened, got {errors[0][1]!r:.200}")
    properties = message.properties
    body = message.body
    return Taken(
        queue,
        Envelope(
            body=body.encode() if isinstance(body, str) else bytes(body or b""),
            content_type=message.content_type or "",
            content_encoding=message.content_encoding or "utf-8",
            headers=dict(message.headers or {}),
            priority=properties.get("priority"),
            correlation_id=str(properties.get("correlation_id") or ""),
            reply_to=str(properties.get("reply_to") or ""),
        ),
        message,
    )
