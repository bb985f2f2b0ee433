"""All rooms of the dashboard, in the order of the rail."""

from horarium.dashboard.room import Room
from horarium.dashboard.rooms import (
    alerts,
    charts,
    finding,
    login,
    monitor,
    overview,
    queues,
    runs,
    schedules,
    settings,
    tasks,
    workers,
    workflows,
)

ALL: tuple[Room, ...] = (
    overview.room,
    runs.room,
    tasks.room,
    schedules.room,
    queues.room,
    workers.room,
    workflows.room,
    monitor.room,
    charts.room,
    finding.room,
    alerts.room,
    settings.room,
    login.room,
)
