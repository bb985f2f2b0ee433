"""What fires when: the list, the calendar, one schedule, and what people do about it. One file per group of pages."""

from horarium.dashboard.rooms.schedules import acting, backfilling, busy, editing, listing, one, trying
from horarium.dashboard.rooms.schedules.place import room

# The order of routes is that of these: fixed paths (calendar, new, bulk) come before the page of a name.
__all__ = ["acting", "backfilling", "busy", "editing", "listing", "one", "room", "trying"]
