"""Schedules: when things fire, decided by pure functions over plain values."""

from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import crontab
from horarium.schedules.interval import every, schedule

__all__ = ["clocked", "crontab", "every", "schedule"]
