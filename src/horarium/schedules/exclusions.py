"""Days on which nothing fires: lists and ranges of dates, and the public holidays of a country.

A value says all that there is to know, so that every scheduler comes to the same answer without anybody's file. The
holidays of a country are computed by the package ``holidays`` (the extra ``horarium[holidays]``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any, TypeAlias

from horarium.errors import InvalidSchedule, MissingExtra
from horarium.schedules.language import nearest_of, shown
from horarium.schedules.months import EPOCH_ORDINAL
from horarium.schedules.recurrence import Exclusion

MOST_RANGES = 10_000

Given: TypeAlias = date | str | tuple[date | str, date | str]


class dates(Exclusion):
    """Exclude dates and ranges of dates, both ends included: of the schedule's zone.

    ``dates("2026-12-24", date(2026, 12, 31), ("2026-07-01", "2026-08-15"), "2027-07-01..2027-08-15")``
    Immutable, hashable; equal when the same days are excluded.
    Raises: InvalidSchedule when a date cannot be read or does not exist, or a range is reversed.
    """

    __slots__ = ("_ends", "_starts")

    _starts: tuple[int, ...]  # days from 1970-01-01, ascending; no two ranges touch
    _ends: tuple[int, ...]

    def __init__(self, *given: Given) -> None:
        ranges = _joined(sorted(_range(each) for each in given))
        if not 1 <= len(ranges) <= MOST_RANGES:
            raise InvalidSchedule(f"expected 1 to {MOST_RANGES} dates, got {len(ranges)}; write dates('2026-12-24')")
        self._keep(_starts=tuple(start for start, _ in ranges), _ends=tuple(end for _, end in ranges))
        self._equal_by(self._starts, self._ends)

    def excludes(self, day: int) -> bool:
        """Tell whether a local day is one of them."""
        at = bisect_right(self._starts, day) - 1
        return at >= 0 and day <= self._ends[at]

    def texts(self) -> list[str]:
        """Return dates and ranges as text that reads back."""
        return [
            _iso(start) if start == end else f"{_iso(start)}..{_iso(end)}"
            for start, end in zip(self._starts, self._ends, strict=True)
        ]

    def __len__(self) -> int:
        return sum(end - start + 1 for start, end in zip(self._starts, self._ends, strict=True))

    def __reduce__(self) -> tuple[type[dates], tuple[str, ...]]:
        return dates, tuple(self.texts())

    def __repr__(self) -> str:
        return f"dates({', '.join(map(repr, self.texts()))})"


class public_holidays(Exclusion):
    """Exclude the public holidays of a country, or of one of its subdivisions: ``public_holidays("DE", "BY")``.

    Country and subdivision are ISO 3166 codes, as the package ``holidays`` knows them; what is kept is the codes, so
    schedulers agree as far as their versions of the package do. Needs the extra ``horarium[holidays]``, also where it
    is written. Immutable, hashable. Raises: InvalidSchedule when they are unknown, MissingExtra.
    """

    __slots__ = ("country", "subdivision")

    country: str
    subdivision: str | None

    def __init__(self, country: str, subdivision: str | None = None) -> None:
        self._keep(country=country, subdivision=subdivision)
        self._equal_by(country, subdivision)
        _check_place(country, subdivision)

    def excludes(self, day: int) -> bool:
        """Tell whether a local day is a holiday there."""
        year = date.fromordinal(day + EPOCH_ORDINAL).year
        return day in _holidays_of(self.country, self.subdivision, year)

    def __reduce__(self) -> tuple[type[public_holidays], tuple[str, str | None]]:
        return public_holidays, (self.country, self.subdivision)

    def __repr__(self) -> str:
        given = (self.country,) if self.subdivision is None else (self.country, self.subdivision)
        return f"public_holidays({', '.join(map(repr, given))})"


def _range(given: object) -> tuple[int, int]:
    pair: Iterable[object]
    match given:
        case str() if ".." in given:
            pair = given.split("..", 1)
        case tuple() if len(given) == 2:
            pair = given
        case _:
            pair = (given, given)
    start, end = (_day(each) for each in pair)
    if end < start:
        raise InvalidSchedule(
            f"expected a range of dates that ends after it starts, got {_iso(start)}..{_iso(end)}; write "
            f"('{_iso(end)}', '{_iso(start)}')"
        )
    return start, end


def _day(given: object) -> int:
    try:
        found = date.fromisoformat(given.strip()) if isinstance(given, str) else given
    except ValueError as error:
        raise InvalidSchedule(f"expected a date, got {shown(given)}: {error}; write it as '2026-12-24'") from error
    if not isinstance(found, date) or isinstance(found, datetime) or not 1970 <= found.year < 9998:
        raise InvalidSchedule(f"expected a date from 1970 on, got {shown(given)}; write it as '2026-12-24'")
    return found.toordinal() - EPOCH_ORDINAL


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in ranges:
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _iso(day: int) -> str:
    return date.fromordinal(day + EPOCH_ORDINAL).isoformat()


@lru_cache(maxsize=1024)
def _check_place(country: str, subdivision: str | None) -> None:
    known: dict[str, list[str]] = _library().list_supported_countries()
    if country not in known:
        raise InvalidSchedule(
            f"expected the code of a country, got {shown(country)}{nearest_of(country, known)}; write for instance "
            "public_holidays('DE')"
        )
    if subdivision is not None and subdivision not in known[country]:
        raise InvalidSchedule(
            f"expected a subdivision of {country}, got {shown(subdivision)}; known are "
            f"{', '.join(known[country]) or 'none'}"
        )


@lru_cache(maxsize=4096)
def _holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[int]:
    found = _library().country_holidays(country, subdiv=subdivision, years=year)
    return frozenset(day.toordinal() - EPOCH_ORDINAL for day in found)


def _library() -> Any:  # imported when it is needed: it is large, and an extra
    try:
        import holidays
    except ImportError as error:
        raise MissingExtra("holidays", "public holidays", error) from error
    return holidays
