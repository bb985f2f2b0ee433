"""What the tests of canvases say: a shop with tasks that add, fail, retry and keep a diary of what ran."""

from __future__ import annotations

from collections import Counter
from typing import Any

from horarium.app.app import Horarium
from horarium.app.perform import Performance
from horarium.testing import drain

ONE_ARGUMENT = "on_failed_id"
THREE_ARGUMENTS = "on_failed_call"


class WrongAmount(Exception):
    """An exception of the shop's own."""


class Shop:
    """Tasks of one app, and the diary that they write: (task, what it was given), in the order of the runs."""

    def __init__(self, app: Horarium) -> None:
        self.app = app
        self.diary: list[tuple[str, Any]] = []
        diary = self.diary

        @app.task(name="add")
        def add(x: Any, y: Any) -> Any:
            diary.append(("add", (x, y)))
            return x + y

        @app.task(name="echo")
        def echo(value: Any) -> Any:
            diary.append(("echo", value))
            return value

        @app.task(name="total")
        def total(values: Any, more: int = 0) -> Any:
            diary.append(("total", values))
            return sum(values) + more

        @app.task(name="note")
        def note(*args: Any) -> Any:
            diary.append(("note", list(args)))
            return "noted"

        @app.task(name="fail")
        def fail(*args: Any) -> Any:
            diary.append(("fail", list(args)))
            raise ValueError("no such amount", *args)

        @app.task(name="ids", bind=True)
        def ids(self: Any, *args: Any) -> Any:
            diary.append(("ids", self.request.id))
            return {"id": self.request.id, "root": self.request.root_id, "parent": self.request.parent_id}

        @app.task(name=ONE_ARGUMENT)
        def on_failed_id(failed: str) -> None:
            diary.append((ONE_ARGUMENT, failed))

        @app.task(name=THREE_ARGUMENTS)
        def on_failed_call(request: Any, exc: BaseException, traceback: str) -> None:
            diary.append((THREE_ARGUMENTS, (request.id, exc, traceback)))

        self.add, self.echo, self.total, self.note, self.fail, self.ids = add, echo, total, note, fail, ids
        self.on_failed_id, self.on_failed_call = on_failed_id, on_failed_call

    def run(self, limit: int = 5000) -> list[Performance]:
        """Let the worker run all that is due, and what it sets off."""
        return drain(self.app, limit=limit)

    def said(self, task: str) -> list[Any]:
        """Return what the runs of a task were given, in the order of the runs."""
        return [given for name, given in self.diary if name == task]

    @property
    def counts(self) -> Counter[str]:
        return Counter(name for name, _ in self.diary)
