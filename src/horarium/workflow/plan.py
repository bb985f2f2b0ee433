"""From a signature, or a canvas of signatures, to the messages that carry it out.

Pure: the same signature under the same name always gives the same messages with the same ids. Each message is small:
it names the messages that wait for it (``joins``), and the one that waits only knows for how many (``gate``), so a
workflow takes as many bytes as it has tasks, however deep it is. The messages stand in the order in which they must be
stored when they are stored in several transactions: whoever waits before those that it waits for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct, field

from horarium.clock import Instant, milliseconds
from horarium.message import DEFAULT_PRIORITY, DEFAULT_QUEUE, Gate, Join, Message, Signature, Slot, Unique, derived_id

T = TypeVar("T", Slot, Unique)

ACCUMULATE = "celery.accumulate"  # returns its arguments as a list: a group's values as one value
EMPTY_LIST = Raw(b"[]")


class Leaf(Struct, frozen=True, kw_only=True):
    """The run of one task in a workflow, and what came before it."""

    id: str
    parent: Node | None = None


class Bundle(Struct, frozen=True, kw_only=True):
    """The runs of a group, in order."""

    id: str
    members: tuple[Node, ...]
    parent: Node | None = None


Node: TypeAlias = Leaf | Bundle


class Workflow(Struct, frozen=True, kw_only=True):
    """The messages of a signature, and the shape of what they come to."""

    messages: tuple[Message, ...]
    node: Node
    root: str


class Setting(Struct, frozen=True, kw_only=True):
    """Where a workflow stands: the same for all of its messages."""

    name: str  # ids are derived from it
    now: Instant
    first: Raw | None = None  # a value in front of the arguments of the tasks that start it
    root: str | None = None
    parent: str | None = None
    origin: str = ""
    priority: int = DEFAULT_PRIORITY  # of tasks that take over that of what comes before them


def plan(signature: Signature, setting: Setting, *, last: Message | None = None) -> Workflow:
    """Return the messages of a signature. The id of each is its ``task_id`` option, else derived from the name.

    ``last``: a message in whose place the whole stands. The task that ends the workflow takes its id, its
    joins, its place in a group and its links; a group that ends it is gathered into one value.
    """
    layout = _Layout(setting)
    if last is None:
        end = layout.lay(signature, None, "")
    else:
        parts = layout.lay(_with_errbacks(signature, last.error_links), None, "")
        end = layout.gathered(parts, "last")
        layout.take_over(end.drafts[0], last, errbacks=last.error_links if parts.is_list else ())
    root = setting.root or layout.root_of(end.node)
    messages = tuple(draft.to_message(setting, root) for draft in layout.in_order())
    return Workflow(messages=messages, node=end.node if last is None else Leaf(id=last.id), root=root)


def prepend(first: Raw, args: Raw) -> Raw:
    """Return the JSON array ``args`` with one more value in front."""
    inner = bytes(args).strip()[1:-1].strip()
    return Raw(b"[" + bytes(first) + (b"," + inner if inner else b"") + b"]")


def to_message(
    signature: Signature,
    *,
    id: str,
    first: Raw | None,
    now: Instant,
    parent: str | None = None,
    root: str | None = None,
    origin: str = "",
    gate: Gate | None = None,
    joins: tuple[Join, ...] = (),
    group: str | None = None,
    group_index: int | None = None,
    priority: int = DEFAULT_PRIORITY,
) -> Message:
    """Return the message that a task's signature asks for; relative times count from ``now``, or from the moment in
    which its gate opens."""
    options: dict[str, Any] = signature.options
    eta, expires = options.get("eta"), options.get("expires")
    countdown, expires_in = options.get("countdown"), options.get("expires_in")
    if gate is not None:
        gate = msgspec.structs.replace(gate, countdown=countdown or 0.0, expires_in=expires_in)
    else:
        eta = now + milliseconds(countdown) if countdown is not None else eta
        expires = now + milliseconds(expires_in) if expires_in is not None else expires
    return Message(
        id=id,
        task=signature.task,
        args=signature.args if first is None or signature.immutable else prepend(first, signature.args),
        kwargs=signature.kwargs,
        queue=options.get("queue", DEFAULT_QUEUE),
        priority=options.get("priority", priority),
        created=now,
        eta=eta,
        expires=expires,
        max_retries=options.get("max_retries"),
        time_limit=options.get("time_limit"),
        soft_time_limit=options.get("soft_time_limit"),
        at_most_once=options.get("at_most_once", False),
        ignore_result=options.get("ignore_result", False),
        root=root,
        parent=parent,
        group=group,
        group_index=group_index,
        gate=gate,
        joins=joins,
        slot=_converted(options.get("slot"), Slot),
        unique=_converted(options.get("unique"), Unique),
        links=signature.links,
        error_links=signature.error_links,
        headers=options.get("headers", {}),
        origin=origin,
    )


class _Draft(Struct, eq=False):
    """A message in the making."""

    signature: Signature
    id: str
    parent: str | None
    first: Raw | None
    gate: Gate | None
    joins: list[Join] = field(default_factory=list)
    group: str | None = None
    group_index: int | None = None
    priority: int = DEFAULT_PRIORITY

    def to_message(self, setting: Setting, root: str) -> Message:
        return to_message(
            self.signature,
            id=self.id,
            first=self.first,
            now=setting.now,
            parent=self.parent,
            root=root if root != self.id else setting.root,
            origin=setting.origin,
            gate=self.gate,
            joins=tuple(self.joins),
            group=self.group,
            group_index=self.group_index,
            priority=self.priority,
        )


class _End(Struct, frozen=True, kw_only=True):
    """What a part of a workflow comes to: the drafts whose values go on, and how."""

    drafts: tuple[_Draft, ...]
    is_list: bool  # their values as a list, or the one value
    is_empty: bool = False  # an empty list, whatever the drafts come to: they are only waited for
    is_link: bool = True  # whoever waits for it shares its end
    node: Node


class _Layout:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.drafts: list[_Draft] = []  # whoever waits after those that it waits for

    def in_order(self) -> list[_Draft]:
        """Return the drafts as they must be stored: by their distance from the end, and within it as they are laid."""
        distances: dict[str, int] = {}
        for draft in reversed(self.drafts):
            distances[draft.id] = max(
                (distances[join.id] + 1 for join in draft.joins if join.id in distances), default=0
            )
        return sorted(self.drafts, key=lambda draft: distances[draft.id])

    def lay(self, signature: Signature, after: _End | None, path: str) -> _End:
        match signature.kind:
            case "chain":
                end = after
                for position, step in enumerate(signature.tasks):
                    end = self.lay(step, end, f"{path}.{position}")
                return end or self._lay_group(signature, None, path)  # an empty one: its value is an empty list
            case "group":
                return self._lay_group(signature, after, path)
            case "chord":
                header = self._lay_group(signature, after, f"{path}.h")
                return self.lay(signature.body or Signature(task=ACCUMULATE), header, f"{path}.b")
            case _:
                return self._lay_task(signature, after, path)

    def gathered(self, end: _End, path: str) -> _End:
        """Return the same as one value."""
        if not end.is_list:
            return end
        options = end.drafts[0].signature.options if end.drafts else {}
        place: dict[str, Any] = {option: options[option] for option in ("queue", "priority") if option in options}
        made = self._lay_task(Signature(task=ACCUMULATE, options=place), end, f"{path}.gather")
        [draft] = made.drafts
        if draft.gate is not None:  # it is none of the caller's tasks: it ends as the member does that fails
            draft.gate = msgspec.structs.replace(draft.gate, is_link=True)
        return made

    def take_over(self, draft: _Draft, last: Message, *, errbacks: tuple[Signature, ...]) -> None:
        """Let a draft stand in the place of a message."""
        if errbacks and draft.gate is not None:  # they are for it to call
            draft.gate = msgspec.structs.replace(draft.gate, is_link=False)
        options = dict(draft.signature.options)
        options["headers"] = {**last.headers, **options.get("headers", {})}
        draft.signature = msgspec.structs.replace(
            draft.signature,
            options=options,
            links=(*draft.signature.links, *last.links),
            error_links=(*draft.signature.error_links, *errbacks),
        )
        for other in self.drafts:  # those that draft waits for name it
            other.joins = [Join(id=last.id, place=j.place) if j.id == draft.id else j for j in other.joins]
        draft.id = last.id
        draft.joins = list(last.joins)
        draft.group, draft.group_index = last.group, last.group_index
        if draft.gate is None:
            draft.parent = last.parent

    def id_of(self, path: str) -> str:
        """Return the id of a part of the workflow by its place; the whole has the workflow's name."""
        return derived_id(self.setting.name, path) if path else derived_id(self.setting.name)

    def root_of(self, node: Node) -> str:
        while node.parent is not None:
            node = node.parent
        return node.id

    def _lay_task(self, signature: Signature, after: _End | None, path: str) -> _End:
        id = signature.options.get("task_id") or self.id_of(path)
        draft = _Draft(signature, id, self.setting.parent, self.setting.first, None)
        if after is not None:
            self._hang(draft, after)
        inherited = after.drafts[-1].priority if after is not None and after.drafts else self.setting.priority
        draft.priority = signature.options.get("priority", inherited)
        self.drafts.append(draft)
        parent = after.node if after is not None else None
        return _End(drafts=(draft,), is_list=False, node=Leaf(id=id, parent=parent))

    def _hang(self, draft: _Draft, after: _End) -> None:
        """Let a draft wait for what came before it."""
        draft.first = EMPTY_LIST if after.is_empty else None
        if not after.drafts:
            return
        takes = not draft.signature.immutable and not after.is_empty
        draft.parent = after.drafts[-1].id
        draft.gate = Gate(
            size=len(after.drafts),
            gives=("list" if after.is_list else "value") if takes else "nothing",
            is_link=after.is_link and not after.is_list,
        )
        for place, each in enumerate(after.drafts):
            each.joins.append(Join(id=draft.id, place=place if after.is_list else None))

    def _lay_group(self, signature: Signature, after: _End | None, path: str) -> _End:
        """Lay the members side by side. Groups right inside of it are part of it; whatever else ends in a list is one
        member with a list as its value."""
        members = list(_flattened(signature.tasks))
        id = signature.options.get("task_id") or self.id_of(path)
        parent = after.node if after is not None else None
        if not members:
            drafts = after.drafts if after is not None else ()
            return _End(
                drafts=drafts, is_list=True, is_empty=True, is_link=False, node=Bundle(id=id, members=(), parent=parent)
            )
        if after is not None and after.is_list and len(members) > 1:
            # Not one edge for each pair of a header's and a body's members: their number would be the product.
            after = msgspec.structs.replace(self.gathered(after, path), is_link=False, node=after.node)
        ends = []
        for index, member in enumerate(members):
            end = self.gathered(self.lay(member, after, f"{path}.{index}"), f"{path}.{index}")
            end.drafts[0].group, end.drafts[0].group_index = id, index
            ends.append(end)
        return _End(
            drafts=tuple(end.drafts[0] for end in ends),
            is_list=True,
            is_link=False,
            node=Bundle(id=id, members=tuple(end.node for end in ends), parent=parent),
        )


def _with_errbacks(signature: Signature, errbacks: tuple[Signature, ...]) -> Signature:
    """Return a signature whose failure calls these once: each step of a chain does, of a chord its body; whoever
    gathers a group does it for the group."""
    if not errbacks:
        return signature
    match signature.kind:
        case "chain":
            steps = tuple(_with_errbacks(step, errbacks) for step in signature.tasks)
            return msgspec.structs.replace(signature, tasks=steps)
        case "chord" if signature.body is not None:
            return msgspec.structs.replace(signature, body=_with_errbacks(signature.body, errbacks))
        case "task":
            return msgspec.structs.replace(signature, error_links=(*signature.error_links, *errbacks))
        case _:
            return signature


def _flattened(tasks: tuple[Signature, ...]) -> Iterator[Signature]:
    for task in tasks:
        if task.kind == "group":
            yield from _flattened(task.tasks)
        elif task.kind != "chain" or task.tasks:  # an empty chain is nothing
            yield task


def _converted(value: Any, kind: type[T]) -> T | None:
    """Return an option that travels as plain data as what the message holds."""
    return None if value is None else msgspec.convert(value, kind)
