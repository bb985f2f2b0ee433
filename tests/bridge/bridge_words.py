"""The few words that the bridge's tests need: messages as Celery sends them, and what stands in its Redis."""

from __future__ import annotations

import base64
import json
import socket
import zlib
from typing import Any

from horarium.app.app import Horarium
from horarium.bridge.envelope import Defaults, Envelope
from horarium.bridge.part import Part
from horarium.bridge.plan import Plan, bridge_of
from horarium.event import Event
from servers import RedisServer

NOW = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class Ear:
    """Keeps what a bridge tells."""

    is_detailed = True

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def enter(self, process: str) -> None: ...

    def tell(self, event: Event) -> None:
        self.heard.append(event)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.heard if isinstance(event, kind)]


def parts_of(app: Horarium, plan: Plan, ear: Ear) -> dict[str, Part]:
    """Return the parts of a bridge by name, to be turned by hand."""
    return {part.name: part for part in bridge_of(app, plan, name="bridge@test", observer=ear)._parts}


def celery_headers(task: str = "shop.add", id: str = "id-1", **headers: Any) -> dict[str, Any]:
    """Return the headers that Celery gives a message, with some of them changed."""
    return {
        "lang": "py",
        "task": task,
        "id": id,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": id,
        "parent_id": None,
        "argsrepr": "(2, 3)",
        "kwargsrepr": "{}",
        "origin": "gen1@old",
        "ignore_result": False,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        **headers,
    }


def embed(**given: Any) -> dict[str, Any]:
    return {"callbacks": None, "errbacks": None, "chain": None, "chord": None, **given}


def celery_envelope(
    args: Any = (2, 3), kwargs: Any = None, *, priority: int | None = 0, embedded: Any = None, **headers: Any
) -> Envelope:
    body = json.dumps([args, kwargs or {}, embed(**(embedded or {}))]).encode()
    return Envelope(body=body, headers=celery_headers(**headers), priority=priority)


def celery_signature(task: str, *args: Any, immutable: bool = False, **options: Any) -> dict[str, Any]:
    return {
        "task": task,
        "args": list(args),
        "kwargs": {},
        "options": options,
        "subtask_type": None,
        "immutable": immutable,
        "chord_size": None,
    }


def on_the_wire(
    id: str = "id-1",
    args: Any = (2, 3),
    *,
    content_type: str = "application/json",
    compressed: bool = False,
    priority: int = 0,
    body: bytes | None = None,
    **headers: Any,
) -> str:
    """Return a message as kombu writes it into a list of Redis."""
    raw = json.dumps([args, {}, embed()]).encode() if body is None else body
    given = celery_headers(id=id, **headers)
    if compressed:
        raw, given["compression"] = zlib.compress(raw), "application/x-gzip"  # kombu's gzip is zlib
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": given,
            "properties": {
                "correlation_id": id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "celery"},
                "priority": priority,
                "body_encoding": "base64",
                "delivery_tag": f"tag-{id}",
            },
        }
    )


def place(task: str) -> Defaults:
    """What an app says that says nothing but the queue of ``mail``."""
    return Defaults(queue="mail" if task == "shop.mail" else "default")


class Redis:
    """Asks a server in its own words; answers are text."""

    def __init__(self, server: RedisServer) -> None:
        self._port = server.port

    def __call__(self, *words: str) -> Any:
        line = b"*%d\r\n" % len(words)
        line += b"".join(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words)
        with socket.create_connection(("127.0.0.1", self._port), timeout=5.0) as connection:
            connection.sendall(line)
            return _answer(connection.makefile("rb"))


def _answer(stream: Any) -> Any:
    line = stream.readline().rstrip()
    kind, rest = line[:1], line[1:].decode()
    match kind:
        case b":":
            return int(rest)
        case b"$":
            return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
        case b"*":
            return [_answer(stream) for _ in range(int(rest))]
        case b"-":
            raise AssertionError(rest)
        case _:
            return rest
