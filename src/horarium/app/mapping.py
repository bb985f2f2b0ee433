"""One task over many arguments: map, starmap and chunks, each a call of one of the standard tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar

from horarium.app.canvas import group
from horarium.app.signature import Sender, Signature


class _Map(Signature):
    """A signature of a standard task that calls another one again and again, in one run."""

    subtask_kind: ClassVar[str]

    def __init__(self, task: Any, it: Iterable[Any], *, app: Sender | None = None, **options: Any) -> None:
        inner = task if isinstance(task, Signature) else task.s()
        super().__init__(
            f"celery.{self.subtask_kind}",
            (),
            {"task": inner, "it": list(it)},
            options,
            subtask_type=self.subtask_kind,
            immutable=True,
            app=app or inner._app,
        )

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Signature:
        made = cls.__new__(cls)
        Signature.__init__(made, d, app=app)
        made.kwargs["task"] = Signature.from_dict(made.kwargs["task"], app=app)
        return made


@Signature.register_type
class xmap(_Map):
    """``task.map(it)``: the list of ``task(x)``, in one run."""

    subtask_kind = "map"

    def __repr__(self) -> str:
        return f"[{self.kwargs['task']['task']}(x) for x in {self.kwargs['it']!r:.100}]"


@Signature.register_type
class xstarmap(_Map):
    """``task.starmap(it)``: the list of ``task(*x)``, in one run."""

    subtask_kind = "starmap"

    def __repr__(self) -> str:
        return f"[{self.kwargs['task']['task']}(*x) for x in {self.kwargs['it']!r:.100}]"


@Signature.register_type
class chunks(Signature):
    """``task.chunks(it, n)``: the calls ``task(*x)``, n of them in each run."""

    subtask_kind: ClassVar[str] = "chunks"

    def __init__(self, task: Any, it: Iterable[Any], n: int, *, app: Sender | None = None, **options: Any) -> None:
        inner = task if isinstance(task, Signature) else task.s()
        super().__init__(
            "celery.chunks",
            (),
            {"task": inner, "it": it, "n": n},
            options,
            subtask_type="chunks",
            immutable=True,
            app=app or inner._app,
        )

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Signature:
        kwargs = d["kwargs"]
        return cls(Signature.from_dict(kwargs["task"], app=app), kwargs["it"], kwargs["n"], app=app, **d["options"])

    def group(self) -> group:
        """Return the group of its runs."""
        task, options = self.kwargs["task"], dict(self.options)
        return group((xstarmap(task, part, app=self._app, **options) for part in self._parts()), app=self._app)

    def _parts(self) -> Iterator[list[Any]]:
        it = iter(self.kwargs["it"])
        while part := list(islice(it, self.kwargs["n"])):
            yield part

    def apply_async(
        self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        return self.group().apply_async(args, kwargs, **options)

    def __call__(self, **options: Any) -> Any:
        return self.apply_async(**options)

    @classmethod
    def apply_chunks(cls, task: Any, it: Iterable[Any], n: int, app: Sender | None = None) -> Any:
        return cls(task, it, n, app=app)()
