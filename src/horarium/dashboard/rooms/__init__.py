"""All rooms of the dashboard, in the order of the rail."""

from horarium.dashboard.room import Room
from horarium.dashboard.rooms import login, overview, runs, settings, workflows

ALL: tuple[Room, ...] = (overview.room, runs.room, workflows.room, settings.room, login.room)
