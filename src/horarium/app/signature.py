"""A call that is not made yet, as callers hold it: ``task.s(1, 2)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Raw

from horarium import codec, message
from horarium.app.result import AsyncResult
from horarium.errors import ImproperlyConfigured


class Sender(Protocol):
    """An app, as far as signatures know it."""

    def send_task(
        self, name: str, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult: ...

    def frozen_options(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]: ...


class Signature:
    """A task's name with arguments and options; ``immutable`` ones are not given the parent's result.

    A signature is a value: every method that changes something returns a new one, but for ``set``, which Celery's
    callers use for its effect.
    """

    __slots__ = ("app", "args", "immutable", "kwargs", "options", "task")

    def __init__(
        self,
        task: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        immutable: bool = False,
        app: Sender | None = None,
    ) -> None:
        self.task = task
        self.args = tuple(args)
        self.kwargs = dict(kwargs or {})
        self.options = dict(options or {})
        self.immutable = immutable
        self.app = app

    def clone(self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any) -> Signature:
        """Return a copy with more arguments in front and options added; an immutable one takes options only."""
        if self.immutable:
            args, kwargs = (), {}
        return Signature(
            self.task,
            (*args, *self.args),
            {**self.kwargs, **(kwargs or {})},
            {**self.options, **options},
            immutable=self.immutable,
            app=self.app,
        )

    def set(self, *, immutable: bool | None = None, **options: Any) -> Signature:
        """Add options in place and return self."""
        if immutable is not None:
            self.immutable = immutable
        self.options.update(options)
        return self

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send it now, with these arguments in front."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult:
        """Send it, with these arguments in front and these options added. Raises as Task.apply_async."""
        call = self.clone(args, kwargs, **options)
        return self._bound().send_task(call.task, call.args, call.kwargs, **call.options)

    def freeze(self) -> message.Signature:
        """Return the form that travels in a message, with every option of the task's declaration filled in.

        Raises: EncodingError when an argument cannot be said in JSON.
        """
        return message.Signature(
            task=self.task,
            args=Raw(codec.encode(list(self.args), path="args")),
            kwargs=Raw(codec.encode(self.kwargs, path="kwargs")),
            options=self._bound().frozen_options(self.task, self.options),
            immutable=self.immutable,
        )

    def __repr__(self) -> str:
        values = [repr(value) for value in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"{self.task}({', '.join(values)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signature):
            return NotImplemented
        return (self.task, self.args, self.kwargs, self.options, self.immutable) == (
            other.task,
            other.args,
            other.kwargs,
            other.options,
            other.immutable,
        )

    __hash__ = None  # type: ignore[assignment]  # it can be changed by set()

    def _bound(self) -> Sender:
        if self.app is None:
            raise ImproperlyConfigured(
                f"expected the signature of {self.task} to belong to an app, got none; make it with task.s() or "
                "app.signature()"
            )
        return self.app
