"""The page of the Python API: what callers import, with signatures, and what each promises in its docstring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc, isclass
from typing import Any

import horarium
from horarium import canvas, schedules, testing
from horarium.app.app import Horarium
from horarium.app.control import Control
from horarium.app.inspection import Inspect
from horarium.app.request import Request
from horarium.app.result import AsyncResult
from horarium.app.result_set import ResultSet
from horarium.app.schedules import Schedules
from horarium.app.signature import Signature
from horarium.app.stand_in import StandIn
from horarium.app.task import Task
from horarium.signals import Signal
from pages.signatures import called, hint_of, members_of, shown_default

PYTHON_INTRODUCTION = """\
# The Python API

<!-- Made by docs/generate.py from the signatures and docstrings of what horarium and horarium.testing export. -->

What `from horarium import ...` gives, what those objects hand out, the signals, and `horarium.testing`: each with its
signature and what it promises. How they are used together is told in [tasks and calls](tasks.md), [canvas and
results](canvas.md), [schedules](schedules.md), [signals](signals.md) and [test your
tasks](../how-to/test-your-tasks.md).

A name that is not on this page, or begins with `_`, may change without notice. What stands after *Also* is told in the
pages above, or by its name. `Seconds` is a float, `Instant` an int: milliseconds since 1970, UTC. `__version__` is the
version. A hint that is not shown is `Any`.
"""
# Every name that is exported stands in one section; a test says so. A section of names is that of a module.
SECTIONS: dict[str, tuple[str, ...]] = {
    "The app": ("Horarium", "Celery", "shared_task", "current_app", "current_task", "bugreport", "uuid"),
    "Tasks": ("Task",),
    "Results": ("AsyncResult", "EagerResult", "ResultSet", "GroupResult", "result_from_tuple"),
    "Canvas": ("Signature", *(name for name in canvas.__all__ if name != "Signature")),
    "Kinds of schedules": tuple(schedules.__all__),
    "Exceptions that tasks raise": ("Ignore", "Reject", "Retry", "SoftTimeLimitExceeded"),
}
# What these objects hand out, below the section that has them.
HANDED_OUT: dict[str, dict[str, type]] = {
    "The app": {"app.schedules": Schedules, "app.control": Control, "app.control.inspect()": Inspect},
    "Tasks": {"self.request": Request},
}
# Public to the rooms of the house, not to callers.
INNER: dict[type, frozenset[str]] = {
    Horarium: frozenset(
        "before_imports before_start call declared_tasks handle_of known_task look_through raw_entries run_inline "
        "run_signature_inline schedule_entries schedule_entry send_signature".split()
    ),
    Task: frozenset("arguments check_options check_stored declare received retry_policy start_strategy".split()),
    AsyncResult: frozenset({"end_with", "members_as_tuples"}),
    ResultSet: frozenset({"members_as_tuples"}),
    Request: frozenset({"as_execution_options", "note_child"}),
}
# Classes whose members are described once, and not again below those that inherit them.
BASES = (Signature, AsyncResult, ResultSet)
# What has no docstring of its own.
STAND_INS = {"current_task": "The task that runs in this thread or coroutine. Where none does, it is false."}
MARKUP = re.compile(r"[*<\[\]]|(?<!\w)_|_(?!\w)")  # an underscore inside of a word is none
# Values: what is given is all there is to know of them.
VALUES = schedules.__name__


def python_page() -> str:
    """Return the page of the Python API."""
    sections = (f"\n## {title}\n{''.join(_section(title))}" for title in SECTIONS)
    helpers = "".join(_entry(name, getattr(testing, name)) for name in testing.__all__)
    return f"{PYTHON_INTRODUCTION}{''.join(sections)}{_signals()}\n## horarium.testing\n{helpers}"


def _section(title: str) -> Iterator[str]:
    for name in SECTIONS[title]:
        yield _entry(name, getattr(horarium, name))
        if name == "Task":
            yield _options()
    for way, kind in HANDED_OUT.get(title, {}).items():
        yield f"\n### {way}\n\n{prose(getdoc(kind))}\n\n{''.join(_members(kind))}"


def _entry(name: str, thing: Any) -> str:
    """Return what is said of one exported name: how it is called, what it promises, what it has."""
    if issubclass(type(thing), StandIn):  # asking it anything would ask what it stands for
        return f"\n### {name}\n\n{STAND_INS.get(name) or prose(getdoc(type(thing)))}\n"
    if isclass(thing) and thing.__name__ != name:
        return f"\n### {name}\n\nThe same class as [{thing.__name__}](#{thing.__name__.lower()}).\n"
    call = called(name, thing)
    head = f"\n### {name}\n\n" + (f"`{call}`\n\n" if call else "") + f"{prose(getdoc(thing))}\n"
    if not isclass(thing) or thing.__module__.startswith(VALUES):
        return head
    members = "".join(_members(thing))
    base = next((base for base in thing.__mro__[1:] if base in BASES), None)
    besides = f"\nIt has what [{base.__name__}](#{base.__name__.lower()}) has.\n" if base is not None else ""
    return f"{head}{besides}" + (f"\n{members}" if members else "")


def _members(kind: type) -> Iterator[str]:
    """Yield a line for each member with a docstring, and one for all others."""
    inherited = {name for base in BASES if base is not kind and issubclass(kind, base) for name, _ in members_of(base)}
    inner = frozenset().union(*(names for base, names in INNER.items() if issubclass(kind, base)))
    silent = []
    for name, member in members_of(kind):
        if name in inner or (name in inherited and name not in vars(kind)):
            continue
        call = called(name, member, is_member=True) or f"{name}{hint_of(member)}"
        doc = getdoc(member)
        if doc:
            rest = call.removeprefix(name).lstrip(": ")
            yield f"- **{name}**{' ' if rest else ''}{_code(rest)}: {prose(doc)}\n"
        else:
            silent.append(f"`{call}`")
    if silent:
        yield f"- Also {', '.join(silent)}.\n"


def _options() -> str:
    """Return the table of the options of tasks: what may be given, and what holds when nothing is."""
    hints = {
        name: hint for base in reversed(Task.__mro__) for name, hint in vars(base).get("__annotations__", {}).items()
    }
    rows = []
    for name in sorted(Task.OPTIONS):
        hint = hints.get(name, "")  # none: what is no attribute, but is asked of whoever declares
        rows.append(f"| `{name}` | {_cell(hint)} | {_cell(shown_default(getattr(Task, name)) if hint else '')} |\n")
    return (
        "\n### Options of tasks\n\nGiven to `@app.task` and `@shared_task`, or set on a class. What each does:"
        f" [declaring](tasks.md#declaring).\n\n| Option | Type | Default |\n|---|---|---|\n{''.join(rows)}"
    )


def _signals() -> str:
    """Return the section of signals: each name with the facts that its receivers are told."""
    module = import_module("horarium.signals")
    rows = "".join(
        f"| `{name}` | {', '.join(f'`{fact}`' for fact in sorted(signal.providing_args))} |\n"
        for name, signal in vars(module).items()
        if isinstance(signal, Signal)
    )
    members = "".join(_members(Signal))
    where = "`from horarium.signals import ...`; when each is sent: [signals](signals.md)."
    return f"\n## Signals\n\n{where}\n\n{members}\n| Signal | Facts |\n|---|---|\n{rows}"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return _code(text).replace("|", "\\|")


def prose(doc: str | None) -> str:
    """Return a docstring as one paragraph of Markdown: code stays code, and nothing else is taken for markup."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join((doc or "").split()))
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if n % 2 else MARKUP.sub(r"\\\g<0>", part) for n, part in enumerate(parts))
