"""Celery's queues on Redis: lists of kombu's messages, four for each queue, one for each step of priority.

kombu takes a message from its list first and writes it down second; whoever dies in between has lost it. Here one
script moves it into a hold. A hold is looked through at the start, and whenever nothing else is to be done: what stands
there too long belonged to a bridge that died.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from horarium.bridge.carrier import PATIENCE, REASON, REFUSED, BrokerAway, Taken, translated
from horarium.bridge.envelope import Envelope
from horarium.bridge.priorities import REDIS
from horarium.clock import Clock, Seconds
from horarium.engines.statements import read_statements
from horarium.message import new_id

SCRIPTS = read_statements(Path(__file__).parent / "lua", ".lua")
HOLD = "horarium-bridge:hold:"  # + the queue's name
SENT = "horarium-bridge:sent:"  # + the id
SENT_KEEP = 7 * 86_400  # seconds; longer than any bridge stays away
LOOK_EVERY: Seconds = 0.05
HOLD_LOOKED: Seconds = 15.0  # between two looks into the holds; they cost a request each
PREFIX_OPTION = "global_keyprefix"


class RedisCarrier:
    """One connection to a Redis that Celery uses as its broker."""

    directions = REDIS

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._redis = RedisClient(url)
        self._looked: dict[str, float] = {}  # when each queue's hold was looked through
        self._ours: set[bytes] = set()  # taken and not finished

    def take(self, queues: Sequence[str], limit: int, wait: Seconds) -> list[Taken]:
        until = self._clock.monotonic() + wait
        while True:
            taken = [each for queue in queues for each in self._left_over(queue, limit)]
            for queue in queues:
                if len(taken) < limit:
                    taken += self._take(queue, limit - len(taken))
            left = until - self._clock.monotonic()
            if taken or left <= 0:
                return taken
            Event().wait(min(LOOK_EVERY, left))  # a script cannot wait in Redis, and nothing else takes without a loss

    def finish(self, taken: Sequence[Taken]) -> None:
        with translated(self._url), self._redis.client.pipeline(transaction=False) as pipe:
            for each in taken:
                pipe.lrem(self._redis.key(HOLD + each.queue), 1, each.handle)
            pipe.execute()
        self._ours.difference_update(each.handle for each in taken)

    def refuse(self, taken: Taken, reason: str) -> None:
        keys = [HOLD + taken.queue, taken.queue + REFUSED]
        self._redis.run("refuse", keys, [taken.handle, _with_reason(taken.handle, reason)])
        self._ours.discard(taken.handle)

    def send(self, queue: str, envelope: Envelope) -> None:
        step = self._redis.step(envelope.priority or 0)
        keys = [self._redis.list_of(queue, step), SENT + envelope.correlation_id]
        self._redis.run("send", keys, [_written(queue, envelope), SENT_KEEP])

    def close(self) -> None:
        self._redis.close()

    def _take(self, queue: str, limit: int) -> list[Taken]:
        lists = [self._redis.list_of(queue, step) for step in self._redis.steps]
        found = self._redis.run("take", [*lists, HOLD + queue], [limit])
        return [self._opened(queue, raw) for raw in found or ()]

    def _left_over(self, queue: str, limit: int) -> list[Taken]:
        """Return what stands in a hold and is not in our hands. Another bridge may be at it: ids make that harmless."""
        now = self._clock.monotonic()
        if now - self._looked.get(queue, float("-inf")) < HOLD_LOOKED:
            return []
        with translated(self._url):
            found = self._redis.client.lrange(self._redis.key(HOLD + queue), -limit, -1)
        if len(found) < limit:
            self._looked[queue] = now
        return [self._opened(queue, raw) for raw in reversed(found) if raw not in self._ours]

    def _opened(self, queue: str, raw: bytes) -> Taken:
        self._ours.add(raw)
        try:
            message = self._redis.channel.message_to_python(json.loads(raw))
            if message.errors:
                raise message.errors[0][1]
            body = message.body
            return Taken(queue, _envelope(message, body.encode() if isinstance(body, str) else bytes(body)), raw)
        except Exception as error:  # noqa: BLE001  # anything can stand in a list: it is set aside, and the others cross
            return Taken(queue, None, raw, f"expected a message of kombu's, got {raw[:60]!r} ({error!r:.200})")


class RedisClient:
    """A connection of kombu's to a Redis, with the keys that it uses there."""

    def __init__(self, url: str) -> None:
        from kombu import Connection

        self._url, self._prefix = _without_prefix(url)
        options = {
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            "socket_keepalive": True,
        }
        with translated(self._url):
            self._connection: Any = Connection(self._url, transport_options=options)
            try:
                self._connection.connect()
                self.channel: Any = self._connection.channel()
                self.client: Any = self.channel.client
            except BaseException:
                self.close()
                raise
        self.steps: list[int] = list(self.channel.priority_steps)
        self._scripts: dict[str, Any] = {}

    def key(self, name: str) -> str:
        return self._prefix + name

    def step(self, priority: int) -> int:
        """Return the step of priorities to which one belongs."""
        return max((step for step in self.steps if step <= priority), default=self.steps[0])

    def list_of(self, queue: str, step: int) -> str:
        return f"{queue}{self.channel.sep}{step}" if step else queue

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script. Raises: BrokerAway."""
        with translated(self._url):
            script = self._scripts.get(name)
            if script is None:
                script = self._scripts[name] = self.client.register_script(SCRIPTS[name])
            return script(keys=[self.key(each) for each in keys], args=list(args))

    def close(self) -> None:
        try:
            with translated(self._url):
                self._connection.release()
        except BrokerAway:
            return  # it is gone already


def _without_prefix(url: str) -> tuple[str, str]:
    """Split ``global_keyprefix`` off: in Celery it is an option of the transport, here it may stand in the URL."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    prefix = query.pop(PREFIX_OPTION, [""])[-1]
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True))), prefix


def _envelope(message: Any, body: bytes) -> Envelope:
    properties = message.properties
    priority = properties.get("priority")
    return Envelope(
        body=body,
        content_type=message.content_type or "",
        content_encoding=message.content_encoding or "utf-8",
        headers=dict(message.headers),
        priority=priority if isinstance(priority, int) else None,
        correlation_id=str(properties.get("correlation_id") or ""),
        reply_to=str(properties.get("reply_to") or ""),
    )


def _written(queue: str, envelope: Envelope) -> str:
    """Return an envelope as kombu's virtual transports write a message. Other than theirs, its tag is not drawn by
    chance: the same message is always the same text."""
    return json.dumps(
        {
            "body": base64.b64encode(envelope.body).decode(),
            "content-encoding": envelope.content_encoding,
            "content-type": envelope.content_type,
            "headers": envelope.headers,
            "properties": {
                "correlation_id": envelope.correlation_id,
                "reply_to": envelope.reply_to,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": envelope.priority or 0,
                "body_encoding": "base64",
                "delivery_tag": envelope.correlation_id or new_id(0),
            },
        }
    )


def _with_reason(raw: bytes, reason: str) -> str:
    """Return a message with the reason among its headers; what is none becomes one, its text as the body."""
    try:
        message = json.loads(raw)
        headers = message["headers"] = dict(message.get("headers") or {})
    except (ValueError, TypeError, AttributeError, RecursionError):
        headers = {}
        message = {
            "body": base64.b64encode(raw).decode(),
            "content-type": "application/octet-stream",
            "content-encoding": "binary",
            "headers": headers,
            "properties": {"body_encoding": "base64", "delivery_tag": "", "delivery_info": {}, "priority": 0},
        }
    headers[REASON] = reason
    return json.dumps(message)
