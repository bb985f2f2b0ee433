"""Schedules: when things fire, decided by pure functions over plain values."""

# The module that holds the record first: importing it later would put it in the place of the function ``schedule``.
import horarium.schedules.schedule  # noqa: F401
from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import crontab
from horarium.schedules.interval import every, schedule

__all__ = ["clocked", "crontab", "every", "schedule"]
