"""A call that is not made yet, as callers hold it: ``task.s(1, 2)``.

It is a dict, as in Celery, so it can travel as an argument and be rebuilt with ``Signature.from_dict``. The canvases
(chain, group, chord ...) are signatures of their own kinds and live in canvas.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import partial as _partial
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from horarium.app.current import find_current_app
from horarium.errors import ImproperlyConfigured, InvalidArguments
from horarium.message import new_id

if TYPE_CHECKING:
    from horarium.app.result import AsyncResult
    from horarium.app.stamping import StampingVisitor

S = TypeVar("S", bound="Signature")

# Options that say who a call is; a call that is made of a signature does not overwrite them.
_IDENTITY = frozenset({"group_id", "group_index", "chord"})


class Sender(Protocol):
    """An app, as far as signatures know it."""

    @property
    def tasks(self) -> Mapping[str, Any]: ...

    @property
    def conf(self) -> Any: ...  # Settings, which says each key as an attribute

    def now(self) -> int: ...

    def send_signature(self, signature: Signature) -> Any: ...

    def run_signature_inline(self, signature: Signature) -> Any: ...

    def AsyncResult(self, id: str) -> AsyncResult: ...

    def GroupResult(self, id: str, results: Sequence[Any] = ()) -> Any: ...


class Signature(dict[str, Any]):
    """A task's name with arguments and options; ``immutable`` ones are not given the parent's result.

    ``set``, ``link`` and their like change it in place; ``clone`` and ``|`` return new ones.
    """

    TYPES: ClassVar[dict[str, type[Signature]]] = {}
    compose: ClassVar[Callable[[Signature, Signature], Signature]]  # what | does; canvas.py knows all kinds

    def __init__(
        self,
        task: Any = None,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        type: Any = None,
        subtask_type: str | None = None,
        immutable: bool = False,
        app: Sender | None = None,
        **more: Any,
    ) -> None:
        if isinstance(task, Mapping):
            super().__init__(task)
            self.setdefault("args", ())
            for key in ("kwargs", "options"):
                self[key] = dict(self.get(key) or {})
            self.setdefault("immutable", False)
            self.setdefault("subtask_type", None)
        else:
            super().__init__(
                task=task if isinstance(task, str) or task is None else task.name,
                args=tuple(args or ()),
                kwargs=dict(kwargs or {}),
                options={**(options or {}), **more},
                subtask_type=subtask_type,
                immutable=immutable,
            )
        self._app = app if app is not None else getattr(task, "app", None)
        self._type = type

    @classmethod
    def register_type(cls, kind: type[S]) -> type[S]:
        """Let dicts with this class's ``subtask_type`` become objects of it; a decorator."""
        cls.TYPES[kind.subtask_kind] = kind  # type: ignore[attr-defined]
        return kind

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], app: Sender | None = None) -> Signature:
        """Return the signature that a dict describes, with all that are inside of it. Raises: InvalidArguments."""
        if isinstance(d, Signature):
            return d
        if not isinstance(d, Mapping) or not isinstance(d.get("task"), str):
            raise InvalidArguments(f"expected a signature or its dict, got {d!r:.100}; pass task.s(...)")
        kind = cls.TYPES.get(str(d.get("subtask_type") or ""))
        if kind is not None and kind is not cls:
            return kind.from_dict(d, app=app)
        return Signature(d, app=app)

    # What it says.

    @property
    def task(self) -> Any:
        return self["task"]

    @task.setter
    def task(self, name: str) -> None:
        self["task"] = name

    @property
    def args(self) -> tuple[Any, ...]:
        return tuple(self["args"] or ())

    @args.setter
    def args(self, args: Iterable[Any]) -> None:
        self["args"] = tuple(args)

    @property
    def kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = self["kwargs"]
        return kwargs

    @kwargs.setter
    def kwargs(self, kwargs: Mapping[str, Any]) -> None:
        self["kwargs"] = dict(kwargs)

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = self["options"]
        return options

    @options.setter
    def options(self, options: Mapping[str, Any]) -> None:
        self["options"] = dict(options)

    @property
    def immutable(self) -> bool:
        return bool(self["immutable"])

    @immutable.setter
    def immutable(self, immutable: bool) -> None:
        self["immutable"] = immutable

    @property
    def subtask_type(self) -> str | None:
        kind: str | None = self["subtask_type"]
        return kind

    @property
    def app(self) -> Sender:
        """The app that sends it: its own, else the current one. Raises: ImproperlyConfigured where there is none."""
        app: Sender | None = self._app if self._app is not None else find_current_app()
        if app is None:
            raise ImproperlyConfigured(
                f"expected the signature of {self['task']} to belong to an app, got none; make it with task.s() or "
                "app.signature()"
            )
        return app

    @property
    def type(self) -> Any:
        """The task itself. Raises: NotRegistered."""
        return self._type if self._type is not None else self.app.tasks[self["task"]]

    @property
    def name(self) -> str:
        return str(self["task"])

    @property
    def id(self) -> str | None:
        return self.options.get("task_id")

    @property
    def parent_id(self) -> str | None:
        return self.options.get("parent_id")

    @property
    def root_id(self) -> str | None:
        return self.options.get("root_id")

    # Changing it.

    def clone(self: S, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> S:
        """Return a copy with more arguments in front and options added; an immutable one takes options only."""
        copy = self._copy()
        merged = self._merge(args or (), kwargs or {}, options)
        copy["args"], copy["kwargs"], copy["options"] = merged[0], {**copy["kwargs"], **merged[1]}, merged[2]
        return copy

    def partial(self: S, *args: Any, **kwargs: Any) -> S:
        """The same as ``clone``."""
        return self.clone(*args, **kwargs)

    def _copy(self: S) -> S:
        try:
            return self._copied()
        except RecursionError as error:
            raise InvalidArguments(
                f"expected {self['task']} to be made of other signatures, got one that contains itself; leave it out"
            ) from error

    def _copied(self: S) -> S:
        copy = self.__class__.__new__(self.__class__)
        try:
            dict.__init__(copy, {key: _copied(value) for key, value in self.items()})
        except RecursionError:
            text = "expected a signature that has an end, got one that contains itself, or is too deep; make it flatter"
            raise InvalidArguments(text) from None
        copy._app, copy._type = self._app, self._type
        return copy

    def _merge(
        self, args: Iterable[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, Any]]:
        """Return its arguments and options with more of them: arguments in front, unless it is immutable."""
        given = {key: value for key, value in options.items() if not (key in _IDENTITY and key in self.options)}
        merged = {**_copied(self.options), **given}
        if self.immutable:
            return self.args, {}, merged
        return (*args, *self.args), dict(kwargs), merged

    def set(self: S, immutable: bool | None = None, **options: Any) -> S:
        """Add options in place and return self."""
        if immutable is not None:
            self.set_immutable(immutable)
        self.options.update(options)
        return self

    def set_immutable(self, immutable: bool) -> None:
        """Say whether the parent's result is left out of its arguments."""
        self["immutable"] = immutable

    def replace(
        self: S,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> S:
        """Return a copy with other arguments or options in place of its own."""
        copy = self.clone()
        if args is not None:
            copy["args"] = tuple(args)
        if kwargs is not None:
            copy["kwargs"] = dict(kwargs)
        if options is not None:
            copy["options"] = dict(options)
        return copy

    def freeze(self, _id: str | None = None, **options: Any) -> Any:
        """Fix the id beforehand; return the handle of the result that it will have."""
        id = self.options.get("task_id") or _id or new_id(self.app.now())
        self.options["task_id"] = id
        self.options.update({key: value for key, value in options.items() if value is not None})
        return self.app.AsyncResult(id)

    _freeze = freeze

    def link(self, callback: Any) -> Any:
        """Let ``callback`` be sent when it succeeds; return the callback."""
        return self._append("link", callback)

    def link_error(self, errback: Any) -> Any:
        """Let ``errback`` be called when it fails; return the errback."""
        return self._append("link_error", errback)

    def on_error(self: S, errback: Any) -> S:
        """``link_error`` that returns self, for chaining calls."""
        self.link_error(errback)
        return self

    def stamp(self, visitor: StampingVisitor | None = None, append_stamps: bool = False, **headers: Any) -> None:
        """Write stamps into the headers of it and of all that it sets off; see stamping.py."""
        from horarium.app.stamping import stamp

        stamp(self, visitor, headers, append=append_stamps)

    def stamp_links(self, visitor: StampingVisitor | None, append_stamps: bool = False, **headers: Any) -> None:
        """Stamp its callbacks and errbacks only."""
        from horarium.app.stamping import stamp_links

        stamp_links(self, visitor, headers, append=append_stamps)

    def _append(self, option: str, value: Any) -> Any:
        listed = listed_option(self.options.get(option))
        if value not in listed:
            self.options[option] = [*listed, value]
        return value

    def extend_list_option(self, option: str, values: Any) -> None:
        """Add signatures to an option that lists some, such as ``link``."""
        for value in listed_option(values):
            self._append(option, value)

    def flatten_links(self) -> list[Signature]:
        """Return it and all its callbacks, theirs included."""
        links = (Signature.from_dict(link, app=self._app) for link in listed_option(self.options.get("link")))
        return [self, *(found for link in links for found in link.flatten_links())]

    # Sending it.

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Send it now, with these arguments in front."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """Send it, with these arguments in front and these options added. Raises as Task.apply_async."""
        return self.app.send_signature(self.clone(args, kwargs, **options))

    async def adelay(self, *args: Any, **kwargs: Any) -> Any:
        """``delay`` for coroutines."""
        return await self.aapply_async(args, kwargs)

    async def aapply_async(
        self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """``apply_async`` for coroutines: the store's round trip is made in a thread."""
        import asyncio
        from contextvars import copy_context

        return await asyncio.to_thread(copy_context().run, _partial(self.apply_async, args, kwargs, **options))

    def apply(self, args: Iterable[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any) -> Any:
        """Run it inline, by the same road as in a worker; nothing is stored."""
        return self.app.run_signature_inline(self.clone(args, kwargs, **options))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the task's function here and now, with these arguments in front."""
        call = self.clone(args, kwargs)
        return call.type(*call.args, **call.kwargs)

    def __or__(self, other: Any) -> Any:
        if isinstance(other, Signature):
            return Signature.compose(self, other)
        return NotImplemented

    def __ior__(self, other: Any) -> Any:  # dict's own would merge the two dicts
        return self.__or__(other)

    def __ror__(self, other: Any) -> Any:
        return NotImplemented

    def __invert__(self) -> Any:
        """``~sig``: send it and wait for its value."""
        return self.apply_async().get()

    def reprcall(self, *args: Any, **kwargs: Any) -> str:
        """Return how the call reads with these arguments in front."""
        return str(self.clone(args, kwargs))

    def election(self) -> Any:
        """Celery: let one worker of many run it. Here a message is run by one worker anyway, so this sends it."""
        return self.apply_async()

    def __repr__(self) -> str:
        values = [repr(value) for value in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self['task']}({', '.join(values)})"

    def __reduce__(self) -> Any:
        return _rebuilt, (dict(self.items()),)

    def __deepcopy__(self: S, memo: Any) -> S:
        return self._copied()

    __hash__ = None  # it can be changed in place


def _rebuilt(d: dict[str, Any]) -> Signature:
    return Signature.from_dict(d)


def listed_option(value: Any) -> list[Any]:
    """Return an option that may be one signature, several, or none, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _copied(value: Any) -> Any:
    """Copy containers and signatures; whatever else a caller passes stays the same object."""
    if isinstance(value, Signature):
        return value._copied()
    if type(value) is dict:
        return {key: _copied(inner) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    if isinstance(value, set | frozenset):
        return deepcopy(value)
    return value


def signature(varies: Any, args: Any = None, kwargs: Any = None, options: Any = None, **more: Any) -> Signature:
    """Return a signature: of a task's name, of a dict that describes one, or of one (which is copied)."""
    app = more.pop("app", None)
    if isinstance(varies, Mapping):
        if isinstance(varies, Signature):
            return varies.clone()
        return Signature.from_dict(varies, app=app)
    return Signature(varies, args, kwargs, options, app=app, **more)


subtask = signature


def maybe_signature(d: Any, app: Sender | None = None, clone: bool = False) -> Any:
    """Return what a dict describes as a signature, a signature as it is, None as None."""
    if d is None:
        return None
    if isinstance(d, Signature):
        return d.clone() if clone else d
    return Signature.from_dict(d, app=app) if isinstance(d, Mapping) else d
