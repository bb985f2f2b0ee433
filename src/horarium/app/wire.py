"""Signatures as they travel: with their arguments encoded, and every option of their tasks' declarations filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Raw
from msgspec.structs import replace

from horarium import codec, message
from horarium.app.canvas import HEADER_ID, PASSED_ON, Canvas, Stream, chain, chord, group
from horarium.app.keys import GIVEN
from horarium.app.mapping import chunks
from horarium.app.signature import Signature, listed_option
from horarium.app.stamping import in_headers
from horarium.errors import InvalidArguments

# Options that say where a signature stands in a canvas: the plan decides that anew.
_PLACE = frozenset({"group_id", "group_index", "chord", "immutable", "root_id", "parent_id"})
_OF_THE_HEADER = frozenset({"countdown", "eta"})  # a chord that is to begin later does not wait twice
DEEPEST = 200  # canvases inside one another; a signature that contains itself has no bottom


class Freezer(Protocol):
    """What signatures need on their way; see freezing.py."""

    plan: Any  # of a task's name: what its messages have in common

    def options(
        self, name: str, options: Mapping[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Any]: ...

    def links(self, links: Any) -> tuple[message.Signature, ...]: ...

    def errbacks(self, errbacks: Any) -> tuple[message.Signature, ...]: ...


def to_wire(signature: Signature, freezer: Freezer, depth: int = 0, *, is_given: bool = False) -> message.Signature:
    """Return the form that travels in a message. ``is_given``: a value that is not known yet is put in front of its
    arguments, unless it is immutable.

    Raises: InvalidArguments for a wrong option, a part that is no signature, or one that contains itself; EncodingError
    when an argument cannot be said in JSON.
    """
    if depth > DEEPEST:
        raise InvalidArguments(
            f"expected signatures at most {DEEPEST} deep, got one that contains itself, or more; make it flatter"
        )
    if isinstance(signature, chunks):
        signature = signature.group()
    match signature:
        case chain():
            return _chain(signature, freezer, depth, is_given)
        case chord():
            return _chord(signature, freezer, depth, is_given)
        case group():
            return _group(signature, freezer, depth, is_given)
        case Signature():
            return _task(signature, freezer, is_given)
        case _:
            raise InvalidArguments(f"expected a signature, got {signature!r:.100}; pass task.s(...)")


def members(tasks: Iterable[Any], options: Mapping[str, Any]) -> Iterable[Signature]:
    """Yield the tasks of a group with the options of the group itself, where they are not about the group as such:
    what was asked of all goes before what was asked of one, as in Celery."""
    common = {key: value for key, value in options.items() if key not in PASSED_ON}
    for task in tasks:
        part = Signature.from_dict(task)
        yield part.clone().set(**common) if common else part


def _task(signature: Signature, freezer: Freezer, is_given: bool) -> message.Signature:
    options: dict[str, Any] = {}
    if signature.options:  # most have none
        options = {key: value for key, value in in_headers(signature.options).items() if key not in _PLACE}
    name, args, kwargs = signature.name, signature.args, signature.kwargs
    limit = freezer.plan(name).limit_bytes
    known = (GIVEN, *args) if is_given and not signature.immutable else args
    return message.Signature(
        task=name,
        links=freezer.links(options.get("link")),
        error_links=freezer.errbacks(options.get("link_error")),
        args=Raw(codec.encode(list(args), path="args", limit_bytes=limit)),
        kwargs=Raw(codec.encode(_plain(kwargs), path="kwargs", limit_bytes=limit)) if kwargs else message.NO_KWARGS,
        options=freezer.options(name, options, known, kwargs),
        immutable=signature.immutable,
    )


def _chain(signature: chain, freezer: Freezer, depth: int, is_given: bool) -> message.Signature:
    tasks = [Signature.from_dict(part) for part in signature.unchain_tasks()]
    own = {key: value for key, value in signature.options.items() if key not in PASSED_ON}
    if tasks and own:
        tasks[0].set(**own)
    steps = [to_wire(part, freezer, depth + 1, is_given=is_given or place > 0) for place, part in enumerate(tasks)]
    if steps and signature.options.get("task_id"):
        steps[-1] = _named(steps[-1], signature.options["task_id"])
    return message.Signature(task="celery.chain", kind="chain", tasks=tuple(steps))


def _group(signature: group, freezer: Freezer, depth: int, is_given: bool) -> message.Signature:
    own = signature.options
    parts = tuple(to_wire(part, freezer, depth + 1, is_given=is_given) for part in members(_linked(signature), own))
    options = {"task_id": own["task_id"]} if own.get("task_id") else {}
    return message.Signature(task="celery.group", kind="group", tasks=parts, options=options)


def _chord(signature: chord, freezer: Freezer, depth: int, is_given: bool) -> message.Signature:
    own = {key: value for key, value in signature.options.items() if key not in PASSED_ON}
    header = tuple(to_wire(part, freezer, depth + 1, is_given=is_given) for part in members(signature.tasks, own))
    body = to_wire(body_of(signature), freezer, depth + 1, is_given=True)
    options = {"task_id": signature.options[HEADER_ID]} if HEADER_ID in signature.options else {}
    return message.Signature(task="celery.chord", kind="chord", tasks=header, body=body, options=options)


def body_of(signature: chord) -> Signature:
    """Return a chord's body with what was asked of the chord: its links, its id, its options."""
    if signature.body is None:
        raise InvalidArguments("expected a chord to have a body, got none; write chord(header, body)")
    body = Signature.from_dict(signature.body).clone()
    own = signature.options
    common = {key: value for key, value in own.items() if key not in PASSED_ON and key not in _OF_THE_HEADER}
    if common:
        body.set(**common)
    if own.get("task_id") is not None:
        body.set(task_id=own["task_id"])
    for link in listed_option(own.get("link")):
        body.link(link)
    for errback in listed_option(own.get("link_error")):
        body.link_error(errback)
    return body


def _linked(signature: group) -> list[Any]:
    """Return the tasks of a group with the links that were given when it was sent."""
    callbacks, errbacks = (listed_option(signature.options.get(key)) for key in ("link", "link_error"))
    if not callbacks and not errbacks:
        return signature.tasks
    tasks = [Signature.from_dict(part).clone() for part in signature.tasks]
    for callback in callbacks[: len(tasks)]:
        tasks[0].link(callback)
    for part in tasks:
        for errback in errbacks:
            part.link_error(errback)
    return tasks


def _named(wire: message.Signature, id: str) -> message.Signature:
    if wire.kind == "chord" and wire.body is not None:
        return replace(wire, body=_named(wire.body, id))
    if wire.kind == "chain" and wire.tasks:
        return replace(wire, tasks=(*wire.tasks[:-1], _named(wire.tasks[-1], id)))
    return replace(wire, options={**wire.options, "task_id": id})


def _plain(value: Any) -> Any:
    """Return a value with the signatures inside of it as plain dicts."""
    if isinstance(value, Signature):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return [_plain(inner) for inner in value]
    return value


def is_streamed(signature: Signature) -> bool:
    """Tell whether a group or chord has a generator for its tasks that nobody has looked at."""
    return isinstance(signature, Canvas) and isinstance(signature.kwargs["tasks"], Stream)
