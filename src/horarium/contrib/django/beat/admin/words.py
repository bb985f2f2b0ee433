"""Moments, spans and errors as the pages say them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from horarium.clock import Instant, Seconds, abbreviation, to_datetime
from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask
from horarium.errors import HorariumError, InvalidSchedule
from horarium.schedules.words import explain
from horarium.schedules.zones import zone_of

if TYPE_CHECKING:
    from horarium.app.app import Horarium

NOTHING = mark_safe('<span class="quiet">–</span>')
_STEPS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def plain(error: HorariumError) -> str:
    """Return what an error says, without the name of the row that people have in front of them."""
    return bare(error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error))


def bare(text: str) -> str:
    """Return what was said of a row, without its name, which comes first."""
    return text.split("': ", 1)[1] if text.startswith("schedule '") and "': " in text else text


def zone_of_row(task: PeriodicTask, app: Horarium | None) -> tzinfo:
    """Return the zone in which a row is meant: that of its crontab, else the app's; UTC for one that is not there."""
    named = task.crontab.zone if isinstance(task.scheduler, CrontabSchedule) and task.crontab else None
    try:
        return zone_of(named or (app.conf.timezone if app is not None else "UTC"))
    except InvalidSchedule:
        return ZoneInfo("UTC")


def when(task: PeriodicTask) -> SafeString | str:
    """Return when a row is due: as it is written, and in words."""
    row = task.scheduler
    if row is None:
        return NOTHING
    said = explained(row)
    written = str(row).replace(" (m/h/dM/MY/d)", "")
    if not said or not isinstance(row, CrontabSchedule):
        return said or written
    return format_html('{}<br><span class="quiet hor-small">{}</span>', said, written)


def explained(row: object) -> str:
    """Return the sentence that says when a row of schedules is due; of one that cannot be read nothing."""
    try:
        return _sentence(row.schedule)  # type: ignore[attr-defined]
    except (HorariumError, ValueError, OverflowError):  # what raw SQL wrote; the state says so
        return ""


_sentence = lru_cache(maxsize=4096)(explain)  # of a crontab it takes a millisecond, and a list shows a hundred


def moment(instant: Instant | None, zone: tzinfo, now: Instant) -> SafeString | str:
    """Return how far a moment is from now, and when it is in a zone; in UTC for who points at it."""
    if instant is None:
        return NOTHING
    return format_html(
        '<span class="nowrap" title="{}">{}<br><span class="quiet hor-small">{}</span></span>',
        in_utc(instant),
        away(instant, now),
        local(instant, zone, now),
    )


def local(instant: Instant, zone: tzinfo, now: Instant) -> str:
    """Return a moment in a zone, with the zone's short name; the year and the seconds where they matter."""
    at = to_datetime(instant).astimezone(zone)
    year = "" if at.year == to_datetime(now).astimezone(zone).year else f" {at.year}"
    seconds = f":{at:%S}" if at.second else ""
    return f"{at:%a} {at.day} {at:%b}{year} {at:%H:%M}{seconds} {abbreviation(at)}"


def in_utc(instant: Instant) -> str:
    """Return a moment in UTC, to the second."""
    return f"{to_datetime(instant).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def away(instant: Instant, now: Instant) -> str:
    """Return how far a moment is from now."""
    seconds = round((instant - now) / 1000)
    if seconds == 0:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


def span(seconds: Seconds) -> str:
    """Return a duration in its two largest units; a short one to the hundredth."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    for (size, name), (smaller, smaller_name) in pairwise(_STEPS):
        if seconds >= size:
            large, rest = divmod(int(seconds), int(size))
            small = rest // int(smaller)
            return f"{large} {name} {small} {smaller_name}" if small and large < 10 else f"{large} {name}"
    return f"{seconds:.0f} s"


def naive_or_aware(value: datetime) -> datetime:
    """Return a moment of Django's as an aware one; a naive one, of a project without USE_TZ, is in its current zone."""
    from django.utils import timezone

    return value if timezone.is_aware(value) else timezone.make_aware(value)
