"""All rooms of the dashboard, in the order of the rail."""

from horarium.dashboard.room import Room
from horarium.dashboard.rooms import overview, runs, schedules, workflows

ALL: tuple[Room, ...] = (overview.room, runs.room, schedules.room, workflows.room)
