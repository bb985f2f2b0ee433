"""From a message of Celery's to one of ours. Pure: the same envelope always gives the same message."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Raw

from horarium import codec
from horarium.bridge.envelope import CELERY, JSON, Envelope, Placed, Ranked, Refusal
from horarium.bridge.signatures import BUILT_IN, chain_from, moment_from, number_from, signature_from
from horarium.bridge.values import decoded, raw_from_celery
from horarium.clock import Instant
from horarium.errors import EncodingError
from horarium.message import Message, Signature

LONGEST_ID = 200  # bytes; what a worker has room for
LONGEST_NAME = 500  # characters, of a task

# The headers of protocol 2 that have a field of ours, or say only how it was sent.
_FIELDS = frozenset(
    "lang task id eta expires retries timelimit root_id parent_id argsrepr kwargsrepr origin ignore_result "
    "compression".split()
)
# Those for which only Celery has a word: kept, for people and for the way back.
CELERYS = frozenset("shadow group group_index replaced_task_nesting stamped_headers stamps".split())
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def message_from(envelope: Envelope, *, queue: str, ranked: Ranked, placed: Placed, now: Instant) -> Message:
    """Return the message of ours that an envelope asks for, to be put in ``queue``. Raises: Refusal."""
    headers = envelope.headers
    if envelope.content_type != JSON:
        raise Refusal(
            f"expected content type {JSON}, got {envelope.content_type or 'none'}; set task_serializer = 'json' where "
            "it is sent: what pickle, YAML or others carry is never opened"
        )
    if not isinstance(headers.get("task"), str) or "id" not in headers:
        raise Refusal(
            "expected the headers task and id of Celery's protocol 2, got a message without; set task_protocol = 2 "
            "where it is sent"
        )
    task, id = _name(headers["task"]), _id(headers["id"], "id")
    args, kwargs, embed = _body(envelope)
    hard, soft = _limits(headers.get("timelimit"))
    return Message(
        id=id,
        task=task,
        args=raw_from_celery(args, "args"),
        kwargs=raw_from_celery(kwargs, "kwargs"),
        queue=queue,
        priority=ranked(envelope.priority),
        created=now,
        eta=moment_from(headers.get("eta"), "eta"),
        expires=moment_from(headers.get("expires"), "expires"),
        retries=int(number_from(headers.get("retries"), "retries") or 0),
        time_limit=hard,
        soft_time_limit=soft,
        at_most_once=placed(task).at_most_once,
        ignore_result=bool(headers.get("ignore_result")),
        root=_ancestor(headers.get("root_id"), id),
        parent=_ancestor(headers.get("parent_id"), id),
        links=(
            *_signatures(embed, "callbacks", ranked=ranked, placed=placed),
            *chain_from(embed.get("chain"), ranked=ranked, placed=placed),
        ),
        error_links=_signatures(embed, "errbacks", ranked=ranked, placed=placed),
        headers=_free_headers(headers),
        origin=str(headers.get("origin") or "")[:LONGEST_ID],
    )


def _name(task: str) -> str:
    if not task or len(task) > LONGEST_NAME or _CONTROL.search(task):
        raise Refusal(f"expected the name of a task, got {task!r:.80}; look at what sent it")
    if task.startswith(BUILT_IN):
        raise Refusal(
            f"expected a task of a project's, got {task}, which is Celery's own; leave it to Celery's workers "
            "(let them read the queue of such tasks)"
        )
    return task


def _id(id: Any, what: str) -> str:
    if not isinstance(id, str) or not id or len(id.encode(errors="replace")) > LONGEST_ID or _CONTROL.search(id):
        raise Refusal(f"expected {what} to be a text of up to {LONGEST_ID} bytes, got {id!r:.80}; look at what sent it")
    return id


def _ancestor(id: Any, own: str) -> str | None:
    """Celery names a message its own root; here that is said by None."""
    return None if id is None or id == own else _id(id, "root_id and parent_id")


def _body(envelope: Envelope) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    body = decoded(envelope.body, envelope.content_encoding)
    match body:
        case [list() as args, dict() as kwargs, dict() | None as embed]:
            embed = embed or {}
        case _:
            raise Refusal(
                "expected a body [args, kwargs, embed] of Celery's protocol 2, got "
                f"{codec.preview(envelope.body, 60)}; look at what sent it"
            )
    if embed.get("chord"):
        raise Refusal(
            "expected a task that is not a member of a chord, got one: only Celery's workers count its members; let "
            "them read this queue, or send the chord by Horarium"
        )
    return args, kwargs, embed


def _limits(given: Any) -> tuple[float | None, float | None]:
    if given is None:
        return None, None
    if not isinstance(given, list) or len(given) != 2:
        raise Refusal(f"expected timelimit to be [hard, soft], got {given!r:.60}; look at what sent it")
    hard, soft = (number_from(limit, "timelimit") for limit in given)
    return hard or None, soft or None


def _signatures(embed: dict[str, Any], name: str, *, ranked: Ranked, placed: Placed) -> tuple[Signature, ...]:
    listed = embed.get(name) or []
    if not isinstance(listed, list):
        raise Refusal(f"expected {name} to be a list, got {listed!r:.60}; look at what sent it")
    return tuple(signature_from(each, ranked=ranked, placed=placed) for each in listed)


def _free_headers(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the user's own headers, and under ``celery`` those that only Celery has a word for."""
    free = {name: value for name, value in headers.items() if name not in _FIELDS | CELERYS}
    kept = {name: headers[name] for name in sorted(CELERYS & headers.keys()) if headers[name]}
    kept |= {"group_index": headers["group_index"]} if headers.get("group_index") is not None else {}
    return plain({**free, CELERY: kept} if kept else free)


def plain(headers: dict[str, Any]) -> dict[str, Any]:
    """Return headers that any store can hold. Raises: Refusal for what cannot be JSON."""
    try:
        encoded = codec.encode(headers, path="headers")
    except EncodingError as error:
        raise Refusal(str(error)) from error
    return headers if codec.decode(Raw(encoded)) == headers and b"__horarium__" not in encoded else _as_text(headers)


def _as_text(headers: dict[str, Any]) -> dict[str, Any]:
    """AMQP has kinds of headers that JSON has not; those travel as text."""
    return {
        name: value if isinstance(value, str | int | float | bool | None) else str(value)
        for name, value in headers.items()
    }
