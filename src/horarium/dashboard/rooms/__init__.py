"""All rooms of the dashboard, in the order of the rail."""

from horarium.dashboard.room import Room
from horarium.dashboard.rooms import alerts, overview, runs, workflows

ALL: tuple[Room, ...] = (overview.room, runs.room, workflows.room, alerts.room)
