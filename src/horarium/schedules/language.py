"""The language of one cron field, for all who write it: numbers, names, lists, ranges that may wrap, steps.

One parser for checking and for running. What it refuses it names by field, part and position.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple, TypeAlias

from horarium.errors import InvalidSchedule

FieldValue: TypeAlias = int | str | Iterable[int | str]

# Longer than any spec that a person writes, short enough that a hostile one costs nothing to refuse.
MAX_TEXT = 200

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# A name may be cut short after its third letter; a misspelt one is not taken for the day it begins like.
_LONG_NAMES = {
    name[:3]: name
    for name in (
        "sunday monday tuesday wednesday thursday friday saturday january february march april may june july august "
        "september october november december"
    ).split()
}

LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?P<first>\*|[A-Za-z]+|[0-9]+)(?:-(?P<last>[A-Za-z]+|[0-9]+))?(?:/(?P<step>[0-9]+))?")


class Field(NamedTuple):
    """A field's name, and the values that may be written in it (Sunday may be written 7)."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.lowest}-{self.highest}{names}, as a number, list, range or step"


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY_OF_WEEK = Field("day_of_week", 0, 7, WEEKDAYS)
DAY_OF_MONTH = Field("day_of_month", 1, 31)
MONTH_OF_YEAR = Field("month_of_year", 1, 12, MONTHS)
FIELDS = (MINUTE, HOUR, DAY_OF_WEEK, DAY_OF_MONTH, MONTH_OF_YEAR)
IN_FILES = (MINUTE, HOUR, DAY_OF_MONTH, MONTH_OF_YEAR, DAY_OF_WEEK)  # the order of a crontab file


class Part(NamedTuple):
    """One element of a field's list, and where it stands, for complaints."""

    text: str
    position: int  # of its first character, counted from 1
    whole: str

    def __str__(self) -> str:
        if self.text == self.whole:
            return shown(self.whole)
        return f"{shown(self.text)} at character {self.position} of {shown(self.whole)}"


def read(field: Field, value: object) -> tuple[object, frozenset[int]]:
    """Return a field as it was written (an iterable as a sorted tuple) and the set that it means.

    Raises: InvalidSchedule.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value, frozenset((_folded(field, _in_range(field, value, shown(value))),))
    if isinstance(value, str):
        return value, parse(field, value)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        elements = list(islice(value, MAX_TEXT + 1))
        if 0 < len(elements) <= MAX_TEXT and all(isinstance(element, int | str) for element in elements):
            meant = frozenset(number for element in elements for number in read(field, element)[1])
            return tuple(sorted(meant)), meant
    raise refusal(field, shown(value))


def parse(field: Field, text: str) -> frozenset[int]:
    """Return the numbers that a field's text means. Raises: InvalidSchedule."""
    return frozenset(number for part in parts_of(field, text) for number in parse_part(field, part))


def parts_of(field: Field, text: str) -> list[Part]:
    """Return the elements of a field's list. Raises: InvalidSchedule when the text is too long to be one."""
    if len(text) > MAX_TEXT:
        raise refusal(field, shown(text), f"; it has {len(text)} characters, at most {MAX_TEXT} are read")
    parts, position = [], 1
    for part in text.split(","):
        parts.append(Part(part.strip(), position + len(part) - len(part.lstrip()), text))
        position += len(part) + 1
    return parts


def parse_part(field: Field, part: Part) -> list[int]:
    """Return the numbers that one element of a field's list means. Raises: InvalidSchedule."""
    match = _PART.fullmatch(part.text)
    if match is None:
        raise refusal(field, str(part), _advice(part.text))
    first, last, step = match["first"], match["last"], int(match["step"] or 1)
    if first == "*":
        if last is not None or not 1 <= step <= field.highest:
            raise refusal(field, str(part))
        numbers = list(range(field.lowest, _wrap_at(field)))
    elif last is None:
        if match["step"] is not None:
            raise refusal(field, str(part), f"; to start at {first}, write the range: {first}-{field.highest}/{step}")
        numbers = [number(field, first, part)]
    else:
        numbers = _range(field, number(field, first, part), number(field, last, part))
    if step < 1:
        raise refusal(field, str(part), "; a step is at least 1")
    return [_folded(field, value) for value in numbers[::step]]


def number(field: Field, word: str, part: Part) -> int:
    """Return the number that a word of a field means, as written: Sunday may be 7. Raises: InvalidSchedule."""
    if word.isdigit():
        return _in_range(field, int(word), str(part))
    abbreviation = word[:3].lower()
    if abbreviation not in field.names or not _LONG_NAMES[abbreviation].startswith(word.lower()):
        raise refusal(field, str(part), _nearest(field, word))
    return field.names.index(abbreviation) + field.lowest


def starts_with_star(written: object) -> bool:
    """Tell whether a field stands for "any" in the sense of cron: by its first character."""
    return isinstance(written, str) and written.lstrip().startswith("*")


def refuse_impossible_dates(days: frozenset[int], months: frozenset[int], *, day: str, month: str) -> None:
    """Raise InvalidSchedule when no month of ``months`` has a day of ``days``; ``day``, ``month``: as written."""
    if min(days) > max(LONGEST_MONTH[number - 1] for number in months):
        raise InvalidSchedule(
            f"expected a day_of_month that occurs in month_of_year {month}, got {day}, which it never has; choose an "
            "earlier day or other months"
        )


def refusal(field: Field, got: str, remedy: str = "; see crontab in the guide") -> InvalidSchedule:
    """Return the error about a field."""
    return InvalidSchedule(f"expected {field.name} to be * or {field.allowed}, got {got}{remedy}")


def shown(value: object) -> str:
    """Return a value as complaints show it: short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def split_line(text: object, example: str) -> list[tuple[str, int]]:
    """Return the five fields of a line of a crontab file, each with the position of its first character.

    Raises: InvalidSchedule.
    """
    found = list(re.finditer(r"\S+", text)) if isinstance(text, str) and len(text) <= MAX_TEXT else []
    if len(found) != 5:
        raise InvalidSchedule(
            "expected five fields (minute hour day_of_month month_of_year day_of_week) in at most "
            f"{MAX_TEXT} characters, got {shown(text)}; write for instance {example}"
        )
    return [(match[0], match.start() + 1) for match in found]


def located(error: InvalidSchedule, name: str, position: int, line: str) -> InvalidSchedule:
    """Return the complaint about a field with its place in the line."""
    return InvalidSchedule(f"{error} ({name} begins at character {position} of {shown(line)})")


def nearest_of(word: object, known: Iterable[str]) -> str:
    """Return "; did you mean ...?", or nothing if no known word is near."""
    from difflib import get_close_matches  # here: only a mistake needs it

    found = get_close_matches(str(word)[:MAX_TEXT].lower(), list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _range(field: Field, first: int, last: int) -> list[int]:
    if first > last:
        first = _folded(field, first)  # 7-3 is Sunday to Wednesday
    if first > last:
        return [*range(first, _wrap_at(field)), *range(field.lowest, last + 1)]
    return list(range(first, last + 1))


def _in_range(field: Field, number: int, got: str) -> int:
    if not field.lowest <= number <= field.highest:
        raise refusal(field, got)
    return number


def _wrap_at(field: Field) -> int:
    """Return the number after the last one of the field: there a range starts again."""
    return 7 if field is DAY_OF_WEEK else field.highest + 1


def _folded(field: Field, number: int) -> int:
    return 0 if field is DAY_OF_WEEK and number == 7 else number


def _nearest(field: Field, word: str) -> str:
    known = [*field.names, *(_LONG_NAMES[name] for name in field.names)]
    return nearest_of(word, known) or "; see crontab in the guide"


def _advice(part: str) -> str:
    if part == "?":
        return "; for any value, write *"
    if "#" in part or part.upper().endswith("L"):
        return "; L and # are of the days of cron('...')"
    return "; see crontab in the guide"
