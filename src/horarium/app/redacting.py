"""What an app keeps from view: its redactor, and what its tasks have marked.

Arguments reach a task as they were given. What it then says of itself (log lines, errors, texts about it) is redacted
before it is stored; what is stored whole, because it may still run, is redacted wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Raw

from horarium.app.definition import Definition
from horarium.message import Message
from horarium.outcome import ErrorRecord, Failed, Outcome, Rejected, Released, Retried, Revoked
from horarium.redaction import NO_MARKS, SHORTEST_VALUE, Lines, Marks, Redactor

if TYPE_CHECKING:
    from horarium.settings import Settings

REDACTED = "redacted"  # the header of a message whose marked arguments are stored no more


RESULT_TOO = "result"  # its value where the result is not to be shown either


class KnowsTasks(Protocol):
    """As much of an app as is needed to show what it has stored."""

    @property
    def conf(self) -> Settings: ...

    @property
    def tasks(self) -> Mapping[str, Any]: ...


def redactor_of(conf: Settings) -> Redactor:
    """Return the redactor that the settings ask for; the same one as long as they do not change."""
    return _redactor(conf.redact_names, conf.redact_patterns, conf.redaction)


def marks_of(task: Definition | None) -> Marks:
    """Return what a task marks: its option ``redact``, and the parameters whose hints ask for a SecretStr. Of one that
    is not known here nothing is."""
    if task is None:
        return NO_MARKS
    option, known = task.redact, task.__dict__.get("_marks")
    if known is None or known[0] is not option:
        known = task.__dict__["_marks"] = option, _marks(task)
    found: Marks = known[1]
    return found


def redacted_call(app: KnowsTasks, task: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return the arguments of a call (Raw both) as people may see them."""
    return redactor_of(app.conf).call(args, kwargs, marks_of(app.tasks.get(task)))


def shown_to_all(app: KnowsTasks) -> Callable[[Message], Message]:
    """Return what makes of a message one whose arguments people may see."""

    def show(message: Message) -> Message:
        args, kwargs = redacted_call(app, message.task, message.args, message.kwargs)
        return msgspec.structs.replace(message, args=args, kwargs=kwargs)

    return show


def without_marked(task: Definition, message: Message, result: Raw | None) -> Message | None:
    """Return a message that will not run again as it is to be kept: without the arguments that ``redact`` names, and
    with a header that says so, and whether the result holds one of them: nobody can tell that afterwards. None: the
    task names none, or the call has none of them."""
    if not task.redact:
        return None
    names, positions = _option(task)
    marks = Marks(names, positions, marks_of(task).parameters)
    args, kwargs = NO_RULES.call(message.args, message.kwargs, marks)
    if args is message.args and kwargs is message.kwargs:
        return None
    values = NO_RULES.values(message.args, message.kwargs, marks)
    is_told = result is not None and NO_RULES.raw(result, values) is not result
    headers = {**message.headers, REDACTED: RESULT_TOO if is_told else True}
    return msgspec.structs.replace(message, args=args, kwargs=kwargs, headers=headers)


class Redaction:
    """Redacts what one run says. Made for each run; costs nothing until something is said."""

    __slots__ = ("_lines", "_message", "_task", "_values")

    def __init__(self, task: Definition, message: Message) -> None:
        self._task = task
        self._message = message
        self._values: tuple[str, ...] | None = None
        self._lines: Lines | None = None

    def text(self, text: str) -> str:
        """Return a text about the run without secrets, those of its arguments included."""
        return self._redactor.text(text, self._secret_values()) if len(text) >= SHORTEST_VALUE else text

    def line(self, text: str) -> str:
        """The same for the next one of its log lines."""
        return self._log_lines.line(text, self._secret_values())

    def is_plain(self, text: str) -> bool:
        """Whether ``text`` would return this, and any whole lines of it, as they are."""
        return self._redactor.is_plain(text, self._secret_values())

    def are_plain(self, texts: Sequence[str]) -> bool:
        """Whether ``line`` would return the next log lines as they are; they count as seen if so."""
        return self._log_lines.are_plain(texts, self._secret_values())

    def error(self, record: ErrorRecord) -> ErrorRecord:
        """Return what is kept of an exception without secrets."""
        return self._redactor.error(record, self._secret_values())

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return an outcome with whatever it says of an error or a reason redacted. A result stays: it is asked for."""
        match outcome:
            case Failed(error=error):
                return Failed(error=self.error(error))
            case Retried(message=message, error=error):
                return Retried(message=message, error=self.error(error))
            case Revoked(reason=reason) | Rejected(reason=reason) if reason:
                return type(outcome)(reason=self.text(reason))
            case Released(reason=reason, delay=delay) if reason:
                return Released(reason=self.text(reason), delay=delay)
            case _:
                return outcome

    @property
    def _log_lines(self) -> Lines:
        if self._lines is None:
            self._lines = Lines(self._redactor)
        return self._lines

    @property
    def _redactor(self) -> Redactor:
        return redactor_of(self._task.app.conf)  # type: ignore[attr-defined]  # a Task, which has an app

    def _secret_values(self) -> tuple[str, ...]:
        if self._values is None:
            message = self._message
            self._values = self._redactor.values(message.args, message.kwargs, marks_of(self._task))
        return self._values


NO_RULES = Redactor(is_on=False)  # only what is marked


@lru_cache(maxsize=64)
def _redactor(names: tuple[str, ...], patterns: tuple[str, ...], is_on: bool) -> Redactor:
    return Redactor(names, patterns, is_on=is_on)


def _marks(task: Definition) -> Marks:
    names, positions = _option(task)
    try:
        arguments = task.arguments
    except (TypeError, ValueError):  # a callable that does not tell its signature
        return Marks(names, positions)
    return Marks(names | arguments.secret, positions, arguments.positional)


def _option(task: Definition) -> tuple[frozenset[str], frozenset[int]]:
    option = task.redact or ()
    given = option if isinstance(option, tuple | list | set | frozenset) else (option,)
    return (
        frozenset(one for one in given if isinstance(one, str)),
        frozenset(one for one in given if isinstance(one, int)),
    )
