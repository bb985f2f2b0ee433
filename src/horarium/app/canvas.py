"""Calls that belong together: chain, group and chord, nested in one another as one likes.

They say what is meant; workflow.plan makes messages of it. ``|`` composes as in Celery: a task after a group makes the
two a chord, a group after a group a chord whose body is a group, so that what comes after always gets a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import chain as chained
from itertools import islice
from operator import or_
from typing import Any, ClassVar, TypeVar

from horarium.app.signature import Sender, Signature, listed_option
from horarium.errors import ImproperlyConfigured, InvalidArguments
from horarium.message import new_id

C = TypeVar("C", bound="Canvas")

HEADER_ID = "header_id"  # the option of a chord that is frozen: the id of its header's result
PASSED_ON = frozenset({HEADER_ID, "task_id", "link", "link_error", "root_id", "parent_id", "group_id", "group_index"})


class Canvas(Signature):
    """A signature made of others. ``tasks`` are its parts."""

    subtask_kind: ClassVar[str]

    def __init__(self, tasks: Iterable[Any], *, app: Sender | None = None, **options: Any) -> None:
        super().__init__(f"celery.{self.subtask_kind}", (), {}, options, subtask_type=self.subtask_kind, app=app)
        self["kwargs"] = {"tasks": tasks if isinstance(tasks, Stream) else list(tasks)}

    @classmethod
    def from_dict(cls: type[C], d: Mapping[str, Any], app: Sender | None = None) -> C:
        canvas = cls.__new__(cls)
        Signature.__init__(canvas, d, app=app)
        parts = canvas.kwargs.get("tasks", canvas.kwargs.get("header", ()))
        parts = parts["kwargs"]["tasks"] if isinstance(parts, Mapping) and "kwargs" in parts else parts
        canvas.kwargs.pop("header", None)
        canvas.kwargs["tasks"] = [Signature.from_dict(part, app=app) for part in parts]
        if canvas.kwargs.get("body") is not None:
            canvas.kwargs["body"] = Signature.from_dict(canvas.kwargs["body"], app=app)
        return canvas

    @property
    def tasks(self) -> list[Any]:
        tasks = self.kwargs["tasks"]
        if isinstance(tasks, Stream):  # somebody wants to see them all
            tasks = self.kwargs["tasks"] = list(tasks)
        found: list[Any] = tasks
        return found

    @tasks.setter
    def tasks(self, tasks: Iterable[Any]) -> None:
        self.kwargs["tasks"] = list(tasks)

    def items(self) -> Any:
        """Who looks at it as a dict, to copy it or to say it in JSON, sees all of its tasks."""
        _ = self.tasks
        return super().items()

    @property
    def app(self) -> Sender:
        if self._app is None:
            tasks = self.kwargs["tasks"]
            for part in tasks.first() if isinstance(tasks, Stream) else tasks:
                if isinstance(part, Canvas):
                    found = part._app_inside()
                else:
                    found = part._app if isinstance(part, Signature) else None
                if found is not None:
                    return found
        return super().app

    def _app_inside(self) -> Sender | None:
        try:
            return self.app
        except ImproperlyConfigured:
            return None

    def clone(self: C, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> C:
        """Return a copy; the arguments go in front of those of the tasks that start it."""
        tasks = self.kwargs["tasks"]
        if isinstance(tasks, Stream):
            self.kwargs["tasks"] = []
        copy = self._copy()
        if isinstance(tasks, Stream):
            self.kwargs["tasks"] = copy.kwargs["tasks"] = tasks
        copy.options.update(self._merge((), {}, options)[2])
        if (args or kwargs) and not self.immutable:
            copy._start_with(tuple(args or ()), dict(kwargs or {}))
        return copy

    def _start_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tasks = self.kwargs["tasks"]
        if isinstance(tasks, Stream):
            self.kwargs["tasks"] = Stream(part.clone(args, kwargs) for part in tasks)
        else:
            self.tasks = [part.clone(args, kwargs) for part in tasks]

    def set_immutable(self, immutable: bool) -> None:
        for part in self.tasks:
            part.set_immutable(immutable)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Send it, with these arguments in front."""
        return self.apply_async(args, **options)

    def __len__(self) -> int:
        return len(self.tasks)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"{self.subtask_kind}([{', '.join(map(repr, self.tasks))}])"


@Signature.register_type
class chain(Canvas):
    """Tasks one after the other, each given the value of the one before, unless it is immutable."""

    subtask_kind = "chain"

    def __new__(cls, *tasks: Any, **options: Any) -> Any:
        parts = _parts(tasks)
        if options or len(parts) < 2:
            return super().__new__(cls)
        steps = _joined(parts)
        return cls._of(steps, options.get("app")) if len(steps) > 1 else steps[0]

    def __init__(self, *tasks: Any, app: Sender | None = None, **options: Any) -> None:
        if "task" not in self:  # composed by __new__ otherwise
            super().__init__(_unchained(_parts(tasks)), app=app, **options)

    @classmethod
    def _of(cls, tasks: Iterable[Any], app: Sender | None = None) -> chain:
        """Return a chain of these tasks, as they are."""
        made = super().__new__(cls)
        Canvas.__init__(made, tasks, app=app)
        return made

    def set_immutable(self, immutable: bool) -> None:
        """Say whether its first task is left without what comes before the chain."""
        if self.tasks:
            self.tasks[0].set_immutable(immutable)

    def unchain_tasks(self) -> list[Any]:
        """Return copies of its tasks that have its links: its callbacks after the last, its errbacks at each."""
        tasks = [part.clone() for part in self.tasks]
        if tasks:
            tasks[-1].extend_list_option("link", self.options.get("link"))
        for part in tasks:
            for errback in listed_option(self.options.get("link_error")):
                part.link_error(errback)
        return tasks

    def _start_with(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.tasks:
            self.tasks[0] = self.tasks[0].clone(args, kwargs)

    def run(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """The same as ``apply_async``."""
        return self.apply_async(args, kwargs, **options)

    def freeze(self, _id: str | None = None, **options: Any) -> Any:
        """Fix the ids of all its tasks; return the handle of the last one's result."""
        if not self.tasks:
            raise InvalidArguments("expected a chain with tasks, got an empty one; it would come to nothing")
        result = None
        for part in self.tasks:
            is_last = part is self.tasks[-1]
            frozen = part.freeze((self.options.get("task_id") or _id) if is_last else None, **options)
            if result is not None:
                _first_of(frozen).parent = result
            result = frozen
        return result

    def __repr__(self) -> str:
        return " | ".join(map(repr, self.tasks)) or "<empty chain>"


@Signature.register_type
class group(Canvas):
    """Tasks side by side. A generator is sent as it yields, and its tasks are not kept."""

    subtask_kind = "group"

    def __init__(self, *tasks: Any, app: Sender | None = None, **options: Any) -> None:
        only = tasks[0] if len(tasks) == 1 else None
        if isinstance(only, group):
            tasks = tuple(only.tasks)
        if isinstance(only, Iterator) or (only is not None and isinstance(only, Stream)):
            super().__init__(only if isinstance(only, Stream) else Stream(only), app=app, **options)
        else:
            super().__init__(_parts(tasks), app=app, **options)

    def __call__(self, *partial_args: Any, **options: Any) -> Any:
        return self.apply_async(partial_args, **options)

    def apply_async(
        self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Send its tasks, each with these arguments in front and these options. Raises: InvalidArguments for links:
        a group has no end of its own that they could follow."""
        for option in ("link", "link_error"):
            if options.get(option) is not None:
                raise InvalidArguments(
                    f"expected no {option} for a group, got one; write chord(group, body) for what comes after all of "
                    "it, or give it to its tasks"
                )
        return super().apply_async(args, kwargs, **options)

    def skew(self, start: float = 1.0, stop: float | None = None, step: float = 1.0) -> group:
        """Give the tasks countdowns that grow from ``start`` by ``step``, starting anew at ``stop``."""
        at = start
        for part in self.tasks:
            part.set(countdown=at)
            at += step
            if stop is not None and at >= stop:
                at = start
        return self

    def link(self, callback: Any) -> Any:
        """Let ``callback`` be sent once, when the first task succeeds; it is given nothing."""
        return self.tasks[0].link(callback.clone().set(immutable=True)) if self.tasks else callback

    def link_error(self, errback: Any) -> Any:
        """Let ``errback`` be called for each task that fails."""
        return tuple(part.link_error(_copy_of(errback)) for part in self.tasks)

    def freeze(self, _id: str | None = None, **options: Any) -> Any:
        """Fix the ids of all its tasks and its own; return the handle of what they come to."""
        id = self.options.setdefault("task_id", _id or new_id(self.app.now()))
        return self.app.GroupResult(id, list(_frozen(self.tasks, options)))


@Signature.register_type
class chord(Canvas):
    """A header of tasks side by side, and a body that is given the list of their values, in the header's order."""

    subtask_kind = "chord"

    def __init__(self, header: Any, body: Any = None, *, app: Sender | None = None, **options: Any) -> None:
        header = header.kwargs["tasks"] if isinstance(header, group) else header
        if isinstance(header, Signature):
            header = [header]
        super().__init__(Stream(header) if isinstance(header, Iterator) else header, app=app, **options)
        self.kwargs["body"] = body

    @property
    def body(self) -> Any:
        return self.kwargs.get("body")

    @body.setter
    def body(self, body: Any) -> None:
        self.kwargs["body"] = body

    @property
    def app(self) -> Sender:
        if self._app is None and isinstance(self.body, Signature) and self.body._app is not None:
            return self.body._app
        return super().app

    def __call__(self, body: Any = None, **options: Any) -> Any:
        """Send it, with this body if one is given."""
        return self.apply_async(body=body, **options)

    def apply_async(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        body: Any = None,
        **options: Any,
    ) -> Any:
        call = self if body is None else self.clone()
        if body is not None:
            call.body = body
        if call.body is None:
            raise InvalidArguments("expected a chord to have a body, got none; write chord(header)(body)")
        return super(chord, call).apply_async(args, kwargs, **options)

    def run(self, header: Any, body: Any, partial_args: Iterable[Any] = (), **options: Any) -> Any:
        """Send another header with another body, for this chord's app."""
        return chord(header, body, app=self._app).apply_async(partial_args, **options)

    def link(self, callback: Any) -> Any:
        """Let ``callback`` be sent when the body succeeds."""
        return self.body.link(callback)

    def link_error(self, errback: Any) -> Any:
        """Let ``errback`` be called when the body fails, or never can run.

        With the setting ``task_allow_error_cb_on_chord_header`` each task of the header that fails calls it as well.
        """
        if self.app.conf.task_allow_error_cb_on_chord_header:
            for part in self.tasks:
                part.link_error(_copy_of(errback))
        self.body.link_error(errback)
        return errback

    def freeze(self, _id: str | None = None, **options: Any) -> Any:
        """Fix the ids of header and body; return the handle of the body's result."""
        header_id = self.options.setdefault(HEADER_ID, new_id(self.app.now()))
        result = self.body.freeze(self.options.get("task_id") or _id, **options)
        _first_of(result).parent = self.app.GroupResult(header_id, list(_frozen(self.tasks, {})))
        return result

    def __repr__(self) -> str:
        return f"chord([{', '.join(map(repr, self.tasks))}], {self.body!r})"


class Stream:
    """The tasks of a group as a generator yields them, once: whoever wants them all makes a list of it."""

    def __init__(self, tasks: Iterable[Any]) -> None:
        self._tasks = iter(tasks)
        self._is_taken = False

    def __iter__(self) -> Iterator[Any]:
        """Raises: InvalidArguments the second time: nothing would come any more."""
        if self._is_taken:
            raise InvalidArguments(
                "expected the generator of a group to be used once, it was used before; give the group a list, or make "
                "a new group for each call"
            )
        self._is_taken = True
        return self._tasks

    def first(self) -> list[Any]:
        """Return the first task, if there is one, without taking it away."""
        found = list(islice(self._tasks, 1))
        self._tasks = chained(found, self._tasks)
        return found


def _frozen(parts: Iterable[Any], options: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the results of a group's tasks, those of groups inside of it among them."""
    for part in parts:
        if isinstance(part, group):
            yield from _frozen(part.tasks, options)
        elif not isinstance(part, chain) or part.tasks:
            yield part.freeze(**options)


def _first_of(result: Any) -> Any:
    """Return the result at the beginning of what has led to this one."""
    return (result.parents() or [result])[0]


def _copy_of(signature: Any) -> Any:
    return signature.clone() if isinstance(signature, Signature) else signature


def _parts(tasks: tuple[Any, ...]) -> list[Any]:
    """Return the tasks that were given one by one, or as one list. Raises: InvalidArguments."""
    if len(tasks) == 1 and not isinstance(tasks[0], Signature) and not isinstance(tasks[0], Mapping):
        tasks = tuple(tasks[0])
    return [_signature_of(part) for part in tasks]


def _signature_of(part: Any) -> Any:
    if isinstance(part, Signature):
        return part
    if isinstance(part, Mapping):
        return Signature.from_dict(part)
    if hasattr(part, "s") and hasattr(part, "name"):  # a task itself
        return part.s()
    raise InvalidArguments(f"expected a canvas to be made of signatures, got {part!r:.100}; pass task.s(...)")


def _unchained(parts: Iterable[Any]) -> list[Any]:
    return [task for part in parts for task in (part.unchain_tasks() if isinstance(part, chain) else [part])]


def _joined(parts: Iterable[Any]) -> list[Any]:
    """Return the steps of all the parts one after the other, as ``|`` would make them of them, in linear time."""
    tasks: list[Any] = []
    for step in _unchained(parts):
        if tasks and isinstance(tasks[-1], group | chord):
            tasks[-1] = tasks[-1] | step
        else:
            tasks.append(_unrolled(step) if tasks else step)
    return tasks


def _unrolled(part: Any) -> Any:
    """A group of one is that one."""
    return part.tasks[0] if isinstance(part, group) and not _is_stream(part) and len(part.tasks) == 1 else part


def _is_stream(part: Canvas) -> bool:
    return isinstance(part.kwargs["tasks"], Stream)


def compose(left: Signature, right: Signature) -> Signature:
    """Return what ``left | right`` means; neither is changed."""
    app = left._app or right._app
    if isinstance(right, chain) and not right.options.get("task_id"):
        return reduce(or_, right.unchain_tasks(), left)
    match left:
        case group():
            return chord(left, right, app=app)
        case chord():
            copy = left.clone()
            copy.body = copy.body | right if copy.body is not None else right
            return copy
        case chain() if not left.tasks:
            return right if isinstance(right, group) else chain._of([right], app)
        case chain() if isinstance(left.tasks[-1], group | chord):
            tasks = left.unchain_tasks()
            tasks[-1] = tasks[-1] | right
            return _like(left, tasks) if len(tasks) > 1 else tasks[0]
        case chain():
            return _like(left, [*left.unchain_tasks(), _unrolled(right)])
        case _:
            return chain._of([left, _unrolled(right)], app)


def _like(left: chain, tasks: list[Any]) -> chain:
    """Return a chain of these tasks with the options of another one, but for its links: its tasks have them."""
    made = chain._of(tasks, left._app)
    made.options.update({key: value for key, value in left.options.items() if key not in ("link", "link_error")})
    return made


Signature.compose = staticmethod(compose)
