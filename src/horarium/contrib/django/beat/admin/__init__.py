"""The admin of the tables of schedules, under the names that django-celery-beat has for it."""

from __future__ import annotations

from django.contrib import admin

from horarium.contrib.django.beat.admin.form import PeriodicTaskForm
from horarium.contrib.django.beat.admin.schedules import (
    ADMINS,
    ClockedScheduleAdmin,
    CrontabScheduleAdmin,
    IntervalScheduleAdmin,
    ScheduleAdmin,
    SolarScheduleAdmin,
)
from horarium.contrib.django.beat.admin.tasks import PeriodicTaskAdmin
from horarium.contrib.django.beat.models import PeriodicTask

__all__ = [
    "ClockedScheduleAdmin",
    "CrontabScheduleAdmin",
    "IntervalScheduleAdmin",
    "PeriodicTaskAdmin",
    "PeriodicTaskForm",
    "ScheduleAdmin",
    "SolarScheduleAdmin",
]

admin.site.register(PeriodicTask, PeriodicTaskAdmin)
for _model, _admin in ADMINS.items():
    admin.site.register(_model, _admin)
