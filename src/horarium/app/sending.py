"""Sends signatures: a task's by the producer's own road, a canvas as the messages that its plan lays out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, overload

from msgspec.structs import replace

from horarium.app.canvas import Canvas, chord
from horarium.app.connection import Connection
from horarium.app.lineage import Answer
from horarium.app.mapping import chunks
from horarium.app.producer import PUBLISH_BATCH, Producer
from horarium.app.request import current_request
from horarium.app.result import AsyncResult
from horarium.app.result_set import GroupResult
from horarium.app.signature import Signature
from horarium.app.stamping import in_headers
from horarium.app.wire import body_of, is_streamed, members, to_wire
from horarium.engines.records import Seal
from horarium.message import Gate, Join, Message, derived_id, new_id
from horarium.message import Signature as Wire
from horarium.settings import Settings
from horarium.workflow.plan import ACCUMULATE, Bundle, Leaf, Node, Setting, Workflow, plan

_NONE: Mapping[str, str] = {}


class Office(Protocol):
    """The app, as far as the sending of signatures knows it."""

    producer: Producer
    conf: Settings

    @property
    def connection(self) -> Connection: ...

    def now(self) -> int: ...

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> AsyncResult: ...

    def known_task(self, name: str) -> Any: ...  # a Task, whose class lives beside


def send(app: Office, signature: Signature) -> Any:
    """Store what a signature asks for, and return the handle of what it comes to."""
    if isinstance(signature, chunks):
        signature = signature.group()
    if not isinstance(signature, Canvas):
        options = in_headers(signature.options)
        for key in ("group_id", "group_index", "chord"):
            options.pop(key, None)
        if (task := app.known_task(signature.name)) is not None:  # whose class may have a word in how it is sent
            return task.apply_async(signature.args, signature.kwargs, **options)
        return app.send_task(signature.name, signature.args, signature.kwargs, **options)
    if is_streamed(signature):
        return _stream(app, signature)
    workflow = lay_out(app, signature)
    return result_of(workflow.node, app, _store(app, workflow.messages))


def lay_out(app: Office, signature: Signature, *, last: Message | None = None, name: str | None = None) -> Workflow:
    """Return the messages of a signature as they would be sent here and now. Raises: see wire.to_wire.

    Where the id of its end was chosen, by ``task_id`` or ``freeze``, all other ids follow from that: to send it again
    makes no second workflow.
    """
    wire = to_wire(signature, app.producer.freezing)
    place = setting(app, name=name or end_of(wire))
    if last is not None and last.task:  # in the place of the run that sends it, so under the same parent
        place = replace(place, parent=last.parent)
    laid = plan(wire, place, last=last)
    app.producer.check_starts(laid.messages)
    return replace(laid, messages=tuple(map(_awaited, laid.messages)))


def setting(app: Office, name: str | None = None) -> Setting:
    """Return where a workflow stands that is sent here and now: inside of the task that runs here, if one does."""
    now = app.now()
    parent = current_request()
    return Setting(
        name=name or new_id(now),
        now=now,
        root=parent.root_id if parent is not None else None,
        parent=parent.id if parent is not None else None,
        origin=app.producer.origin(),
        priority=parent.message.priority if parent is not None and parent.message else app.conf.task_default_priority,
    )


def result_of(node: Node, app: Any, others: Mapping[str, str] = _NONE) -> Answer:
    """Return the handle of what a workflow comes to, with those of what comes before it as its parents. ``others``: the
    runs that stand for members which are not stored, since they are unique."""
    known: dict[int, Answer] = {}
    waiting = [node]
    while waiting:  # a chain may be longer than Python's stack is deep
        here = waiting[-1]
        needed = [here.parent] if here.parent is not None else []
        needed += here.members if isinstance(here, Bundle) else ()
        missing = [each for each in needed if id(each) not in known]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        parent = known[id(here.parent)] if here.parent is not None else None
        match here:
            case Leaf(id=found):
                other = others.get(found)
                known[id(here)] = AsyncResult(other or found, app=app, parent=parent, is_new=other is None)
            case Bundle(id=found, members=those):
                known[id(here)] = GroupResult(found, [known[id(each)] for each in those], app=app, parent=parent)
    return known[id(node)]


def _store(app: Office, messages: Sequence[Message]) -> dict[str, str]:
    """Store the messages of a workflow; return for those that are not, since they are unique, which one stands for
    each."""
    placed = app.producer.store(messages)
    return {message.id: other for message, other in zip(messages, placed, strict=True) if isinstance(other, str)}


def _awaited(message: Message) -> Message:
    """A message that others wait for is stored in any case: its end could not reach them through another one's."""
    return replace(message, unique=None) if message.joins and message.unique is not None else message


def _stream(app: Office, signature: Canvas) -> Any:
    """Send the tasks of a generator as it yields them, in batches; only their ids are kept, and these only where they
    cannot be worked out."""
    place = setting(app)
    group_id = signature.options.get("task_id") if not isinstance(signature, chord) else None
    group_id = group_id or place.name
    root = place.root or group_id
    body: Workflow | None = None
    if isinstance(signature, chord):
        wire = to_wire(body_of(signature), app.producer.freezing, is_given=True)
        if first_of(wire).kind != "task":  # one task must wait for the whole header
            wire = Wire(task="celery.chain", kind="chain", tasks=(Wire(task=ACCUMULATE), wire))
        start = replace(place, name=f"{group_id}|body", root=root, parent=place.parent)
        body = plan(wire, start)
        entry = body.messages[-1]
        gated = replace(entry, gate=Gate(gives="list" if not first_of(wire).immutable else "nothing"))
        app.producer.store((*body.messages[:-1], gated))
    ids = DerivedIds(group_id)
    tasks = iter(members(signature.kwargs["tasks"], signature.options))
    while batch := list(islice(tasks, PUBLISH_BATCH)):
        parts = tuple(to_wire(part, app.producer.freezing, 1) for part in batch)
        at = replace(place, name=f"{group_id}|{len(ids)}", root=root)
        laid = plan(Wire(task="celery.group", kind="group", tasks=parts, options={"task_id": group_id}), at)
        app.producer.check_starts(laid.messages)
        messages = [_awaited(_placed(message, group_id, len(ids), body)) for message in laid.messages]
        others = _store(app, messages)
        own = [(m.group_index, others.get(m.id, m.id)) for m in messages if m.group == group_id]
        ids.add(sorted((index, id) for index, id in own if index is not None))
    header = GroupResult(group_id, DerivedResults(ids, app), app=app)
    if body is None:
        return header
    entry_id = body.messages[-1].id
    app.connection.engine.inspector.act(Seal(id=entry_id, size=len(ids)), now=app.now())
    result = result_of(body.node, app)
    first = result
    while first.parent is not None:
        first = first.parent
    first.parent = header
    return result


def end_of(wire: Wire) -> str | None:
    """Return the id that was chosen for the end of a canvas, if one was."""
    while wire.kind in ("chain", "chord"):
        inner = wire.body if wire.kind == "chord" else wire.tasks[-1] if wire.tasks else None
        if inner is None:
            return None
        wire = inner
    return wire.options.get("task_id")


def first_of(wire: Wire) -> Wire:
    """Return what starts a chain, or else the signature itself."""
    return first_of(wire.tasks[0]) if wire.kind == "chain" else wire


def _placed(message: Message, group_id: str, offset: int, body: Workflow | None) -> Message:
    if message.group != group_id or message.group_index is None:
        return message
    index = message.group_index + offset
    joins = message.joins if body is None else (*message.joins, Join(id=body.messages[-1].id, place=index))
    return replace(message, group_index=index, joins=joins)


class DerivedIds:
    """The ids of a streamed group's members: those that follow from their place are not kept."""

    def __init__(self, group_id: str) -> None:
        self._group_id = group_id
        self._starts: list[int] = []
        self._others: dict[int, str] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> str:
        return self._others.get(index) or self._derived(index)

    def add(self, members: Sequence[tuple[int, str]]) -> None:
        """Note the next batch: index and id of each."""
        self._starts.append(self._count)
        for index, id in members:
            if id != self._derived(index):
                self._others[index] = id
        self._count += len(members)

    def _derived(self, index: int) -> str:
        start = index - index % PUBLISH_BATCH
        return derived_id(f"{self._group_id}|{start}", f".{index - start}")


class DerivedResults(Sequence[AsyncResult]):
    """Handles that are made when they are looked at."""

    def __init__(self, ids: DerivedIds, app: Any) -> None:
        self._ids = ids
        self._app = app

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> AsyncResult: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[AsyncResult]: ...

    def __getitem__(self, index: int | slice) -> AsyncResult | Sequence[AsyncResult]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return AsyncResult(self._ids[index % len(self)], app=self._app)

    def __iter__(self) -> Iterator[AsyncResult]:
        return (self[index] for index in range(len(self)))
