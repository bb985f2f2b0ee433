"""Schedules: when things fire, decided by pure functions over plain values."""

from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates, public_holidays
from horarium.schedules.ical import dates_from_ical
from horarium.schedules.interval import every, schedule
from horarium.schedules.recurrence import union, without
from horarium.schedules.solar import solar
from horarium.schedules.words import explain

__all__ = [
    "calendar",
    "clocked",
    "cron",
    "crontab",
    "dates",
    "dates_from_ical",
    "every",
    "explain",
    "public_holidays",
    "schedule",
    "solar",
    "union",
    "without",
]
