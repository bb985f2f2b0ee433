"""What was enqueued, and assertions about it. The store is asked, so it counts whoever sent it: a call, a task, a link,
a schedule, another thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from horarium import codec
from horarium.app.current import current_app
from horarium.clock import Seconds, milliseconds, to_datetime, to_instant
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import Page, RunFilter
from horarium.errors import EncodingError
from horarium.message import Message
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

WITHIN_MS = 1000  # etas are compared within a second: the clock may go on between a call and its check
SHOWN = 20  # of what was enqueued instead


class Sent(Struct, frozen=True, kw_only=True):
    """One message that was enqueued, whatever became of it since. ``str()`` shows it as a call."""

    id: str
    task: str
    args: tuple[Any, ...]  # as the task gets them, before its type hints are followed
    kwargs: dict[str, Any]
    queue: str
    priority: int
    eta: datetime | None
    countdown: Seconds | None  # eta as seconds from when it was sent
    schedule: str | None
    parent: str | None  # the id of the run that sent it
    state: str  # as it is when it is asked for

    def __str__(self) -> str:
        options = [f"queue={self.queue!r}"]
        if self.eta is not None:
            options.append(f"eta={self.eta.isoformat()}")
        if self.schedule is not None:
            options.append(f"schedule={self.schedule!r}")
        return f"{shown_call(self.task, self.args, self.kwargs)}  {' '.join(options)}  {self.state}"


class _Any:
    """Stands for what an assertion does not ask about."""

    def __repr__(self) -> str:
        return "ANY"


ANYTHING: Any = _Any()


def enqueued(app: Horarium | None = None, task: Any = None) -> list[Sent]:
    """Return what was enqueued in the app's store, in the order in which it was, of one task or of all.

    ``task``: a task or its name. A store in memory keeps all of it, however far time is moved; what another one has
    forgotten since (``result_expires``) is not listed.
    """
    app = app if app is not None else current_app()
    name = _name_of(task)
    return [_sent(message, run) for message, run in _stored(app) if name is None or message.task == name]


def assert_enqueued(
    task: Any,
    *,
    app: Horarium | None = None,
    args: Sequence[Any] = ANYTHING,
    kwargs: Mapping[str, Any] = ANYTHING,
    queue: str = ANYTHING,
    priority: int = ANYTHING,
    eta: datetime | None = ANYTHING,
    countdown: Seconds | timedelta | None = ANYTHING,
    schedule: str | None = ANYTHING,
    count: int | None = None,
) -> list[Sent]:
    """Check that a task (or the one of a name) was enqueued; return what matches, in order.

    Given parts must be equal, after the road that arguments go (a tuple arrives as a tuple, an enum as its value);
    values that compare themselves, such as ``unittest.mock.ANY``, may stand anywhere on the first level. ``eta`` and
    ``countdown`` may be off by a second. ``count``: exactly so many; without it, at least one.
    Raises: AssertionError that shows what was enqueued instead, and where it differs.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, not this one
    wanted = {"args": args, "kwargs": kwargs, "queue": queue, "priority": priority, "eta": eta, "countdown": countdown}
    wanted |= {"schedule": schedule}
    wanted = {part: value for part, value in wanted.items() if value is not ANYTHING}
    name = _name_of(task) or ""
    everything = enqueued(app)
    matching = [sent for sent in everything if sent.task == name and not _differences(sent, wanted)]
    if len(matching) == count or (count is None and matching):
        return matching
    raise AssertionError(_complaint(name, wanted, count, matching, everything))


def assert_not_enqueued(task: Any, *, app: Horarium | None = None, **parts: Any) -> None:
    """Check that no such call of the task was enqueued; ``parts`` are those of ``assert_enqueued``."""
    __tracebackhide__ = True
    assert_enqueued(task, app=app, count=0, **parts)


def shown_call(task: str, args: Any, kwargs: Any) -> str:
    """Return a call as one would write it."""
    if args is ANYTHING and kwargs is ANYTHING:
        return f"{task}(...)"
    positional = ["*ANY"] if args is ANYTHING else [repr(value) for value in args]
    named = ["**ANY"] if kwargs is ANYTHING else [f"{key}={value!r}" for key, value in kwargs.items()]
    return f"{task}({', '.join([*positional, *named])})"


def _complaint(
    name: str, wanted: Mapping[str, Any], count: int | None, matching: Sequence[Sent], everything: Sequence[Sent]
) -> str:
    options = " ".join(f"{part}={value!r}" for part, value in wanted.items() if part not in ("args", "kwargs"))
    call = shown_call(name, wanted.get("args", ANYTHING), wanted.get("kwargs", ANYTHING))
    wish = "at least once" if count is None else "never" if count == 0 else "once" if count == 1 else f"{count} times"
    got = "it was not" if not matching else "it was once" if len(matching) == 1 else f"it was {len(matching)} times"
    lines = [f"expected {call}{' with ' + options if options else ''} to be enqueued {wish}, {got}"]
    if matching:
        lines += ["as asked for:", *(f"  {sent}" for sent in matching[:SHOWN])]
    others = [sent for sent in everything if sent not in matching]
    others.sort(key=lambda sent: (sent.task != name, len(_differences(sent, wanted))))
    if not others and not matching:
        lines.append("nothing was enqueued")
    elif others:
        lines.append(f"{'beside it' if matching else 'instead'}, {len(others)} enqueued:")
    for sent in others[:SHOWN]:
        lines.append(f"  {sent}")
        if sent.task == name:
            lines += [f"      {difference}" for difference in _differences(sent, wanted)]
    if len(others) > SHOWN:
        lines.append(f"  ... and {len(others) - SHOWN} more")
    return "\n".join(lines)


def _differences(sent: Sent, wanted: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    for part, value in wanted.items():
        got = getattr(sent, part)
        match part:
            case "args":
                found += _unequal_args(list(value), list(got))
            case "kwargs":
                found += _unequal_kwargs(value, got)
            case "eta" if value is not None:
                if got is None or abs(to_instant(value) - to_instant(got)) > WITHIN_MS:
                    found.append(f"eta: expected {value.isoformat()}, got {got.isoformat() if got else None}")
            case "countdown" if value is not None:
                if got is None or abs(milliseconds(value) - milliseconds(got)) > WITHIN_MS:
                    found.append(f"countdown: expected {value}, got {got}")
            case _:
                if got != value:
                    found.append(f"{part}: expected {value!r}, got {got!r}")
    return found


def _unequal_args(wanted: Sequence[Any], got: Sequence[Any]) -> list[str]:
    if len(wanted) != len(got):
        return [f"args: expected {len(wanted)} of them, got {len(got)}: {tuple(got)!r}"]
    return [
        f"args[{place}]: expected {want!r}, got {have!r}"
        for place, (want, have) in enumerate(zip(wanted, got, strict=True))
        if not _equal(want, have)
    ]


def _unequal_kwargs(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    missing = [f"kwargs: expected {key}={value!r}, got no {key}" for key, value in wanted.items() if key not in got]
    surplus = [f"kwargs: expected no {key}, got {key}={value!r}" for key, value in got.items() if key not in wanted]
    unequal = [
        f"kwargs[{key!r}]: expected {value!r}, got {got[key]!r}"
        for key, value in wanted.items()
        if key in got and not _equal(value, got[key])
    ]
    return missing + surplus + unequal


def _equal(wanted: Any, got: Any) -> bool:
    if bool(wanted == got):
        return True
    try:
        return bool(codec.decode(codec.encode([wanted], path="expected"))[0] == got)
    except EncodingError:
        return False  # a matcher, which has said no, or a value that could not have been sent


def _sent(message: Message, run: Run) -> Sent:
    return Sent(
        id=message.id,
        task=message.task,
        args=tuple(codec.decode(message.args)),
        kwargs=codec.decode(message.kwargs),
        queue=message.queue,
        priority=message.priority,
        eta=to_datetime(message.eta) if message.eta is not None else None,
        countdown=(message.eta - message.created) / 1000 if message.eta is not None else None,
        schedule=message.schedule,
        parent=message.parent,
        state=str(run.state),
    )


def _stored(app: Horarium) -> list[tuple[Message, Run]]:
    """Return messages and their runs in the order of puts; only a store in memory keeps them as they were put."""
    engine = app.engine
    if isinstance(engine, MemoryEngine):
        return engine.sent()
    runs: list[Run] = []
    page = Page(limit=500)
    while True:
        answer = engine.results.search(RunFilter(), page)
        runs += answer.runs
        if answer.next is None:
            return [(run.message, run) for run in reversed(runs)]
        page = Page(limit=500, after=answer.next)


def _name_of(task: Any) -> str | None:
    return task if task is None or isinstance(task, str) else str(task.name)
