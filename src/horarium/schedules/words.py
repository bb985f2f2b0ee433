"""Specs in words: a short text for lists, and a sentence for people; of a cron line it is cron-descriptor's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from horarium.clock import to_datetime
from horarium.schedules.calendar import ANY, LAST, Day, calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates, public_holidays
from horarium.schedules.interval import every
from horarium.schedules.language import WEEKDAYS
from horarium.schedules.recurrence import Exclusion, Recurrence, WallClock, union, without
from horarium.schedules.solar import solar

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))  # of the fields of a line
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = ("January February March April May June July August September October November December").split()
_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", LAST: "last"}
_FEW = 3  # dates that are named one by one
_UNITS = ((86_400_000, "d", "day"), (3_600_000, "h", "hour"), (60_000, "min", "minute"), (1000, "s", "second"))


def describe(spec: Recurrence) -> str:
    """Return a short text for lists; of a crontab in the order of a crontab file."""
    match spec:
        case crontab():
            return f"crontab {_line(spec)}"
        case cron():
            return f"cron {spec.text}"
        case every():
            return f"every {' '.join(f'{amount:g} {short}' for amount, short, _ in _amounts(spec.milliseconds))}"
        case clocked():
            return f"once at {spec.clocked_time.isoformat(sep=' ', timespec='seconds')}"
        case calendar():
            unit = spec.unit if spec.every > 1 else spec.unit[:-1]
            on = [f"on {','.join(spec.on_texts())}"] if spec.on_texts() else []
            start = [f"from {spec.start}"] if spec.start else []
            number = [str(spec.every)] if spec.every > 1 else []
            return " ".join(["every", *number, unit, *on, "at", ",".join(spec.at_texts()), *start])
        case solar():
            return f"{spec.event} at {spec.lat:g},{spec.lon:g}"
        case union():
            return " | ".join(map(describe, spec.members))
        case without():
            inner = f"({describe(spec.spec)})" if isinstance(spec.spec, union) else describe(spec.spec)
            return " - ".join([inner, *map(_describe_exclusion, spec.exclusions)])
    raise AssertionError(f"{spec!r} has no words")


def explain(spec: Recurrence) -> str:
    """Return a sentence that says when the spec fires: "At 06:00, only on Monday"."""
    match spec:
        case crontab():
            return _explain_lines([_line(spec)], _weekdays_besides(spec))
        case cron():
            return _explain_lines(list(_alternatives(spec)), "" if spec.fits_either_day else _weekdays_besides(spec))
        case every():
            amounts = [f"{amount:g} {_plural(name, amount)}" for amount, _, name in _amounts(spec.milliseconds)]
            return f"Every {' '.join(amounts).removeprefix('1 ') if len(amounts) == 1 else ' '.join(amounts)}"
        case clocked():
            return f"Once, at {to_datetime(spec.instant):%Y-%m-%d %H:%M:%S} UTC"
        case calendar():
            return _explain_calendar(spec)
        case solar():
            return f"At {_sun(spec.event)} at {_place(spec)}"
        case union():
            first, *others = map(explain, spec.members)
            return "; or ".join([first, *map(_uncapitalised, others)])
        case without():
            return f"{explain(spec.spec)}; except {_and(map(_explain_exclusion, spec.exclusions))}"
    raise AssertionError(f"{spec!r} has no words")


def _line(spec: crontab) -> str:
    texts = spec.fields()
    order = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return " ".join(texts[name].replace(" ", "") for name in order)


def _alternatives(spec: cron) -> Iterator[str]:
    """Return the lines that say together what a line does, each of a form that cron-descriptor has words for: it has
    none for lists with L or #."""
    minute, hour, days, months, weekdays = spec.line().split()
    by_date, by_weekday = list(_simple_parts(days)), list(_simple_parts(weekdays))
    if len(by_date) == len(by_weekday) == 1:
        yield f"{minute} {hour} {by_date[0]} {months} {by_weekday[0]}"
    elif spec.fits_either_day:
        yield from (f"{minute} {hour} {part} {months} *" for part in by_date)
        yield from (f"{minute} {hour} * {months} {part}" for part in by_weekday)
    else:
        yield from (f"{minute} {hour} {a} {months} {b}" for a in by_date for b in by_weekday)


def _simple_parts(field: str) -> Iterator[str]:
    """Return a field's list in parts: what is plain together, each L and # alone."""
    parts = [_numbered(part) for part in field.lower().split(",")]
    special = [part for part in parts if "#" in part or part.endswith("l")]
    plain = [part for part in parts if part not in special]
    if plain:
        yield ",".join(plain)
    yield from special


def _numbered(part: str) -> str:
    """Return ``fril`` as ``5l`` and ``fri#2`` as ``5#2``; any other part as it is."""
    match = re.fullmatch(r"([a-z]{3})[a-z]*?(l|#[1-5])", part)
    return f"{WEEKDAYS.index(match[1])}{match[2]}" if match and match[1] in WEEKDAYS else part


def _weekdays_besides(spec: crontab | cron) -> str:
    """Return the weekdays that must fit besides the day of the month, where both are restricted."""
    days, weekdays = (_line(spec) if isinstance(spec, crontab) else spec.line()).split()[2::2]
    if days == "*" or weekdays == "*" or (isinstance(spec, cron) and spec.nth_weekdays):
        return ""
    return f", only if it is {_or(_WEEKDAYS[day] for day in sorted(spec.day_of_week))}"


def _explain_lines(lines: list[str], besides: str) -> str:
    first, *others = [_explain_line(line, without_weekdays=bool(besides)) for line in lines]
    return "; or ".join([first, *map(_uncapitalised, others)]) + besides


def _explain_line(line: str, *, without_weekdays: bool) -> str:
    from cron_descriptor import ExpressionDescriptor, Options  # here: only who looks at a schedule needs it

    given = zip(line.lower().split(), _RANGES, strict=True)
    fields = [_shortened(_without_stars(field, first, last)) for field, (first, last) in given]
    if without_weekdays:
        fields[4] = "*"
    options = Options(use_24hour_time_format=True, locale_code="en_US")
    return str(ExpressionDescriptor(" ".join(fields).upper(), options).get_description())


def _without_stars(field: str, first: int, last: int) -> str:
    """Return a list with numbers in the place of ``*`` and ``*/2``: cron-descriptor fails on some that have these."""
    parts = field.split(",")
    if len(parts) == 1 or not any(part.startswith("*") for part in parts):
        return field
    if not {"*", "*/1"}.isdisjoint(parts):
        return "*"
    plain = [part for part in parts if not part.startswith("*")]
    steps = {int(part.partition("/")[2]) for part in parts if part.startswith("*")}
    stepped = sorted({number for step in steps for number in range(first, last + 1, step)})
    return ",".join(dict.fromkeys([*plain, *map(str, stepped)]))


def _shortened(field: str) -> str:
    """Return a field's text with names of three letters, as cron-descriptor reads them."""
    words, word = [], ""
    for letter in f"{field}\0":
        if letter.isalpha():
            word += letter
        else:
            words += [word[:3] if len(word) > 3 else word, letter]
            word = ""
    return "".join(words).rstrip("\0")


def _explain_calendar(spec: calendar) -> str:
    turn = f"every {spec.unit[:-1]}" if spec.every == 1 else f"every {spec.every} {spec.unit}"
    if spec.unit == "weeks":
        on = " on " + _and(_WEEKDAYS[day] for day in sorted(spec.weekdays, key=lambda day: (day - 1) % 7))
    else:
        on = " on " + _and(map(_day, spec.on)) if spec.on else ""
    start = "" if spec.start is None else f", from {_date(spec.start)} on"
    return f"At {_and(spec.at_texts())}, {turn}{on}{start}"


def _day(day: Day) -> str:
    month = "" if day.month == ANY else _MONTHS[day.month - 1]
    if day.weekday != ANY:
        return f"the {_NTH[day.nth]} {_WEEKDAYS[day.weekday]}{f' of {month}' if month else ''}"
    if day.nth == LAST:
        return f"the last day{f' of {month}' if month else ''}"
    return f"{day.nth} {month}" if month else f"day {day.nth}"


def _sun(event: str) -> str:
    part, _, which = event.partition("_")
    return "solar noon" if event == "solar_noon" else f"{which} {part}" if which else part


def _place(spec: solar) -> str:
    north, east = ("N" if spec.lat >= 0 else "S"), ("E" if spec.lon >= 0 else "W")
    return f"{abs(spec.lat):g}° {north}, {abs(spec.lon):g}° {east}"


def _describe_exclusion(exclusion: Exclusion | WallClock) -> str:
    match exclusion:
        case dates():
            texts = exclusion.texts()
            return ", ".join(texts) if len(texts) <= _FEW else f"{len(exclusion)} dates"
        case public_holidays():
            return f"holidays of {_country(exclusion)}"
        case WallClock():
            return describe(exclusion)
    raise AssertionError(f"{exclusion!r} has no words")


def _explain_exclusion(exclusion: Exclusion | WallClock) -> str:
    match exclusion:
        case dates():
            texts = [text.replace("..", " to ") for text in exclusion.texts()]
            return _and(texts) if len(texts) <= _FEW else f"{len(exclusion)} dates"
        case public_holidays():
            return f"the public holidays of {_country(exclusion)}"
        case WallClock():
            return f'the minutes of "{_uncapitalised(explain(exclusion))}"'
    raise AssertionError(f"{exclusion!r} has no words")


def _country(exclusion: public_holidays) -> str:
    return exclusion.country if exclusion.subdivision is None else f"{exclusion.country}-{exclusion.subdivision}"


def _amounts(milliseconds: int) -> Iterator[tuple[float, str, str]]:
    for size, short, name in _UNITS[:-1]:
        amount, milliseconds = divmod(milliseconds, size)
        if amount:
            yield amount, short, name
    if milliseconds:
        yield milliseconds / 1000, *_UNITS[-1][1:]


def _plural(name: str, amount: float) -> str:
    return name if amount == 1 else f"{name}s"


def _date(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _and(words: Iterable[str]) -> str:
    return _joined(words, "and")


def _or(words: Iterable[str]) -> str:
    return _joined(words, "or")


def _joined(words: Iterable[str], last: str) -> str:
    *others, end = words
    return f"{', '.join(others)} {last} {end}" if others else end


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
