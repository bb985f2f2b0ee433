"""What runs are asked for by, in one line: ``state:failed task:shop.* args.order:1115 since:1h -queue:mail "no disk"``.

One grammar for the dashboard, the command line, the API, saved views and whatever acts on many. Pure: a text becomes a
question, and a question its text again. What it means for a run is in ``matching``, for a store in ``searching``.

    question  = all { OR all }            all = part { [AND] part }
    part      = "-" part | "(" question ")" | word
    word      = field ":" value { "," value } | "duration" ( ">" | "<" ) span | text

Quotes keep everything as it is written; in them a backslash comes before a quote or another backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from horarium.clock import Seconds
from horarium.errors import InvalidQuestion
from horarium.observe.finding import nearest_name
from horarium.observe.looks import BLOCKED, LOOKS, SCHEDULED
from horarium.observe.moments import parse_past
from horarium.outcome import ENDED, State

MOST_CHARS = 1000
MOST_TERMS = 50
DEEPEST = 10  # parentheses and minus signs in one another

FIELDS = {
    "state": ("a state", "state:failed"),
    "task": ("a task's name, or a pattern", "task:shop.*"),
    "queue": ("a queue's name, or a pattern", "queue:mail"),
    "worker": ("the worker that had it, or a pattern", "worker:w1@*"),
    "schedule": ("the schedule that fired it, or a pattern", "schedule:nightly"),
    "args": ("an argument, by its name or place", "args.order:1115"),
    "error": ("a part of the error's class or text", "error:TimeoutError"),
    "since": ("sent since then", "since:2h"),
    "before": ("sent before then", "before:2026-11-28T06:00"),
    "duration": ("how long it ran", "duration>30s"),
    "waited": ("how long it waited for its start", "waited>5m"),
    "id": ("the beginning of its id", "id:019a"),
    "parent": ("the run that sent it", "parent:ID"),
    "root": ("the run that its workflow began with", "root:ID"),
}
COMPARED = ("duration", "waited")
LISTED = ("state", "task", "queue", "worker", "schedule", "id", "parent", "root")  # these take several, with commas
SEEN_STATES = {str(SCHEDULED): SCHEDULED, str(BLOCKED): BLOCKED, "QUEUED": State.PENDING}  # told apart by looking

# Words for states: those that people see, Celery's, and two for several. A word stands for what is stored.
STATES: dict[str, tuple[str, ...]] = {
    **{str(state).lower(): (str(state),) for state in State},
    **{look.word: (str(state),) for state, look in LOOKS.items() if look.word.isalpha()},
    **dict.fromkeys(("queued", "scheduled", "blocked"), (str(State.PENDING),)),
    "lost": (str(State.DEAD),),
    "waiting": (str(State.PENDING),),
    "running": (str(State.RECEIVED), str(State.STARTED)),  # a start is recorded only for tasks with track_started
    "ended": tuple(sorted(map(str, ENDED))),
}
_NOT_RUNS = ("missed", "skipped")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|min|[smhdw])?")
_NEAR_STATE = 0.75  # so that a task's own UPLOADING is not taken for pending
_LATE = 1 << 42  # an instant late enough for every span that is to be checked
DAYS = ("today", "yesterday")


class Term(Struct, frozen=True, tag=True, kw_only=True):
    """One thing that must hold. ``field`` is empty for a text that may stand anywhere. ``is_literal``: it was in
    quotes, so that nothing in it is a pattern or a word of ours. ``path``: of ``args``, behind the dot."""

    field: str = ""
    value: str
    sign: str = ":"  # or > or <
    path: str = ""
    is_literal: bool = False


class Not(Struct, frozen=True, tag=True):
    part: Question


class Every(Struct, frozen=True, tag=True):
    """All parts hold; without any: every run is meant."""

    parts: tuple[Question, ...] = ()


class Either(Struct, frozen=True, tag=True):
    parts: tuple[Question, ...]


Question: TypeAlias = Term | Not | Every | Either
EVERYTHING = Every()


def parse(text: str) -> Question:
    """Read a question; an empty one means every run. Raises: InvalidQuestion, with its place and what was meant."""
    if len(text) > MOST_CHARS:
        raise InvalidQuestion(f"expected at most {MOST_CHARS} characters, got {len(text)}; ask for less", MOST_CHARS)
    for place, char in enumerate(text):
        if not (char.isprintable() or char.isspace()):
            raise InvalidQuestion(f"expected characters that can be seen, got {char!r}; leave it out", place)
    tokens = list(_tokens(text))
    if sum(1 + token.commas for token in tokens if token.kind == "word") > MOST_TERMS:
        raise InvalidQuestion(f"expected at most {MOST_TERMS} words; ask for less", tokens[-1].at)
    if not tokens:
        return EVERYTHING
    return _Parser(tokens, len(text)).whole()


def written(question: Question) -> str:
    """Return the shortest usual text of a question; ``parse`` makes an equal question of it."""
    match question:
        case Term():
            return _term(question)
        case Not(part=part):
            return f"-{_enclosed(part)}"
        case Every(parts=parts):
            return " ".join(map(_enclosed, parts))
        case Either(parts=parts):
            return _listed(parts) or " OR ".join(_enclosed(p) if isinstance(p, Either) else written(p) for p in parts)


def asked(field: str, value: str) -> Term:
    """Return the question for exactly this value, whatever characters are in it."""
    is_plain = field and value and not re.search(r'[\s"(),*?]', value)
    if field == "state":
        is_plain = is_plain and value.lower() in STATES
    return Term(field=field, value=value, is_literal=not is_plain)


def every(*parts: Question) -> Question:
    """Return the question for which all parts must hold."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, Every) else (part,))]
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def either(*parts: Question) -> Question:
    """Return the question for which one part must hold."""
    flat = [each for part in parts for each in (part.parts if isinstance(part, Either) else (part,))]
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def negated(part: Question) -> Question:
    return part.part if isinstance(part, Not) else Not(part)


def parts_of(question: Question) -> tuple[Question, ...]:
    """Return what must hold together."""
    return question.parts if isinstance(question, Every) else (question,)


def without(question: Question, *fields: str) -> Question:
    """Return the question without those of its parts that ask for nothing but one of these fields."""
    return every(*(part for part in parts_of(question) if not _fields(part) <= set(fields)))


def states_of(term: Term) -> tuple[str, ...]:
    """Return the stored states that a term of the field ``state`` may mean; one that is not ours is a task's own."""
    return (term.value,) if term.is_literal else STATES.get(term.value.lower(), (term.value,))


def seconds_of(text: str) -> Seconds | None:
    """Return a span such as ``500ms 30s 5m 2h 1d``; a number alone is of seconds. None: it is none."""
    found = _SPAN.fullmatch(text)
    return None if found is None else float(found[1]) * _UNITS[found[2] or "s"]


class _Token(NamedTuple):
    kind: str  # ( ) - or word
    at: int
    text: str = ""
    quoted: str = ""  # for each character of ``text`` whether it was in quotes: q or a space
    has_quotes: bool = False

    @property
    def commas(self) -> int:
        return sum(pair == (",", " ") for pair in zip(self.text, self.quoted, strict=False))


class _Parser:
    """Recursive descent; ``DEEPEST`` bounds it."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._place = 0

    def whole(self) -> Question:
        question = self._either(0)
        if (token := self._next()) is not None:
            raise InvalidQuestion("expected the question to go on or to end, got ) that closes nothing", token.at)
        return question

    def _either(self, depth: int) -> Question:
        parts = [self._every(depth)]
        while self._is_word("OR"):
            self._place += 1
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _every(self, depth: int) -> Question:
        parts = [self._part(depth)]
        while (token := self._next()) is not None and token.kind != ")" and not self._is_word("OR"):
            if self._is_word("AND"):
                self._place += 1
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _part(self, depth: int) -> Question:
        token = self._next()
        if token is None or token.kind == ")" or self._is_word("OR") or self._is_word("AND"):
            at = self._end if token is None else token.at
            raise InvalidQuestion("expected a word, such as state:failed; put OR, AND and ) in quotes to find them", at)
        if depth > DEEPEST:
            raise InvalidQuestion(f"expected at most {DEEPEST} parentheses in one another", token.at)
        self._place += 1
        if token.kind == "-":
            return negated(self._part(depth + 1))
        if token.kind == "word":
            return _word(token)
        inner = self._either(depth + 1)
        if (closing := self._next()) is None or closing.kind != ")":
            raise InvalidQuestion("expected ) for the ( here", token.at)
        self._place += 1
        return inner

    def _next(self) -> _Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _is_word(self, word: str) -> bool:
        token = self._next()
        return token is not None and token.kind == "word" and token.text == word and not token.has_quotes


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        char = text[place]
        if char.isspace():
            place += 1
        elif char in "()":
            yield _Token(char, place)
            place += 1
        elif char == "-" and text[place + 1 : place + 2].strip(") \t\r\n"):
            yield _Token("-", place)
            place += 1
        else:
            token, place = _read_word(text, place)
            yield token


def _read_word(text: str, start: int) -> tuple[_Token, int]:
    kept: list[str] = []
    quoted: list[str] = []
    place, opened, began, is_empty_end, has_quotes = start, -1, 0, False, False
    while place < len(text):
        char = text[place]
        if char == '"':
            has_quotes = True
            is_empty_end = opened >= 0 and began == len(kept)
            opened, began = (place if opened < 0 else -1), len(kept)
        elif opened < 0 and (char.isspace() or char in "()"):
            break
        else:
            if opened >= 0 and char == "\\" and text[place + 1 : place + 2] in ('"', "\\"):
                place += 1
                char = text[place]
            is_empty_end = False
            kept.append(char)
            quoted.append("q" if opened >= 0 else " ")
        place += 1
    if opened >= 0:
        raise InvalidQuestion('expected a second " for the one here', opened)
    if is_empty_end:  # "" is literal as well
        quoted.append("q")
    return _Token("word", start, "".join(kept), "".join(quoted), has_quotes), place


def _word(token: _Token) -> Question:
    for place, char in enumerate(token.text):
        if token.quoted[place] == "q" or char not in ":<>":
            continue
        name = token.text[:place]
        if char == ":":
            return _field(token, name, place)
        if name in COMPARED:
            return _compared(token, name, place)
        if "." not in name and (near := nearest_name(name, COMPARED)):
            raise InvalidQuestion(f"expected duration or waited before {char}, got {name!r}", token.at, nearest=near)
    if not token.text:
        raise InvalidQuestion("expected a text between the quotes", token.at)
    return Term(value=token.text, is_literal=token.has_quotes)


def _field(token: _Token, name: str, place: int) -> Question:
    field, _, path = name.partition(".")
    if field not in FIELDS or (path and field != "args"):
        near = nearest_name(field, FIELDS)
        raise InvalidQuestion(
            f"no field is called {name!r}; put it in quotes to find it as a text, or name one of {', '.join(FIELDS)}",
            token.at,
            nearest=f"{near}:" if near else None,
        )
    at = token.at + place + 1
    if field in COMPARED:
        raise InvalidQuestion(f"expected > or < behind {field}, as in {FIELDS[field][1]}", token.at)
    if field == "args" and not path:
        raise InvalidQuestion("expected the name of an argument, as in args.order:1115", token.at)
    pieces = list(_pieces(token, place + 1, apart=field in LISTED))
    for value, is_literal in pieces:
        if not value and not (is_literal and field == "args"):
            raise InvalidQuestion(f"expected {FIELDS[field][0]} behind {field}:, as in {FIELDS[field][1]}", at)
        _check(field, value, is_literal, at)
    return either(*(Term(field=field, path=path, value=value, is_literal=is_lit) for value, is_lit in pieces))


def _pieces(token: _Token, start: int, *, apart: bool) -> Iterator[tuple[str, bool]]:
    """Yield the values, and whether they were in quotes."""
    for place in range(start, len(token.text)):
        if apart and token.text[place] == "," and token.quoted[place] != "q":
            yield token.text[start:place], "q" in token.quoted[start:place]
            start = place + 1
    yield token.text[start:], "q" in token.quoted[start:]


def _check(field: str, value: str, is_literal: bool, at: int) -> None:
    if field == "state" and not is_literal and value.lower() not in STATES:
        if value.lower() in _NOT_RUNS:
            raise InvalidQuestion(
                f"a firing that was {value.lower()} has no run; the page of its schedule tells it", at
            )
        if near := get_close_matches(value.lower(), STATES, n=1, cutoff=_NEAR_STATE):
            raise InvalidQuestion(
                f"no state is called {value!r}; put it in quotes if a task calls one so", at, nearest=near[0]
            )
    if field in ("since", "before") and value not in DAYS:
        try:
            parse_past(value, "UTC", now=_LATE)
        except ValueError as error:
            raise InvalidQuestion(
                f"expected a span such as 90s 5m 2h 1d, today, yesterday, or a moment such as 2026-11-28T06:00, "
                f"got {value!r}",
                at,
            ) from error


def _compared(token: _Token, name: str, place: int) -> Term:
    value = token.text[place + 1 :]
    if seconds_of(value) is None:
        raise InvalidQuestion(f"expected a span such as 500ms 30s 5m 2h 1d, got {value!r}", token.at + place + 1)
    return Term(field=name, sign=token.text[place], value=value)


def _term(term: Term) -> str:
    name = term.field
    if term.path:
        name += "." + (_quoted(term.path) if re.search(r'[\s"():]', term.path) else term.path)
    return (f"{name}{term.sign}" if name else "") + _value(term)


def _value(term: Term) -> str:
    return _quoted(term.value) if term.is_literal else term.value


def _quoted(text: str) -> str:
    escaped = re.sub(r'"|\\(?=["\\]|$)', r"\\\g<0>", text)
    return f'"{escaped}"'


def _listed(parts: tuple[Question, ...]) -> str:
    """Return alternatives of one field as ``state:failed,dead``; nothing for others."""
    fields = {part.field if isinstance(part, Term) else "" for part in parts}
    if len(fields) != 1 or not fields <= set(LISTED):
        return ""
    return f"{fields.pop()}:{','.join(_value(part) for part in parts if isinstance(part, Term))}"


def _enclosed(question: Question) -> str:
    text = written(question)
    is_one = isinstance(question, Term | Not) or (isinstance(question, Either) and _listed(question.parts))
    return text if is_one else f"({text})"


def _fields(question: Question) -> set[str]:
    match question:
        case Term(field=field):
            return {field}
        case Not(part=part):
            return _fields(part)
        case Every(parts=parts) | Either(parts=parts):
            return set().union(*map(_fields, parts)) if parts else set()
