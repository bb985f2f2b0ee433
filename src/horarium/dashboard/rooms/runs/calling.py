"""``/runs/new``: send a task by hand, as the API's ``POST /runs`` does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct, field

from horarium.app.registry import nearest
from horarium.dashboard.ask import Ask, Done, Shown, part
from horarium.dashboard.calls import known_tasks, read_arguments
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs.place import room
from horarium.errors import CodecError, InvalidArguments, NotRegistered
from horarium.message import derived_id, new_id
from horarium.observe.moments import parse_span

TASKS = 500  # names that the form offers
FIELDS = ("task", "args", "kwargs", "queue", "countdown", "reason", "key")


class Draft(Struct, kw_only=True):
    """What the form says. ``wrong`` by field: what cannot be read, or not be sent."""

    values: dict[str, str]
    read: dict[str, Any] = field(default_factory=dict)  # Any: arguments and options of a call
    wrong: dict[str, str] = field(default_factory=dict)


@room.page("/runs/new", role=Role.OPERATOR, live=False)
def new(ask: Ask) -> Shown:
    values = {"task": ask.query.get("task", "")[:255], "args": "[]", "kwargs": "{}", "key": new_id(ask.now)}
    return _form(ask, Draft(values=dict.fromkeys(FIELDS, "") | values))


@room.act("/runs/new", role=Role.OPERATOR)
def call(ask: Ask) -> Done | Shown:
    """Send it, once for each form that was opened: a second click leads to the run of the first one."""
    draft = _read(ask)
    task = draft.values["task"]
    if not draft.wrong:
        try:
            id = _sent(ask, draft, task)
        except NotRegistered as error:
            draft.wrong["task"] = str(error)
        except (InvalidArguments, CodecError) as error:
            draft.wrong["args"] = str(error)
        else:
            return Done(
                text=f"{task} was sent: this is its run.", to=f"/runs/{part(id)}", about=f"run {id}", after=task
            )
    return _form(ask, draft, status=422)


def _sent(ask: Ask, draft: Draft, task: str) -> str:
    """Raises: NotRegistered, InvalidArguments, CodecError."""
    if task not in ask.app.tasks and task not in (known := known_tasks(ask)):
        raise NotRegistered(task, nearest(task, list(known)))
    args, kwargs = draft.read.pop("args"), draft.read.pop("kwargs")
    if draft.values["key"]:  # what was changed since, on the same form, is another call
        said = (draft.values[name] for name in FIELDS if name != "reason")
        draft.read["task_id"] = derived_id("a form", ask.person.name, *said)
    message, placed = ask.app.producer.send(task, ask.app.known_task(task), args, kwargs, draft.read)
    return placed if isinstance(placed, str) else message.id


def _read(ask: Ask) -> Draft:
    draft = Draft(values={name: ask.given(name).strip() for name in FIELDS})
    if not draft.values["task"]:
        draft.wrong["task"] = "expected the name of a task, got nothing"
    for name in ("args", "kwargs"):
        _try(draft, name, partial(read_arguments, name))
    if draft.values["queue"]:
        _try(draft, "queue", str)
    if draft.values["countdown"]:
        _try(draft, "countdown", parse_span)
    return draft


def _try(draft: Draft, name: str, read: Callable[[str], Any]) -> None:
    try:
        draft.read[name] = read(draft.values[name])
    except ValueError as error:
        draft.wrong[name] = str(error)


def _form(ask: Ask, draft: Draft, *, status: int = 200) -> Shown:
    context = {"values": draft.values, "wrong": draft.wrong, "tasks": sorted(known_tasks(ask))[:TASKS]}
    return Shown(template="runs/new.html", title="New run", context=context, status=status)
