"""Whether code may wait for a result here: not inside a task, unless it says so.

A task that waits for another one holds its slot while the other one needs one; when all slots wait, nothing goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from horarium.app.request import current_request

# What somebody said for this thread or coroutine; None: the rule above.
_said: ContextVar[bool | None] = ContextVar("horarium_may_join", default=None)


@contextmanager
def allow_join_result() -> Iterator[None]:
    """Let results be waited for in a ``with`` block, inside a task too."""
    token = _said.set(True)
    try:
        yield
    finally:
        _said.reset(token)


@contextmanager
def denied_join_result() -> Iterator[None]:
    """Let ``get()`` raise RuntimeError in a ``with`` block, outside of tasks too."""
    token = _said.set(False)
    try:
        yield
    finally:
        _said.reset(token)


def assert_will_not_block() -> None:
    """Raise RuntimeError when a result must not be waited for here."""
    said = _said.get()
    if said is True:
        return
    request = current_request()
    if said is False:
        raise RuntimeError("expected nobody to wait for a result in denied_join_result(), got a call of get()")
    if request is not None and not request.is_eager:
        raise RuntimeError(
            f"expected no task to wait for another one, but {request.id} does; it would hold its slot while the other "
            "one needs one. Use link=, `await result.aget()` in an async task, or get(disable_sync_subtasks=False)"
        )
